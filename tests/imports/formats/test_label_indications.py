"""What labels say their product is for: every use, with its people and limits, and nothing that they deny."""

import pytest

from tests.imports.formats.label_parts import labelled, notes, of, prove, read, remarks, section


def _paragraphs(*texts: str) -> str:
    return "".join(f"<paragraph>{text}</paragraph>" for text in texts)


def _list(*items: str) -> str:
    return f"<list>{''.join(f'<item>{item}</item>' for item in items)}</list>"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            _paragraphs(
                "X is indicated for the treatment of hypertension in adult patients, to lower blood pressure. Lowering "
                "blood pressure lowers the risk of strokes.",
                "X is indicated to reduce signs and symptoms of systolic heart failure.",
                "X is indicated in hemodynamically stable patients within 24 hours of acute myocardial infarction.",
            ),
            ["hypertension", "systolic heart failure", "acute myocardial infarction"],
        ),
        (
            _paragraphs(
                "Hypertension: X is indicated in the management of hypertension. It may be used alone.",
                "Angina Pectoris: X is indicated to decrease angina frequency.",
                "Migraine",
                "X is indicated for the prophylaxis of common migraine headache. The efficacy in the treatment of an "
                "attack has not been established, and X is not indicated for such use.",
            ),
            ["Hypertension", "Angina Pectoris", "common migraine headache"],
        ),
        (
            _paragraphs(
                "X is indicated for relief of the signs and symptoms of rheumatoid arthritis and osteoarthritis.",
                "X is indicated for relief of mild to moderate pain.",
                "Controlled studies have shown a benefit.",
            ),
            ["rheumatoid arthritis", "osteoarthritis", "mild to moderate pain"],
        ),
        (
            _paragraphs("X is indicated in infections due to susceptible strains in the conditions listed below:")
            + _list("Infections of the skin and skin structure due to E. coli", "Gonorrhea, acute uncomplicated"),
            ["Infections of the skin and skin structure due to E. coli", "Gonorrhea, acute uncomplicated"],
        ),
        (
            _paragraphs(
                "X is indicated in the following conditions:",
                "1. Endocrine Disorders",
                "Primary or secondary adrenocortical insufficiency",
                "2. Rheumatic Disorders",
            ),
            ["Endocrine Disorders", "Primary or secondary adrenocortical insufficiency", "Rheumatic Disorders"],
        ),
        (
            _paragraphs("temporarily relieves headache, toothache, and fever"),
            ["headache", "toothache", "fever"],
        ),
        (
            _paragraphs("X is indicated:")
            + _list(
                "as an adjunct to diet to improve glycemic control in adults with type 2 diabetes mellitus.", "gout"
            ),
            ["type 2 diabetes mellitus", "gout"],
        ),
        (
            _paragraphs("X treats:")
            + _list("gout", "Should not be used for treatment of asthma", "migraine")
            + _paragraphs("X is not indicated for:")
            + _list("acne")
            + _paragraphs("X is indicated for the treatment of rosacea."),
            ["gout", "migraine", "rosacea"],
        ),
    ],
)
def test_every_use_is_an_indication(text: str, names: list[str]) -> None:
    unit = read(labelled(section("34067-9", text, "INDICATIONS AND USAGE")))
    prove(unit)
    assert [one["name"] for one in of(unit, "indications")] == names
    assert [one["indication"] for one in of(unit, "approvals")] == [one["id"] for one in of(unit, "indications")]


def _parts(code: str, *inner: str) -> str:
    return f'<section><code code="{code}"/>{"".join(f"<component>{one}</component>" for one in inner)}</section>'


def test_headings_that_say_for_whom_are_no_conditions() -> None:
    parts = (
        section("42229-5", _paragraphs("X is indicated for the treatment of gout in adults."), "1.1 Adults"),
        section("42229-5", _paragraphs("X is for the treatment of acne in children."), "1.2 Pediatric Patients"),
        section("42229-5", _paragraphs("Whatever it says."), "1.3 Chronic Migraine"),
        section("42229-5", _paragraphs("X is not for colds."), "1.4 Limitations of Use"),
    )
    unit = read(labelled(_parts("34067-9", *parts)))
    prove(unit)
    assert [one["name"] for one in of(unit, "indications")] == ["gout", "acne", "Chronic Migraine"]
    approvals = of(unit, "approvals")
    assert [one.get("population") for one in approvals] == ["adults", "children", None]
    assert {one["note"] for one in approvals} == {"Limits of use: X is not for colds."}
    assert all(one["provenance"][-1]["quote"] == "X is not for colds." for one in approvals)


def test_one_use_for_two_kinds_of_people_is_approved_twice() -> None:
    said = _paragraphs("In patients with diabetes, X is indicated to:") + _list("Reduce the risk of stroke")
    said += _paragraphs("In patients with gout, X is indicated to:") + _list("Reduce the risk of stroke")
    unit = read(labelled(section("34067-9", said)))
    assert [one["name"] for one in of(unit, "indications")] == ["stroke"]
    assert [one["population"] for one in of(unit, "approvals")] == ["patients with diabetes", "patients with gout"]


def test_a_boxed_warning_is_a_section_of_the_document() -> None:
    boxed = section("34066-1", _paragraphs("May cause harm."), "WARNING: HARM")
    found = notes(read(labelled(boxed)))
    assert [*found] == [("boxed-warning", "WARNING: HARM")]
    inside = section("34066-1", _paragraphs("Measure the dose with care."), "Note")
    assert notes(read(labelled(_parts("34068-7", inside)))) == {}
    assert [*notes(read(labelled(_parts("34071-1", inside))))] == [("warning", "Note")]


def test_a_seal_is_no_boxed_warning() -> None:
    text = "TAMPER EVIDENT: Do not use if the foil seal under the cap is broken or missing."
    unit = read(labelled(section("34066-1", _paragraphs(text), "Package")))
    assert notes(unit) == {}
    assert ("tamper-evident-text", "Package") in remarks(unit)


def test_dosing_says_for_whom_how_much_and_how_often() -> None:
    """A label with a single indication has its dosing for that; what is not one clear dose is only text."""
    use = section("34067-9", _paragraphs("X is indicated for the treatment of gout."))
    one = section(
        "42229-5", _paragraphs("In adults, the recommended dose is 40 mg administered every other week."), "2.1"
    )
    other = section("42229-5", _paragraphs("In children, give 1 mg/kg or 20 mg."), "2.2 B")
    unit = read(labelled(use, _parts("34068-7", one, other)))
    prove(unit)
    first, second = of(unit, "dosing")
    assert (first["indication"], first["population"], first["dose"]) == ("gout", "adults", "40 mg every other week")
    assert (first["unit"], first["dose_min"], first["retreatment_interval_weeks"]) == ("mg", 40, 2)
    assert (second["indication"], second["population"]) == ("gout", "children")
    assert "dose" not in second
    assert second["statement"] == "In children, give 1 mg/kg or 20 mg."
