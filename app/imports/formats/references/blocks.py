"""Divides the lines of a file into entries. Every line that is not blank belongs to exactly one block.

    RIS         from `TY  -` to `ER  -`; a tag outside an entry begins one, whose `TY` comes later or is missing
    MEDLINE     from `PMID- ` to a blank line
    EndNote     from `%0 ` to the next one
    BibTeX      from `@article{` to the brace that closes it
    stray       lines outside of all entries

A file may hold entries of several kinds, because people join files. An entry without an end is ended by the beginning
of the next one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from app.imports.candidates import Unreadable
from app.imports.formats.references.lines import LONGEST_ENTRY, Line
from app.imports.formats.references.ris_tags import KNOWN, TYPES, Tag, tag_of

Kind = Literal["ris", "medline", "endnote", "bibtex", "stray"]

_MEDLINE_TAG = re.compile(r"(?:[A-Z]{4}|[A-Z]{3} )- ")
_ENDNOTE = re.compile(r"%[0-9A-Z@!+*$#&?<>\[\]^~(](?:\s|$)")
_FIRST_LINES: dict[Kind, re.Pattern[str]] = {
    "medline": re.compile(r"\s*PMID\s?-"),
    "endnote": re.compile(r"%0(?:\s|$)"),
    "bibtex": re.compile(r"\s*@\s*[A-Za-z]+\s*[{(]"),
}
_BRACE = re.compile(r"(?<!\\)[{}]")


class Block(NamedTuple):
    """The lines of one entry, or lines between entries."""

    kind: Kind
    lines: list[Line]
    is_closed: bool = True
    """Whether the entry has its own end."""

    @property
    def number(self) -> int:
        """The number of the first line."""
        return self.lines[0].number

    @property
    def text(self) -> str:
        """The lines, joined by line breaks."""
        return "\n".join(line.text for line in self.lines)

    @property
    def is_broken_off(self) -> bool:
        """Whether the entry may be cut off in the middle of a value, because its last line has no end of its own."""
        has_own_end = self.is_closed and self.kind in ("ris", "bibtex")
        return not self.lines[-1].is_ended and not has_own_end


def _beginning(text: str, inside: Kind) -> Kind | None:
    """The kind of entry that a line certainly begins, wherever it stands."""
    for kind, pattern in _FIRST_LINES.items():
        if pattern.match(text):
            return kind
    tag = tag_of(text, "TI") if text.lstrip()[:1] in ("T", "t") else None
    if tag and tag.name == "TY" and (inside not in ("bibtex", "medline") or tag.value in TYPES):
        return "ris"
    return None


def _orphan(text: str) -> Kind | None:
    """The kind of entry that a line begins if it stands outside of all entries: one whose first line is missing."""
    if _MEDLINE_TAG.match(text):
        return "medline"
    if _ENDNOTE.match(text):
        return "endnote"
    tag = tag_of(text)
    return "ris" if tag and tag.name != "ER" else None


class _Collector:
    """Collects lines into blocks."""

    def __init__(self, name: str) -> None:
        self._name, self._size = name, 0
        self._kind: Kind = "stray"
        self._lines: list[Line] = []
        self._depth = 0
        """The number of open braces of a BibTeX entry."""
        self._after_blank = False

    def take(self, line: Line) -> Iterator[Block]:
        """Adds a line, and yields the blocks that it ends."""
        self._size += len(line.text) + 1
        if self._size > LONGEST_ENTRY:
            name = self._name
            raise Unreadable(f"{name}: no reference ends within {LONGEST_ENTRY:,} bytes before line {line.number}")
        begun: Kind | None = _beginning(line.text, self._kind)
        if begun is None and (self._kind == "stray" or self._is_separated(line)):
            begun = _orphan(line.text) or ("stray" if self._kind == "medline" and not line.text[0].isspace() else None)
        if begun and not self._goes_on(begun):
            yield from self.end(is_closed=self._kind in ("medline", "endnote"))
            self._kind = begun
        yield from self._add(line)
        self._after_blank = not line.text.strip()

    def _is_separated(self, line: Line) -> bool:
        """Whether a blank line before this one has ended an entry, as in the formats that have no other end."""
        if not self._after_blank or not line.text.strip():
            return False
        if self._kind == "endnote":
            return not any(earlier.text.startswith("%0") for earlier in self._lines)
        return self._kind == "medline"

    def _goes_on(self, begun: Kind) -> bool:
        """Whether a line that could begin an entry belongs to the present one: `TY` behind other tags."""
        return begun == self._kind == "ris" and not any(_is_type(line) for line in self._lines)

    def _add(self, line: Line) -> Iterator[Block]:
        if self._lines or line.text.strip():
            self._lines.append(line)
        if self._kind == "bibtex":
            self._depth += sum(1 if brace == "{" else -1 for brace in _BRACE.findall(line.text))
        if self._has_ended(line):
            yield from self.end(is_closed=True)

    def _has_ended(self, line: Line) -> bool:
        if self._kind == "ris":
            tag = tag_of(line.text, "AB")
            return bool(tag and tag.name == "ER")
        if self._kind == "bibtex":
            parenthesis = self._lines[0].text.partition("{")[0].find("(") >= 0
            return self._depth <= 0 and (not parenthesis or line.text.rstrip(" ,").endswith(")"))
        return False

    def end(self, *, is_closed: bool) -> Iterator[Block]:
        """Ends the present block and yields it, if there is one."""
        if any(line.text.strip() for line in self._lines):
            is_medline = self._is_medline_without_pmid()
            yield Block("medline" if is_medline else self._kind, self._lines, is_closed or is_medline)
        self._kind, self._lines, self._size, self._depth, self._after_blank = "stray", [], 0, 0, False

    def _is_medline_without_pmid(self) -> bool:
        """Whether an entry that began with a tag of two letters has tags of MEDLINE, and neither `TY` nor `ER`."""
        if self._kind != "ris" or not any(_MEDLINE_TAG.match(line.text) for line in self._lines):
            return False
        return not any(_is_type(line) or self._has_ended(line) for line in self._lines)


def _is_type(line: Line) -> bool:
    tag = tag_of(line.text, "TI")
    return bool(tag and tag.name == "TY")


def blocks(lines: Iterable[Line], name: str) -> Iterator[Block]:
    """Yields all blocks of a file; raises `Unreadable` if one does not end."""
    collector, last = _Collector(name), True
    for line in lines:
        last = line.is_ended
        for block in collector.take(line):
            yield from _at_its_type(block)
    for block in collector.end(is_closed=False):
        ended = last and block.kind in ("medline", "endnote", "stray")
        yield from _at_its_type(block._replace(is_closed=ended))


def _at_its_type(block: Block) -> Iterator[Block]:
    """Divides an entry of RIS in which `TY` stands behind other tags, if there is a title both before and behind it."""
    at = next((index for index, line in enumerate(block.lines) if _is_type(line)), 0) if block.kind == "ris" else 0
    before, behind = block.lines[:at], block.lines[at:]
    if at and _has_title(before) and _has_title(behind):
        yield Block("ris", before, is_closed=False)
        yield Block("ris", behind, block.is_closed)
    else:
        yield block


def _has_title(lines: list[Line]) -> bool:
    names = {tag.name for line in lines if (tag := _known(line))}
    return bool(names & {"TI", "T1", "CT", "BT"})


def _known(line: Line) -> Tag | None:
    tag = tag_of(line.text)
    return tag if tag and tag.name in KNOWN else None
