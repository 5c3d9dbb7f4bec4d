"""FDA labels: every quote stands where it is said to, every record fits its shape, and no number is guessed."""

import random
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree
from sqlalchemy import Engine

from app.database.engine import open_engine, reading
from app.imports.candidates import Rejection, SourceItem, Unreadable
from app.imports.formats.label import units
from app.imports.formats.label.dosing import _one_dose
from app.imports.formats.label.frequencies import read_frequencies
from app.imports.formats.label.inline import Footnotes, one_line
from app.imports.formats.label.quoting import fitting, slug
from app.imports.formats.label.tables import read_table
from app.imports.formats.label.text import Span
from app.imports.name_index import NO_NAMES, Names, read_names
from app.records.registry import RESOURCES
from app.releases.load import load
from app.store import integrity as maintaining
from tests.offered import DATA
from tests.offered import FIXTURES as ALL_FIXTURES

FIXTURES = ALL_FIXTURES / "label"
REAL = DATA / "labels"
WELL_FORMED = ("64f8040f-938d-4236-8e22-c838c9b5f8da.xml", "humira.xml", "lipitor-orig.xml")
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="real labels are not here")

Json = dict[str, Any]


def read(content: bytes, names: Names = NO_NAMES) -> SourceItem:
    [found] = units(BytesIO(content), "label.xml", names)
    assert isinstance(found, SourceItem)
    return found


def fixture(name: str, names: Names = NO_NAMES) -> SourceItem:
    return read((FIXTURES / f"{name}.xml").read_bytes(), names)


def of(unit: SourceItem, type: str) -> list[Json]:
    return [offer.data for offer in unit.offers if offer.type == type]


def notes(unit: SourceItem) -> dict[tuple[str, str], Json]:
    found = {(note["kind"], note["title"]): note for note in of(unit, "safety-notes")}
    assert len(found) == len(of(unit, "safety-notes"))
    return found


def remarks(unit: SourceItem) -> list[tuple[str, str]]:
    return [(remark.kind, remark.text) for remark in unit.remarks]


def prove(unit: SourceItem) -> None:
    """Each record fits its shape and breaks no rule, refers backwards only, and quotes the text where it says."""
    text = unit.offers[0].data["text"]
    assert unit.offers[0].type == "sources"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    seen: set[tuple[str, str]] = set()
    for type, data, *_ in unit.offers:
        record = RESOURCES[type].entered.model_validate(data)
        assert RESOURCES[type].faults(record) == []
        assert (type, record.id) not in seen
        seen.add((type, record.id))
        _prove_quotes(data, text)
        assert {("products", id) for id in [*data.get("products", []), *_some(data, "product")]} <= seen


def _some(data: Json, name: str) -> list[str]:
    return [data[name]] if name in data else []


def _prove_quotes(data: Json, text: str) -> None:
    quotes = [place["quote"] for place in data.get("provenance", [])]
    for place in data.get("provenance", []):
        assert text[place["start"] : place["start"] + len(place["quote"])] == place["quote"]
    said = data.get("statement") or data.get("summary")
    if said and not data.get("frequencies"):
        assert "\n\n".join(quotes) == said
    elif said:
        assert any(said in quote for quote in quotes)


def labelled(*sections: str, title: str = "X") -> bytes:
    product = (
        "<subject><manufacturedProduct><manufacturedProduct><name>Brand</name><asEntityWithGeneric><genericMedicine>"
        "<name>genericum</name></genericMedicine></asEntityWithGeneric></manufacturedProduct></manufacturedProduct></subject>"
    )
    body = "".join(f"<component>{section}</component>" for section in (f"<section>{product}</section>", *sections))
    return (
        f'<document xmlns="urn:hl7-org:v3"><title>{title}</title><setId root="0badcafe-0000-4000-8000-00000000000a"/>'
        f"<component><structuredBody>{body}</structuredBody></component></document>"
    ).encode()


def section(code: str, text: str, title: str = "") -> str:
    heading = f"<title>{title}</title>" if title else ""
    return f'<section><code code="{code}"/>{heading}<text>{text}</text></section>'


def table(xml: str) -> list[Json]:
    element = etree.fromstring(f'<table xmlns="urn:hl7-org:v3">{xml}</table>')
    return read_frequencies(read_table(element, Footnotes())).frequencies


def rows(*lines: str) -> str:
    return "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line.split('|'))}</tr>" for line in lines)


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
    assert product["id"] == "calmitoxin-sodium"
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
        ({"abc1234567": "a"}, "calmitoxin-sodium", "calmitoxin sodium"),
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


