"""FDA labels: every quote is at its stated position, every record is valid, and no number is guessed."""

from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from app.imports.formats.label.dosing import _one_dose
from app.imports.formats.label.inline import one_line
from app.imports.name_index import Names
from app.imports.slugs import slug
from app.releases.load import load
from app.store import integrity as maintaining
from tests.imports.formats.label_parts import (
    FIXTURES,
    Json,
    fixture,
    labelled,
    notes,
    of,
    prove,
    read,
    remarks,
    section,
)


def test_a_prescription_label() -> None:
    unit = fixture("prescription")
    prove(unit)
    [source] = of(unit, "sources")
    assert source["id"] == "label-abcdef01-2345-4678-89ab-cdef01234567"
    assert source["title"] == "CALMIVO® (calmitoxin sodium) for injection"
    assert (source["version"], source["effective_date"]) == (7, "2032-02-29")
    assert source["publisher"] == "FDA / Example Makers, Inc."
    assert source["url"].endswith("setid=abcdef01-2345-4678-89ab-cdef01234567")
    [product] = of(unit, "products")
    assert product["id"] == "calmitoxin"
    assert product["brand_names"] == ["Calmivo", "Calmivo Mild"]
    assert product["synonyms"] == ["calmitoxin"]
    assert product["unii"] == "ABC1234567"
    assert product["manufacturer"] == "Example Makers, Inc."
    assert "CALMITOXIN SODIUM (UNII ABC1234567)" in product["provenance"][0]["quote"]
    [mechanism] = of(unit, "mechanisms")
    assert mechanism["title"] == "Mechanism of action of calmitoxin sodium"
    assert mechanism["summary"] == "Calmitoxin keeps nerves from releasing CO₂-like signals."


def test_indications_are_the_numbered_parts_without_limitations() -> None:
    found = of(fixture("prescription"), "indications")
    assert [(one["id"], one["name"]) for one in found] == [
        ("restless-legs", "Restless Legs"),
        ("dieters-tremor-dt", "Dieter’s Tremor (DT)"),
    ]
    assert found[0]["provenance"][0]["section"] == "34067-9 1 INDICATIONS AND USAGE > 1.1 Restless Legs"
    assert found[0]["provenance"][0]["quote"].endswith("restless legs in adults.")


def test_dosing_is_quoted_and_only_a_single_dose_is_a_number() -> None:
    found = of(fixture("prescription"), "dosing")
    assert [(one.get("indication"), one.get("dose")) for one in found] == [
        (None, None),
        ("restless-legs", "20 Units"),
        ("dieters-tremor-dt", "20 Units"),
        ("restless-legs", None),
        (None, None),
    ]
    assert (found[1]["dose_min"], found[1]["dose_max"], found[1]["unit"]) == (20, 20, "Units")
    assert found[4]["statement"] == "By weight:\n\nWeight\tDose\nunder 30 kg\t10² Units"
    assert {one["label_country"] for one in found} == {"US"}


def test_safety_notes_are_of_the_kinds_of_their_sections() -> None:
    found = notes(fixture("prescription"))
    assert [key for key in found if key[0] != "adverse-reaction"] == [
        ("boxed-warning", "WARNING: QUIET SPREAD"),
        ("warning", "Quiet Spread"),
        ("warning", "Harm to the Unborn"),
        ("immunogenicity", "Immunogenicity"),
        ("interaction", "Drug interactions"),
        ("special-population", "Pregnancy"),
        ("special-population", "Geriatric Use"),
    ]
    boxed = found["boxed-warning", "WARNING: QUIET SPREAD"]["statement"]
    assert boxed == (
        "The effect can reach farther than the place of injection [see Warnings (5.1)].\n\n• Watch for weakness."
    )
    assert found["special-population", "Pregnancy"]["statement"] == "No data."


