"""Reads descriptors from NLM's XML (`desc2026.xml`), or from lines with tabs between id, heading, entry terms and tree
numbers, and with `|` between terms and between tree numbers.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

from lxml import etree

from app.imports.candidates import Descriptor, Found, Rejection, SourceItem, Unreadable
from app.imports.name_index import Names
from app.imports.readers.streams import PIECE, stream
from app.imports.readers.xml import RecordFile, elements

LONGEST_LINE = 1_000_000
NLM = RecordFile(("DescriptorRecord",), ("DescriptorRecordSet",), "MeSH XML of descriptors")
_ID = re.compile(r"D[0-9]{6,9}")


def units(file: IO[bytes], name: str, _: Names) -> Iterator[Found]:
    """Yields a source item or a rejection for each descriptor; raises `Unreadable` where the file cannot be read on."""
    start = file.read(PIECE)
    if not start.strip():
        raise Unreadable(f"{name}: there is nothing in it")
    whole = stream(name, chain((start,), iter(lambda: file.read(PIECE), b"")))
    return _of_xml(whole, name) if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _of_lines(whole, name)


def _descriptor(place: str, id: str, heading: str, terms: Iterable[str], trees: Iterable[str]) -> Found:
    if not _ID.fullmatch(id) or not heading.strip() or "\0" in heading:
        return Rejection(place, "", f"{id[:40]!r} {heading[:40]!r} is no descriptor with a heading")
    descriptor = Descriptor(id, heading.strip(), _each(terms, heading.strip()), _each(trees))
    return SourceItem(id, (), descriptor=descriptor)


def _each(texts: Iterable[str], *but: str) -> tuple[str, ...]:
    found = dict.fromkeys(text.replace("\0", "").strip() for text in texts)
    return tuple(text for text in found if text and text not in but)


def _of_lines(file: IO[bytes], name: str) -> Iterator[Found]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise Unreadable(f"{name}: line {number} is longer than {LONGEST_LINE:,} bytes")
        yield _of_line(line.removeprefix(b"\xef\xbb\xbf"), f"line {number}")


def _of_line(line: bytes, place: str) -> Found:
    try:
        fields = line.decode("utf-8").rstrip("\r\n").split("\t")
    except UnicodeDecodeError as error:
        return Rejection(place, "", f"it is not UTF-8: {error.reason}")
    if len(fields) != 4:
        return Rejection(place, "", f"there are {len(fields)} columns, not 4")
    id, heading, terms, trees = fields
    return _descriptor(place, id, heading, terms.split("|"), trees.split("|"))


def _of_xml(file: IO[bytes], name: str) -> Iterator[Found]:
    for place, record in elements(file, name, NLM):
        if isinstance(record, Rejection):
            yield record
            continue
        id, heading = (record.findtext(path) or "" for path in ("DescriptorUI", "DescriptorName/String"))
        terms = _texts(record, "ConceptList/Concept/TermList/Term/String")
        yield _descriptor(place, id, heading, terms, _texts(record, "TreeNumberList/TreeNumber"))


def _texts(record: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in record.iterfind(path)]
