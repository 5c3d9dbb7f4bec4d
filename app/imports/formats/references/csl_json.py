"""Reads CSL-JSON, the format of citeproc: an array of items, one item, a page of items, or lines of items."""

from collections.abc import Iterator
from typing import IO, Any

import ijson
import orjson

from app.imports.candidates import Rejection, Unreadable
from app.imports.formats.references.accounting import Options, Reading, Tags
from app.imports.formats.references.publication import Proof, reference
from app.imports.readers.json_events import TooLong, events
from app.imports.readers.limits import LimitedReader
from app.imports.readers.record_builder import Entry

LARGEST = 20_000_000
"""The most bytes of one item, and of a file that is no array."""

_TYPES = {
    **{"article-journal": "JOUR", "article-magazine": "MGZN", "article-newspaper": "NEWS", "article": "UNPB"},
    **{"book": "BOOK", "chapter": "CHAP", "paper-conference": "CPAPER", "report": "RPRT", "thesis": "THES"},
    **{"webpage": "ELEC", "post": "ELEC", "post-weblog": "BLOG", "dataset": "DATA", "legislation": "LEGAL"},
    **{"patent": "PAT", "standard": "STAND", "review": "JOUR", "entry-encyclopedia": "ENCYC"},
}
_TAGS = {
    **{"title": "TI", "container-title": "JF", "container-title-short": "J2", "journalAbbreviation": "J2"},
    **{"volume": "VL", "issue": "IS", "page": "SP", "DOI": "DO", "PMID": "PMID", "PMCID": "PMCID", "ISSN": "SN"},
    **{"URL": "UR", "abstract": "AB", "language": "LA", "note": "N1", "id": "ID", "source": "DB", "genre": "M3"},
    **{"keyword": "KW", "original-title": "TT"},
}
_PARTICLES = ("dropping-particle", "non-dropping-particle")


def _texts(value: Any) -> list[str]:
    """The texts of a value, which is a text, a number, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return [
        str(one)
        for one in values
        if isinstance(one, str | int | float) and not isinstance(one, bool) and str(one).strip()
    ]


def _name(person: Any) -> str:
    """A name as `Family, Given, Suffix`; a group or a name of one part is marked as such."""
    if not isinstance(person, dict):
        return " ".join(_texts(person)[:1])
    parts = {key: " ".join(_texts(value)) for key, value in person.items()}
    if literal := parts.get("literal"):
        return f"{{{literal}}}" if " " in literal else literal
    family = " ".join(filter(None, (*(parts.get(name) for name in _PARTICLES), parts.get("family"))))
    return ", ".join(filter(None, (family, parts.get("given"), parts.get("suffix"))))


def _date(value: Any) -> list[str]:
    """The date of `issued`: parts of a date, or a text."""
    if not isinstance(value, dict):
        return _texts(value)[:1]
    ranges = value.get("date-parts")
    first = ranges[0] if isinstance(ranges, list) and ranges else None
    if isinstance(first, list) and (parts := _texts(first)):
        return ["-".join(part.zfill(2) for part in parts[:3])]
    return [text for name in ("raw", "literal", "string") for text in _texts(value.get(name))][:1]


def _mark(custom: Any) -> list[str]:
    """The record that an item of this service was exported from."""
    return _texts(custom.get("evidence")) if isinstance(custom, dict) else []


def tags_of(item: dict[str, Any]) -> Tags:
    """The values of an item under the tags of RIS."""
    tags: Tags = {}
    for name, tag in _TAGS.items():
        tags.setdefault(tag, []).extend(_texts(item.get(name)))
    kind = " ".join(_texts(item.get("type")))
    tags["TY"] = [_TYPES.get(kind, "GEN")] if kind else []
    tags["C8"] = _mark(item.get("custom"))
    people = item.get("author")
    tags["AU"] = [name for person in (people if isinstance(people, list) else []) if (name := _name(person))]
    tags["PY"] = _date(item.get("issued"))
    tags["KW"] = [word.strip() for words in tags["KW"] for word in words.split(",")]
    return {tag: some for tag, some in tags.items() if some}


def _reading(number: int, item: Any, options: Options) -> Reading:
    place, entry = f"item {number}", Entry()
    if not isinstance(item, dict):
        return Reading((Rejection(place, "", "it is no JSON object"),))
    tags = tags_of(item)
    text = orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()
    found = reference(tags, Proof.of_tags(text, tags), place, entry, options)
    return Reading((Rejection(place, "", found) if isinstance(found, str) else found,))


def readings(file: IO[bytes], options: Options) -> Iterator[Reading]:
    """Yields each item of a file; raises `Unreadable` if it is no JSON, or from some point on."""
    head = b""
    while not head.strip() and (letter := file.read(1)):
        head = letter
    items = _elements(file, head, options.name) if head == b"[" else _whole(head + file.read(LARGEST + 1), options.name)
    for number, item in enumerate(items, start=1):
        yield item if isinstance(item, Reading) else _reading(number, item, options)


class _Begun:
    """A file whose first bytes were read already."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head, self._file = head, file

    def read(self, size: int) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        return head + self._file.read(size - len(head))


def _elements(file: IO[bytes], head: bytes, name: str) -> Iterator[Any]:
    """Yields the elements of an array; memory holds one of them."""
    limited = LimitedReader(_Begun(head, file), LARGEST, Unreadable(f"{name}: no item ends within {LARGEST:,} bytes"))
    number = 0
    try:
        for value in ijson.items(ijson.parse(events(limited, use_float=True)), "item"):
            limited.bytes_since_end = 0
            number += 1
            yield value
    except (TooLong, ijson.JSONError, ValueError, OverflowError, RecursionError) as error:
        raise Unreadable(f"{name}: after item {number} it is no JSON: {' '.join(str(error).split())[:200]}") from None


def _whole(text: bytes, name: str) -> Iterator[Any]:
    """Yields the items of a text that begins with a brace: one item, a page with `items`, or one item on each line."""
    if len(text) > LARGEST:
        raise Unreadable(f"{name}: it is no array and has more than {LARGEST:,} bytes")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        yield from _of_lines(text)
        return
    items = value.get("items") if isinstance(value, dict) else None
    yield from items if isinstance(items, list) else [value]


def _of_lines(text: bytes) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Reading((Rejection(f"line {number}", "", f"it is no JSON: {error}"),), ((number, "refused"),))