def test_running_text_lists_footnotes_and_what_was_struck_out() -> None:
    assert notes(fixture("prescription"))["warning", "Quiet Spread"]["statement"] == (
        "Spread was seen* in trials*.\n* In two people.\n\nIt was rarely grave.\nTell patients.\n\nMore on spread.\n\n"
        "Swallowing\n\na. Ask.\n  • Look.\n(ii) Listen."
    )


def test_a_label_without_prescription() -> None:
    unit = fixture("over-the-counter")
    prove(unit)
    [source] = of(unit, "sources")
    assert source["title"] == "Painaway (paracalm, caffeine)"
    assert not {"version", "effective_date"} & source.keys()
    [product] = of(unit, "products")
    assert (product["id"], product["brand_names"]) == ("paracalm-caffeine", ["Painaway"])
    assert "unii" not in product
    assert remarks(unit)[0] == ("several-ingredients", "no UNII is the whole product's: PARACALM, CAFFEINE")
    names = [one["name"] for one in of(unit, "indications")]
    assert names[:3] == ["headache", "muscular aches", "fever"]
    assert names[3].startswith("may help a person")
    assert of(unit, "indications")[3]["id"].startswith("label-0badcafe-indication-may-help")
    assert list(notes(unit)) == [
        ("warning", "Warnings"),
        ("contraindication", "Do not use"),
        ("warning", "Ask a doctor before use if you have"),
        ("special-population", "If pregnant or breast-feeding,"),
        ("warning", "Keep out of reach of children."),
    ]
    assert [one["statement"] for one in of(unit, "dosing")] == ["take 2 tablets every 6 hours"]


def test_a_label_of_the_old_format() -> None:
    unit = fixture("old-format")
    prove(unit)
    assert "effective_date" not in of(unit, "sources")[0]
    [product] = of(unit, "products")
    assert (product["name"], product["brand_names"], product["unii"]) == ("SOOTHINE", ["Soothex"], "SSSSSSSSS1")
    assert [one["name"] for one in of(unit, "indications")] == ["mild hypertension"]
    assert list(notes(unit)) == [
        ("contraindication", "Contraindications"),
        ("warning", "General"),
        ("interaction", "Drug Interactions"),
        ("special-population", "Pregnancy"),
        ("adverse-reaction", "Adverse reactions"),
    ]


def test_known_names_are_linked() -> None:
    known = Names({"calmivo": "calmitoxin"}, {"dieter's tremor": "tremor", "restless legs": "rls"}, {})
    unit = fixture("prescription", known)
    prove(unit)
    assert [one["id"] for one in of(unit, "products")] == ["calmitoxin"]
    assert of(unit, "indications") == []
    assert ("indication-known", "Dieter’s Tremor (DT) is tremor") in remarks(unit)
    assert [one.get("indication") for one in of(unit, "dosing")] == [None, "rls", "tremor", "rls", None]


@pytest.mark.parametrize(
    ("products", "id", "name"),
    [
        ({"calmivo": "a", "calmitoxin sodium": "b"}, "a", "calmitoxin sodium"),
        ({"calmivo": "a", "calmivo mild": "b", "calmitoxin sodium": "c"}, "c", "calmitoxin sodium"),
        ({"calmitoxin": "a"}, "a", "calmitoxin sodium"),
        ({"abc1234567": "a"}, "calmitoxin", "calmitoxin sodium"),
        ({"calmitoxin sodium": "class-1"}, "calmivo", "Calmivo"),
    ],
)
def test_which_product_it_is(products: dict[str, str], id: str, name: str) -> None:
    [product] = of(fixture("prescription", Names(products, {}, {}, frozenset({"class-1"}))), "products")
    assert (product["id"], product["name"]) == (id, name)


