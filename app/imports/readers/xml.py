"""Safe parsing of foreign XML: nothing outside the file is read, and no entity is replaced or expanded."""

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple, TypedDict

from lxml import etree

from app.imports.candidates import Rejection, Unreadable
from app.imports.readers.limits import LimitedReader


class ParserOptions(TypedDict):
    resolve_entities: bool
    no_network: bool
    load_dtd: bool
    dtd_validation: bool
    huge_tree: bool
    remove_comments: bool
    remove_pis: bool


SAFE_PARSER_OPTIONS: ParserOptions = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
"""The options with which lxml's parsers are made."""

LONGEST_RECORD = 20_000_000
"""The most bytes between the ends of two records; PubMed's longest record has about a million."""


class RecordFile(NamedTuple):
    """A kind of file with many records: the tags of records, the tags of root elements, and its name in errors."""

    records: tuple[str, ...]
    roots: tuple[str, ...]
    what: str


def _require_expected(root: etree._Element, name: str, expected: RecordFile) -> None:
    if root.tag not in expected.roots:
        raise Unreadable(f"{name}: this is no {expected.what}: it begins with <{root.tag}>")
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and list(subset.iterentities()):  # type: ignore[attr-defined]  # lxml's types lack it
        raise Unreadable(f"{name}: it declares entities, which no file of {expected.what} does")


def elements(
    file: IO[bytes], name: str, expected: RecordFile, encoding: str | None = None
) -> Iterator[tuple[str, etree._Element | Rejection]]:
    """Yields each record and its place, `record 3`, when its end is read, and frees the one before.

    An element that is no record and stands among the records is a rejection. Raises `Unreadable` if the file is
    another. `encoding` is one that the file does not name itself.
    """
    try:
        for number, found in enumerate(_elements(file, name, expected, encoding), 1):
            place = f"record {number}"
            yield place, Rejection(place, "", found) if isinstance(found, str) else found
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"{name}: {error.msg}") from None


def _elements(file: IO[bytes], name: str, expected: RecordFile, encoding: str | None) -> Iterator[etree._Element | str]:
    """Yields records, and of other elements among them why they are none."""
    too_long = Unreadable(f"{name}: no record ends within {LONGEST_RECORD:,} bytes")
    stream = LimitedReader(file, LONGEST_RECORD, too_long)
    context = etree.iterparse(stream, tag=expected.records, collect_ids=False, encoding=encoding, **SAFE_PARSER_OPTIONS)
    checked = False
    for _, element in context:
        if not checked:
            _require_expected(element.getroottree().getroot(), name, expected)
            checked = True
        yield from _others(reversed(list(element.itersiblings(preceding=True))), expected)
        yield element
        stream.bytes_since_end = 0
        element.clear()
        parent = element.getparent()
        while parent is not None and parent[0] is not element:
            del parent[0]
    if not checked:
        _require_expected(context.root, name, expected)
    yield from _others([context.root], expected)


def _others(found: Iterable[etree._Element], expected: RecordFile) -> Iterator[str]:
    """Yields why elements outside of records are no records, at any depth of the file's own elements."""
    for element in found:
        if element.tag in expected.roots and element.tag not in expected.records:
            yield from _others(element, expected)
        elif element.tag not in expected.records:
            yield f"<{str(element.tag)[:100]}> is no record of {expected.what}"