@pytest.fixture
def seeded_names(sqlite_copy: Path) -> Names:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    with reading(engine) as connection:
        names = read_names(connection)
    engine.dispose()
    return names


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing in it"),
        (b"<a><b></a>", "line 1"),
        (b"\n\n<a/>\n<b/>", "line 4"),
        (b"<html/>", "no label"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b'<?xml version="1.0" encoding="made-up"?><a/>', "not well-formed"),
        (b'<!DOCTYPE d [<!ENTITY a "b">]><document xmlns="urn:hl7-org:v3">&a;</document>', "document type"),
        (b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><document xmlns="urn:hl7-org:v3"/>', "document type"),
        (b'<document xmlns="urn:hl7-org:v3">' + b"<a>" * 120 + b"</a>" * 120 + b"</document>", "deep"),
    ],
)
def test_what_is_no_label_is_unreadable(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        list(units(BytesIO(content), "x", NO_NAMES))


def test_an_entity_bomb_is_unreadable_at_once() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    subset = f'<!DOCTYPE d [<!ENTITY e0 "{"x" * 100}">{entities}]>'
    bomb = f'{subset}<document xmlns="urn:hl7-org:v3" a="&e11;">&e11;</document>'
    with pytest.raises(Unreadable):
        list(units(BytesIO(bomb.encode()), "x", NO_NAMES))


def test_a_file_that_is_too_large_is_not_read_whole() -> None:
    class Endless(BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size > 0
            Endless.asked += size
            return b" " * size

    with pytest.raises(Unreadable, match="50,000,000"):
        list(units(Endless(), "x", NO_NAMES))
    assert Endless.asked <= 50_000_001


def test_a_label_without_a_set_or_a_product_is_refused() -> None:
    empty = b'<document xmlns="urn:hl7-org:v3"><setId root="%s"/></document>'
    assert list(units(BytesIO(empty % b"7"), "x.xml", NO_NAMES)) == [
        Rejection("x.xml", "/setId", "a label has a setId whose root is a UUID")
    ]
    [found] = units(BytesIO(empty % b"0badcafe-0000-4000-8000-000000000001"), "x.xml", NO_NAMES)
    assert isinstance(found, Rejection)
    assert "no product" in found.detail


def test_what_is_longer_than_a_statement_ends_with_a_sentence() -> None:
    unit = read(labelled(section("34070-3", "<paragraph>" + "Never do this. " * 3000 + "</paragraph>")))
    prove(unit)
    [note] = of(unit, "safety-notes")
    assert 19_000 < len(note["statement"]) <= 20_000
    assert note["statement"].endswith("Never do this.")
    assert remarks(unit) == [("cut-short", "contraindication: Contraindications")]
    assert fitting("no end of a sentence", Span(0, 20), 10) == Span(0, 0)


def test_many_runs_of_text_are_at_most_a_hundred_quotes() -> None:
    one = "<paragraph>Text.</paragraph><table><tr><td>A</td><td>B</td></tr></table>"
    unit = read(labelled(section("34084-4", one * 150)))
    prove(unit)
    assert ("cut-short", "adverse-reaction: Adverse reactions") in remarks(unit)


def test_many_sections_of_the_same_name() -> None:
    unit = read(labelled(*[section("34071-1", "Mind.", "Same")] * 3000))
    ids = [note["id"] for note in of(unit, "safety-notes")]
    assert len(set(ids)) == 3000
    assert ids[-1] == "label-0badcafe-warning-same-3000"


def test_wide_and_tall_spans_are_bounded() -> None:
    xml = '<tr><td rowspan="99999" colspan="99999">a</td><td>b</td></tr>' + "<tr><td>c</td></tr>" * 50
    element = etree.fromstring(f'<table xmlns="urn:hl7-org:v3">{xml}</table>')
    assert max(len(row.cells) for row in read_table(element, Footnotes()).rows) <= 101


def test_hyphens_of_ids_and_spaces_of_lines() -> None:
    assert slug("Ages 10–17 Ménière’s® disease") == "ages-10-17-menieres-disease"
    assert one_line("a\n  ] b\n .5 \u00a0 c\x85d\x01") == "a] b .5 c d"


def test_the_same_text_from_the_same_label() -> None:
    first, second = fixture("prescription"), fixture("prescription")
    assert first == second


def mutated(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Well-formed still: elements gone, doubled, renamed or moved, attributes and words replaced."""
    root = etree.fromstring(content)
    for _ in range(chance.randint(1, 6)):
        elements = [element for element in root.iter() if isinstance(element.tag, str)]
        one, other = chance.choice(elements), chance.choice(elements)
        _damage(one, other, chance)
    return etree.tostring(root)


def _damage(one: Any, other: Any, chance: random.Random) -> None:
    odd = ("", "  ", "-1", "٣", "x" * 5000, "<&>\u200b", "99999999999999999999", "1e999", "NaN%", "(N=0)")
    what = chance.randrange(5)
    if what == 0 and one.getparent() is not None:
        one.getparent().remove(one)
    elif what == 1 and one is not other and one not in other.iterancestors() and one.getparent() is not None:
        other.append(one)
    elif what == 2:
        one.tag = other.tag
    elif what == 3:
        one.text = chance.choice(odd)
    else:
        name = chance.choice(("code", "root", "value", "colspan", "rowspan", "codeSystem", "classCode", "IDREF"))
        one.set(name, chance.choice(odd))


@pytest.mark.parametrize("name", ["prescription", "over-the-counter", "old-format"])
@pytest.mark.parametrize("damage", [mutated, damaged])
def test_whatever_is_damaged_is_a_unit_a_refusal_or_unreadable(
    name: str, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    content = (FIXTURES / f"{name}.xml").read_bytes()
    chance = random.Random(7)
    for _ in range(250):
        _prove_any(damage(content, chance))


@pytest.mark.parametrize("name", ["prescription", "over-the-counter"])
def test_whatever_is_cut_off_is_unreadable(name: str) -> None:
    content = (FIXTURES / f"{name}.xml").read_bytes().rstrip()
    for end in range(0, len(content) - 1, 97):
        with pytest.raises(Unreadable):
            list(units(BytesIO(content[:end]), "x", NO_NAMES))


def _prove_any(content: bytes) -> None:
    try:
        found = list(units(BytesIO(content), "x", NO_NAMES))
    except Unreadable:
        return
    for one in found:
        if isinstance(one, SourceItem):
            prove(one)


@needs_real
@pytest.mark.parametrize("name", WELL_FORMED)
def test_real_labels(name: str, seeded_names: Names) -> None:
    content = (REAL / name).read_bytes()
    for names in (NO_NAMES, seeded_names):
        unit = read(content, names)
        prove(unit)
    expected = {"64f8": (1, 26, 56), "humi": (7, 23, 34), "lipi": (2, 30, 72)}[name[:4]]
    frequencies = sum(len(note.get("frequencies", [])) for note in of(unit, "safety-notes"))
    unit = read(content)
    assert (len(of(unit, "indications")), len(of(unit, "safety-notes")), frequencies) == expected
    assert len(of(unit, "mechanisms")) == 1


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


def test_what_is_read_can_be_loaded(engine: Engine, tmp_path: Path) -> None:
    """With its quotes checked by who checks all quotes."""
    by_type: dict[str, list[Json]] = {}
    for name in ("prescription", "over-the-counter", "old-format"):
        for type, data, *_ in fixture(name).offers:
            by_type.setdefault(type, []).append(data)
    for name, records in by_type.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(records, allow_unicode=True))
    load(engine, tmp_path)
    assert list(maintaining.check(engine)) == []


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
    """A header's cell that says to span more rows than the header has ends with it."""
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
            [],
        ),
        ("<paragraph>Calm is indicated for the treatment of gout. It is not for children.</paragraph>", ["gout"]),
        ("<paragraph>Calm is for the treatment of gout, when rest is not recommended.</paragraph>", None),
        ("<paragraph>Calm is indicated for treatment of gout where aspirin is contraindicated.</paragraph>", None),
        ("<list><item>gout in patients for whom rest is not indicated</item></list>", None),
    ],
)
def test_what_a_product_is_not_for_is_no_indication(text: str, names: list[str] | None) -> None:
    """A `not` that is about patients or other products denies no use."""
    found = read(labelled(section("34067-9", text, "1 INDICATIONS")))
    assert names is None or [item["name"] for item in of(found, "indications")] == names
    assert ("use-denied" in {kind for kind, _ in remarks(found)}) == (names is not None and "children" not in text)


def test_the_marks_of_many_footnotes_stay_short() -> None:
    notes = Footnotes()
    marks = [notes.mark(etree.Element("footnote")) for _ in range(5000)]
    assert marks[:8] == [*"*†‡§¶#", "**", "††"]
    assert max(map(len, marks)) < 30
    assert len(set(marks)) == 5000
