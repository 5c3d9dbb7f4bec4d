"""Labels that are damaged, hostile or very long."""

import random
from collections.abc import Callable
from io import BytesIO

import pytest
from lxml import etree

from app.imports.candidates import Rejection, Unreadable
from app.imports.formats.label import units
from app.imports.formats.label.inline import Footnotes
from app.imports.formats.label.quoting import fitting
from app.imports.formats.label.tables import read_table
from app.imports.formats.label.text import Span
from app.imports.name_index import NO_NAMES
from tests.imports.formats.label_parts import (
    FIXTURES,
    _prove_any,
    damaged,
    labelled,
    mutated,
    of,
    prove,
    read,
    remarks,
    section,
)


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


def test_the_marks_of_many_footnotes_stay_short() -> None:
    notes = Footnotes()
    marks = [notes.mark(etree.Element("footnote")) for _ in range(5000)]
    assert marks[:8] == [*"*†‡§¶#", "**", "††"]
    assert max(map(len, marks)) < 30
    assert len(set(marks)) == 5000
