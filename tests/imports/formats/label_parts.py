"""Labels as tests read them, and what must hold for any that is read."""

import random
import re
from io import BytesIO
from typing import Any

from lxml import etree

from app.imports.candidates import SourceItem, Unreadable
from app.imports.formats.label import units
from app.imports.name_index import NO_NAMES, Names
from app.records.registry import RESOURCES
from tests.offered import FIXTURES as ALL_FIXTURES

FIXTURES = ALL_FIXTURES / "label"


Json = dict[str, Any]


def read(content: bytes, names: Names = NO_NAMES) -> SourceItem:
    [found] = units(BytesIO(content), "label.xml", names)
    assert isinstance(found, SourceItem)
    return found


def fixture(name: str, names: Names = NO_NAMES) -> SourceItem:
    return read((FIXTURES / f"{name}.xml").read_bytes(), names)


def of(unit: SourceItem, type: str) -> list[Json]:
    return [candidate.data for candidate in unit.candidates if candidate.type == type]


def notes(unit: SourceItem) -> dict[tuple[str, str], Json]:
    found = {(note["kind"], note["title"]): note for note in of(unit, "safety-notes")}
    assert len(found) == len(of(unit, "safety-notes"))
    return found


def remarks(unit: SourceItem) -> list[tuple[str, str]]:
    return [(warning.kind, warning.text) for warning in unit.warnings]


def prove(unit: SourceItem) -> None:
    """Checks that each record is valid, refers only to earlier ones, and quotes the text at the stated position."""
    text = unit.candidates[0].data["text"]
    assert unit.candidates[0].type == "sources"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    seen: set[tuple[str, str]] = set()
    for type, data, *_ in unit.candidates:
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
    statement_of = data.get("statement") or data.get("summary")
    if statement_of and not data.get("frequencies"):
        assert "\n\n".join(quotes) == statement_of
    elif statement_of:
        assert any(statement_of in quote for quote in quotes)


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


def mutated(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Well-formed XML with elements removed, doubled, renamed or moved, and attributes and words replaced."""
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


def _prove_any(content: bytes) -> None:
    try:
        found = list(units(BytesIO(content), "x", NO_NAMES))
    except Unreadable:
        return
    for one in found:
        if isinstance(one, SourceItem):
            prove(one)