def test_the_seeds_brands_find_their_products(seeded_names: Names) -> None:
    botox = (FIXTURES / "prescription.xml").read_bytes().replace(b"Calmivo Mild", b"Botox Cosmetic")
    botox = botox.replace(b"Calmivo", b"BOTOX").replace(b"ABC1234567", b"E211KPY694")
    [product] = of(read(botox, seeded_names), "products")
    assert product["id"] == "onabotulinumtoxina"
    generic = (FIXTURES / "prescription.xml").read_bytes().replace(b"calmitoxin sodium", b"botulinum toxin type A")
    [product] = of(read(generic, seeded_names), "products")
    assert (product["id"], product["name"]) == ("calmivo", "Calmivo")
    assert seeded_names.classes


def test_hyphens_of_ids_and_spaces_of_lines() -> None:
    assert slug("Ages 10–17 Ménière’s® disease") == "ages-10-17-menieres-disease"
    assert one_line("a\n  ] b\n .5 \u00a0 c\x85d\x01") == "a] b .5 c d"


def test_the_same_text_from_the_same_label() -> None:
    first, second = fixture("prescription"), fixture("prescription")
    assert first == second


def test_what_is_read_can_be_loaded(engine: Engine, tmp_path: Path) -> None:
    """The check of the whole database also checks the quotes."""
    by_type: dict[str, list[Json]] = {}
    for name in ("prescription", "over-the-counter", "old-format"):
        for type, data, *_ in fixture(name).candidates:
            by_type.setdefault(type, []).append(data)
    for name, records in by_type.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(records, allow_unicode=True))
    load(engine, tmp_path)
    assert list(maintaining.check(engine)) == []


@pytest.mark.parametrize(
    ("says", "dose"),
    [
        ("The recommended dose is 1,000 mg once daily.", 1000),
        ("The recommended dose is 50 Units per treatment session.", 50),
        ("The recommended dose is 1,000 mg, then 5 mg later.", None),
        ("The recommended dosage is 75 mg per square meter.", None),
        ("The recommended dosage is 1.3 mg per m2.", None),
        ("The recommended dosage is 5 mcg/min.", None),
        ("The recommended dosage is 10 mg for every 10 kilograms.", None),
        ("The recommended dosage is 1 tablet. Each tablet has 50 mg.", None),
        ("The recommended dosage is 3 sprays. Never exceed the 100 mcg dose.", None),
        ("The recommended dose is 10 000 Units.", None),
    ],
)
def test_a_dose_is_the_one_that_is_recommended(says: str, dose: int | None) -> None:
    assert _one_dose(says).get("dose_min") == dose


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("<paragraph>Calm is not indicated for the treatment of gout.</paragraph>", []),
        ("<paragraph>The safety of Calm for the treatment of gout has not been established.</paragraph>", []),
        ("<list><item>gout</item><item>Should not be used for treatment of asthma</item></list>", ["gout"]),
        (
            "<paragraph>Calm treats:</paragraph><list><item>gout</item></list>"
            "<paragraph>Calm is not indicated for:</paragraph><list><item>asthma</item></list>",
            ["gout"],
        ),
        (
            "<paragraph>Calm is indicated for the treatment of gout. It must not be given in:</paragraph>"
            "<list><item>asthma</item></list>",
            ["gout"],
        ),
        ("<paragraph>Calm is indicated for the treatment of gout. It is not for children.</paragraph>", ["gout"]),
        ("<paragraph>Calm is for the treatment of gout, when rest is not recommended.</paragraph>", None),
        ("<paragraph>Calm is indicated for treatment of gout where aspirin is contraindicated.</paragraph>", None),
        ("<list><item>gout in patients for whom rest is not indicated</item></list>", None),
    ],
)
def test_what_a_product_is_not_for_is_no_indication(text: str, names: list[str] | None) -> None:
    """A `not` about patients or other products does not deny a use."""
    found = read(labelled(section("34067-9", text, "1 INDICATIONS")))
    assert names is None or [item["name"] for item in of(found, "indications")] == names
    assert ("use-denied" in {kind for kind, _ in remarks(found)}) == (names is not None and "children" not in text)
