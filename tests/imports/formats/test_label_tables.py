"""Tables of labels: cells, and the frequencies of adverse events."""

from typing import Any

import pytest
from lxml import etree

from app.imports.formats.label.frequencies import read_frequencies
from app.imports.formats.label.inline import Footnotes
from app.imports.formats.label.tables import read_table
from tests.imports.formats.label_parts import Json, fixture, notes, remarks


def table(xml: str) -> list[Json]:
    element = etree.fromstring(f'<table xmlns="urn:hl7-org:v3">{xml}</table>')
    return read_frequencies(read_table(element, Footnotes())).frequencies


def rows(*lines: str) -> str:
    return "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line.split('|'))}</tr>" for line in lines)


def test_frequencies_are_as_printed_and_only_where_the_header_says_of_whom() -> None:
    unit = fixture("prescription")
    found = notes(unit)
    first = found["adverse-reaction", "Reactions in ≥ 2% of patients"]
    assert first["statement"] == "Table 1: Reactions in ≥ 2% of patients"
    assert first["frequencies"] == [
        {"event": "Nerves: Pain", "arm": "CALMIVO", "n": 1200, "events": 120, "percent": 10},
        {"event": "Nerves: Pain", "arm": "Placebo", "n": 400, "events": 8, "percent": 2.0},
        {"event": "Skin: Pain", "arm": "CALMIVO", "n": 1200, "events": 6, "percent": 0.5},
        {"event": "Skin: Pain", "arm": "Placebo", "n": 400, "events": 0},
    ]
    assert first["provenance"][0]["quote"].endswith("Odd\t60\t50\t–\t-\n* At the site.")
    second = found["adverse-reaction", "Reactions, n (%)"]
    assert second["frequencies"] == [
        {"event": "Cough", "arm": "CALMIVO 20 Units", "n": 50, "events": 5, "percent": 10},
        {"event": "Sneeze", "arm": "CALMIVO 20 Units", "n": 50, "events": 1, "percent": 2},
    ]
    assert second["provenance"][0]["quote"] == "Table 2. Reactions, n (%)"
    prose = found["adverse-reaction", "Clinical Trials Experience"]["statement"]
    assert prose == "Trials differ from practice.\n\nBetween the tables."
    assert remarks(unit) == [
        ("nothing-stated", "Contraindications: None."),
        ("only-cross-references", "Adverse reactions"),
        ("frequency-left-out", "Reactions in ≥ 2% of patients: Skin: Pain / Placebo: <1"),
        ("inconsistent-frequency", "Reactions in ≥ 2% of patients: Odd / CALMIVO: 1200, 60, 50"),
        ("frequency-left-out", "Reactions, n (%): Yawn / CALMIVO 20 Units: 10⁶"),
        ("frequency-left-out", "Reactions in 3% or more: Hum / CALMIVO: 3"),
        ("table-not-read", "Reactions in 3% or more"),
        ("table-not-read", "Rates per 100 patient-years"),
        ("overdosage-left-out", "no kind of safety note is about overdosage"),
    ]


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (rows("Event|Drug (n=10)|", "Cough|10%|"), [("Cough", "Drug", 10, None, 10)]),
        (rows("Event|Drug|Placebo", "% of patients|N=10|N=20", "Cough|10|5.0"), [
            ("Cough", "Drug", 10, None, 10), ("Cough", "Placebo", 20, None, 5.0)]),
        (rows("Event|Drug N=10 % (n)", "Cough|10 (1)"), [("Cough", "Drug", 10, 1, 10)]),
        (rows("Event|Drug N=10", "Cough|1 (10%)"), [("Cough", "Drug", 10, 1, 10)]),
        (rows("Event|Drug N=10", "Cough|1 (10)"), []),
        (rows("Event|Drug", "Cough|1 (10%)"), []),
        (rows("Event|Drug N=100", "Cough|8 (2%)"), []),
        (rows("Event|Drug", "Cough|", "Severe|1%"), [("Cough: Severe", "Drug", None, None, 1)]),
        (rows("Event||Drug", "Cough|Day|1%", "Hum|Day|2%", "Hum|Night|3%"), [
            ("Cough: Day", "Drug", None, None, 1), ("Hum: Day", "Drug", None, None, 2),
            ("Hum: Night", "Drug", None, None, 3)]),
        (rows("Event|N=10", "Cough|10%"), []),
        (rows("Event|Drug N=10 N=20", "Cough|10%"), []),
        (rows("Event|Drug N=1.5", "Cough|10%"), [("Cough", "Drug N=1.5", None, None, 10)]),
        (rows("Event|Drug N=10", "Cough|101%"), []),
        (rows("Event|Drug N=10", "Cough|10% to 20%"), []),
        (rows("Event|Drug|p-value", "Cough|10%|0.05"), [("Cough", "Drug", None, None, 10)]),
        (rows("Body system|Event|Drug", "Chest|Cough|10%"), [("Cough", "Drug", None, None, 10)]),
        (rows("Event|Drug All Grades %", "Cough|10"), [("Cough", "Drug All Grades", None, None, 10)]),
        (rows("|Drug N=10", "|Grade 3-4 %", "Cough|10"), [("Cough, Grade 3-4", "Drug", 10, None, 10)]),
        (rows("Event|Drug<sup>a</sup> N=9", "Cough<sup>b,c</sup>|10%<sup>1</sup>"), [("Cough", "Drug", 9, None, 10)]),
        (rows("Event|Drug % N=9", "Cough|10<sup>1</sup>", "Sneeze|20<sup>d</sup>"), [("Sneeze", "Drug", 9, None, 20)]),
        (rows("Event|Drug", "Cough|&lt;1%", "Hum|–", "Sneeze|20%"), [("Sneeze", "Drug", None, None, 20)]),
        (rows("Event|Drug|Other", "Cough|&lt;1%|2%", "Hum|–|3%"), [
            ("Cough", "Other", None, None, 2), ("Hum", "Other", None, None, 3)]),
        (rows("Cough|10%"), []),
        (rows("Event|Drug"), []),
        ("", []),
    ],
)  # fmt: skip
def test_tables(xml: str, expected: list[tuple[Any, ...]]) -> None:
    names = ("event", "arm", "n", "events", "percent")
    assert [tuple(row.get(name) for name in names) for row in table(xml)] == expected


