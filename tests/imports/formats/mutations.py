"""Damages files of records at random, and knows which records it damaged.

A `Kind` is a kind of file: how its records are joined to a file, how the file is read, and how many records somebody
else than the reader counts in it. `mutant` makes a file in which some records are damaged; `check` reads it and proves
that no record is lost or changed without a word.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from random import Random
from typing import Any, NamedTuple

import orjson
from lxml import etree

from app.imports.candidates import Found, Rejection, SourceItem, Unreadable
from tests.offered import faults

Damage = Callable[[bytes, Random], bytes]
"""Damages one record."""
JSON_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**12, 1.5, "", " ", "NA", "\x00", "\x07\x85", "a/~b", "<0.1", "9" * 500, "101",
    "2010-02-31", "NCT1", "Ünïcode ﷽ 漢字", "word " * 900, "a\u200bb", "&amp;lt;", [], {}, [None], [[]],
    [{}], {"x": []},
)  # fmt: skip
XML_TEXTS = ("", "  ", "-1", "٣", "x" * 3000, "&amp;lt;b&gt;", "9" * 30, "1e999", "2010-02-31", "a\u200bb\u00ad", "Jr")


class Kind(NamedTuple):
    """A kind of file of records."""

    name: str
    read: Callable[[BytesIO], Iterator[Found]]
    join: Callable[[Sequence[bytes]], bytes]
    damages: tuple[Damage, ...]
    number_of: Callable[[bytes], int | None]
    """Counts the record elements of a file without our reader; None where the file is not well-formed."""
    by_line: bool = False
    """Whether each record is a line, so that a damaged one leaves all others readable, unless it begins the file."""


class Mutant(NamedTuple):
    """A damaged file, and what is known about it."""

    content: bytes
    records: list[bytes]
    damaged: set[int]
    """The indexes of the damaged records."""
    whole_file: bool
    """Whether the file as a whole was damaged too, such as its encoding."""


def _json_places(value: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield (*path, name)
        yield from _json_places(item, (*path, name))


def odd_value(record: bytes, random: Random) -> bytes:
    """Replaces, removes or doubles a value of a JSON record."""
    value = orjson.loads(record)
    *above, last = random.choice(list(_json_places(value)))
    owner = value
    for name in above:
        owner = owner[name]
    what = random.randrange(4)
    if what == 0:
        del owner[last]
    elif what == 1 and isinstance(owner[last], list):
        owner[last] = owner[last] * 2
    elif what == 2 and isinstance(owner, dict):
        owner[f"{last}x"] = owner.pop(last)
    else:
        owner[last] = random.choice(JSON_VALUES)
    return orjson.dumps(value)


def other_record(_: bytes, random: Random) -> bytes:
    """Puts another JSON value in the place of a record."""
    return json.dumps(random.choice(JSON_VALUES)).encode()


def _remove(one: etree._Element, _: etree._Element, __: Random) -> None:
    one.getparent().remove(one)  # type: ignore[union-attr]  # it is never the root


def _move(one: etree._Element, other: etree._Element, _: Random) -> None:
    if one is not other and one not in other.iterancestors():
        other.append(one)


def _rename(one: etree._Element, other: etree._Element, _: Random) -> None:
    one.tag = other.tag


def _double(one: etree._Element, _: etree._Element, __: Random) -> None:
    one.addnext(etree.fromstring(etree.tostring(one, with_tail=False)))


def _change_text(one: etree._Element, _: etree._Element, random: Random) -> None:
    one.text = random.choice(XML_TEXTS)


def _change_attribute(one: etree._Element, _: etree._Element, random: Random) -> None:
    one.set(random.choice([*one.attrib, "Version", "ValidYN", "IdType"]), random.choice(XML_TEXTS))


def odd_element(record: bytes, random: Random) -> bytes:
    """Removes, doubles, renames, moves or empties elements of an XML record, or changes their texts."""
    root = etree.fromstring(record)
    for _ in range(random.randint(1, 4)):
        inner = [element for element in root.iterdescendants() if isinstance(element.tag, str)]
        if inner:
            damage = random.choice((_remove, _move, _rename, _double, _change_text, _change_attribute))
            damage(random.choice(inner), random.choice(inner), random)
    return etree.tostring(root)


def other_element(record: bytes, random: Random) -> bytes:
    """Renames a record, so that it is none."""
    name = random.choice([b"Article", b"Pubmedarticle", b"note"])
    return b"<" + name + b">" + record + b"</" + name + b">" if random.random() < 0.3 else b"<" + name + b"/>"


def cut_off(record: bytes, random: Random) -> bytes:
    return record[: random.randrange(len(record))]


def cut_out(record: bytes, random: Random) -> bytes:
    at = random.randrange(len(record))
    return record[:at] + record[at + random.randrange(1, 60) :]


def changed_bytes(record: bytes, random: Random) -> bytes:
    some = bytearray(record)
    for _ in range(random.randint(1, 3)):
        some[random.randrange(len(some))] = random.randrange(256)
    return bytes(some)


def inserted(record: bytes, random: Random) -> bytes:
    """Inserts characters that mean something to a parser, or that cannot be seen."""
    pieces = [b"\0", b"\xef\xbb\xbf", b"\xff", b"&nope;", b"<", b">", b'"', b"{", b"}", b"[", b"]", b",", b"\r", b"\n"]
    pieces += [b"<!--", b"-->", b"<![CDATA[", b"<!DOCTYPE x>", b"\\u0000", b"\\ud800", "\u200b\u00ad\u202e".encode()]
    at = random.randrange(len(record) + 1)
    return record[:at] + random.choice(pieces) + record[at:]


def doubled_part(record: bytes, random: Random) -> bytes:
    start = random.randrange(len(record))
    end = start + random.randrange(1, 200)
    return record[:end] + record[start:]


TEXT_DAMAGES: tuple[Damage, ...] = (cut_off, cut_out, changed_bytes, inserted, doubled_part)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


FILE_DAMAGES: tuple[Damage, ...] = (
    lambda content, _: b"\xef\xbb\xbf" + content,
    lambda content, random: _text(content).encode(random.choice(["utf-16", "utf-16-le", "utf-32"])),
    lambda content, _: _text(content).encode("latin-1", "replace"),
    lambda content, random: content.replace(b"\n", random.choice([b"\r\n", b"\r"])),
    lambda content, random: content + random.choice([b"\n\n", b"\x1a", b"garbage", b"]", b"</x>", b"\0"]),
    lambda content, _: content + b"\xef\xbb\xbf" + content,
    cut_off,
)
"""Damages of a file as a whole: byte order marks, encodings, ends of lines, what stands behind it, two files in one."""


def mutant(kind: Kind, records: Sequence[bytes], random: Random) -> Mutant:
    """A file of at most six records, of which at most three are damaged."""
    some = random.sample(records, k=min(len(records), random.randint(2, 6)))
    damaged = set(random.sample(range(len(some)), k=random.randint(0, min(3, len(some)))))
    made = [random.choice(kind.damages)(one, random) if at in damaged else one for at, one in enumerate(some)]
    content, whole_file = kind.join(made), not damaged or random.random() < 0.1
    return Mutant(random.choice(FILE_DAMAGES)(content, random) if whole_file else content, some, damaged, whole_file)


class Reading(NamedTuple):
    """What is found in a file, and whether it ends where it cannot be read on."""

    found: list[Found]
    is_refused: bool


def reading(kind: Kind, content: bytes) -> Reading:
    found: list[Found] = []
    try:
        for one in kind.read(BytesIO(content)):
            found.append(one)
    except Unreadable:
        return Reading(found, is_refused=True)
    return Reading(found, is_refused=False)


def bare(found: Found) -> Any:
    """What an item states, without its place in the file."""
    if isinstance(found, Rejection):
        return None
    return [(one.type, one.data) for one in found.candidates], found.partial_updates, found.withdrawals


def known(kind: Kind, record: bytes, of: dict[bytes, list[Any]]) -> list[Any]:
    """What an undamaged record is read as in a file of its own."""
    if record not in of:
        of[record] = [bare(one) for one in reading(kind, kind.join([record])).found]
    return of[record]


def check(kind: Kind, one: Mutant, of: dict[bytes, list[Any]]) -> Reading:
    """Reads a mutant; fails if a record is lost, changed or made up without a word. Returns what was read."""
    read = reading(kind, one.content)
    items = [each for each in read.found if isinstance(each, SourceItem)]
    broken = [fault for each in items for fault in faults(each) if "refers to ['publications'" not in fault]
    assert broken == [], broken
    assert all(each.detail and each.place for each in read.found if isinstance(each, Rejection)), read.found
    given = [bare(each) for each in read.found]
    if one.whole_file:
        return read
    first = min(one.damaged, default=len(one.records))
    whole = [at for at in range(len(one.records)) if at not in one.damaged]
    sure = whole if not read.is_refused or (kind.by_line and first > 0) else range(first)
    missing = [at for at in sure if not all(each in given for each in known(kind, one.records[at], of))]
    assert missing == [], (missing, read)
    number = kind.number_of(one.content)
    if number is not None and not read.is_refused:
        assert len(read.found) >= number, "a record is counted by nothing"
    assert read.is_refused or len(read.found) >= len(whole)
    return read


def json_items(content: bytes, path: str | None) -> int | None:
    """The number of elements of an array, or of the array under a name of an object."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    found = value.get(path) if path and isinstance(value, dict) else value
    return len(found) if isinstance(found, list) else None


def lines(content: bytes) -> int:
    return len([line for line in re.split(rb"\n", content) if line.strip()])


def xml_children(content: bytes, path: str) -> int | None:
    """The number of elements under an element of a well-formed file."""
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return None
    return len([one for owner in root.iterfind(path) for one in owner if isinstance(one.tag, str)])
