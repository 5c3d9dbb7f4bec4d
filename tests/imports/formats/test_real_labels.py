"""Real labels of DailyMed, where they are at hand."""

import random
from io import BytesIO
from typing import Any

import pytest

from app.imports.candidates import Unreadable
from app.imports.formats.label import units
from app.imports.name_index import NO_NAMES, Names
from tests.imports.formats.label_parts import _prove_any, damaged, mutated, of, prove, read
from tests.offered import DATA

REAL = DATA / "labels"


WELL_FORMED = ("64f8040f-938d-4236-8e22-c838c9b5f8da.xml", "humira.xml", "lipitor-orig.xml")


needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="real labels are not here")


@needs_real
@pytest.mark.parametrize("name", WELL_FORMED)
def test_real_labels(name: str, seeded_names: Names) -> None:
    content = (REAL / name).read_bytes()
    for names in (NO_NAMES, seeded_names):
        unit = read(content, names)
        prove(unit)
    expected = {"64f8": (1, 26, 56), "humi": (7, 23, 34), "lipi": (15, 30, 72)}[name[:4]]
    frequencies = sum(len(note.get("frequencies", [])) for note in of(unit, "safety-notes"))
    unit = read(content)
    assert (len(of(unit, "indications")), len(of(unit, "safety-notes")), frequencies) == expected
    assert len(of(unit, "mechanisms")) == 1


@needs_real
def test_what_real_labels_are_for() -> None:
    """Each indication is approved; `Limitations of Use` make none and stand on each approval."""
    unit = read((REAL / "lipitor-orig.xml").read_bytes())
    assert [one["name"] for one in of(unit, "indications")] == [
        "Prevention of Cardiovascular Disease",
        "myocardial infarction",
        "stroke",
        "revascularization procedures",
        "angina",
        "non-fatal myocardial infarction",
        "fatal and non-fatal stroke",
        "hospitalization for CHF",
        "Hyperlipidemia",
        "primary hypercholesterolemia (heterozygous familial and nonfamilial)",
        "mixed dyslipidemia (Fredrickson Types IIa and IIb)",
        "elevated serum TG levels (Fredrickson Type IV)",
        "primary dysbetalipoproteinemia (Fredrickson Type III)",
        "homozygous familial hypercholesterolemia",
        "heterozygous familial hypercholesterolemia",
    ]
    approvals = of(unit, "approvals")
    assert {one["indication"] for one in approvals} == {one["id"] for one in of(unit, "indications")}
    assert all("chylomicrons" in one["note"] and "date" not in one for one in approvals)
    people = {one["indication"]: one.get("population") for one in approvals}
    assert people["heterozygous-familial-hypercholesterolemia"] == "boys and postmenarchal girls, 10 to 17 years of age"
    humira = of(read((REAL / "humira.xml").read_bytes()), "approvals")
    assert {one["regulator"] for one in humira} == {"FDA"}
    assert [one["population"] for one in humira][:2] == [
        "adult patients",
        "pediatric patients 4 years of age and older",
    ]


@needs_real
def test_numbers_of_real_labels() -> None:
    def frequency(file: str, event: str, arm: str) -> list[tuple[Any, Any]]:
        unit = read((REAL / file).read_bytes())
        every = [row for note in of(unit, "safety-notes") for row in note.get("frequencies", [])]
        return [(row["n"], row["percent"]) for row in every if (row["event"], row["arm"]) == (event, arm)]

    assert frequency(WELL_FORMED[0], "Headache", "100 mg") == [(506, 28)]
    assert frequency(WELL_FORMED[0], "Abnormal vision", "Placebo") == [(607, 1)]
    assert frequency(WELL_FORMED[0], "Abnormal Vision", "PLACEBO") == [(725, 0)]
    humira = "HUMIRA 40 mg subcutaneous Every Other Week"
    assert frequency(WELL_FORMED[1], "Injection site reaction", humira) == [(705, 8)]
    assert frequency(WELL_FORMED[2], "Diarrhea", "40 mg") == [(604, 14.1)]


@needs_real
def test_a_malformed_file_says_where_it_breaks() -> None:
    with pytest.raises(Unreadable, match="line 5: it is not well-formed XML"):
        list(units(BytesIO((REAL / "otc-bars.xml").read_bytes()), "x", NO_NAMES))


@needs_real
@pytest.mark.parametrize("name", WELL_FORMED)
def test_damaged_real_labels(name: str) -> None:
    content = (REAL / name).read_bytes()
    chance = random.Random(11)
    for _ in range(6):
        _prove_any(damaged(content, chance))
        _prove_any(mutated(content, chance))