HEAD = "<tr><th>Reaction</th><th>Drug (%)</th><th>Placebo (%)</th></tr>"


def told(xml: str) -> list[tuple[str, str, float]]:
    return [(row["event"], row["arm"], row["percent"]) for row in table(xml)]


@pytest.mark.parametrize(
    ("body", "rash"),
    [
        ("<tbody><tr><td>Rash</td><td>5</td><td>3</td></tr></tbody>", [("Rash", "Drug", 5), ("Rash", "Placebo", 3)]),
        (
            "<tr><td>Itch</td><td rowspan='2'>8</td><td>7</td></tr><tr><td colspan='3'>Skin</td></tr>"
            "<tr><td>Rash</td><td>5</td><td>3</td></tr>",
            [("Itch", "Drug", 8), ("Itch", "Placebo", 7), ("Rash", "Drug", 5), ("Rash", "Placebo", 3)],
        ),
        (
            "<tr><td>Rash</td><td revised='delete'>9</td><td>5</td><td>3</td></tr>"
            "<tr revised='delete'><td>Itch</td><td>5</td><td>3</td></tr>",
            [("Rash", "Drug", 5), ("Rash", "Placebo", 3)],
        ),
    ],
)
def test_no_cell_moves_another_row_s_numbers(body: str, rash: list[Any]) -> None:
    """A header cell whose `rowspan` is larger than the header ends with the header."""
    head = HEAD.replace("<th>", "<th rowspan='2'>", 1)
    assert told(f"<thead>{head}</thead>{body}") == rash


@pytest.mark.parametrize("name", ["N", "(n)", "Number of patients", "Patients treated (N)", "Total number of subjects"])
def test_how_many_there_were_is_no_event(name: str) -> None:
    rows = f"<tr><td>{name}</td><td>98</td><td>95</td></tr><tr><td>Rash</td><td>5</td><td>3</td></tr>"
    assert told(f"<thead>{HEAD}</thead>{rows}") == [("Rash", "Drug", 5), ("Rash", "Placebo", 3)]


@pytest.mark.parametrize(
    "name", ["Relative risk reduction (%)", "Drug minus placebo (%)", "Treatment effect (%)", "Drug (% per year)"]
)
def test_what_compares_is_no_frequency(name: str) -> None:
    head = HEAD.replace("Placebo (%)", name)
    assert told(f"<thead>{head}</thead><tr><td>Rash</td><td>5</td><td>3</td></tr>") == [("Rash", "Drug", 5)]


def test_patients_with_something_are_an_event() -> None:
    rows = "<tr><td>Number of patients with a rash</td><td>5</td><td>3</td></tr>"
    assert [percent for *_, percent in told(f"<thead>{HEAD}</thead>{rows}")] == [5, 3]
