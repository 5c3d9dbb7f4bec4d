"""Reads entries of BibTeX and BibLaTeX, which `bibtexparser` divides into fields.

Macros (`@string`) and the names of months are replaced, LaTeX is decoded, and an entry with `crossref` takes from the
one that it names what it lacks.
"""

import logging
import re
from collections.abc import Iterator, Mapping

from bibtexparser.model import Block as BibtexBlock
from bibtexparser.model import DuplicateFieldKeyBlock, ImplicitComment, ParsingFailedBlock, String
from bibtexparser.model import Entry as BibtexEntry
from bibtexparser.splitter import Splitter

from app.imports.formats.pubmed.dates import MONTHS
from app.imports.formats.references.accounting import Options, Reading, place_of, rejected, states
from app.imports.formats.references.bibtex_fields import KNOWN_FIELDS, tags_of
from app.imports.formats.references.blocks import Block
from app.imports.formats.references.publication import Proof, reference
from app.imports.readers.record_builder import Entry

MOST_KEPT = 10_000
"""The number of entries that are kept for others to refer to, and of entries that wait for the end of the file."""

_MONTHS = {month[:3]: month.capitalize() for month in MONTHS}
_PIECE = re.compile(r"\s*(?:#\s*)?(?:\"|\{|([^#\s{\"]+))")

logging.getLogger("bibtexparser.splitter").setLevel(logging.CRITICAL)  # each fault is a rejection of ours


class _Waiting:
    """An entry that waits for the one that its `crossref` names."""

    def __init__(self, block: Block, entry: Entry, key: str, kind: str, fields: dict[str, str]) -> None:
        self.block, self.entry, self.key, self.kind, self.fields = block, entry, key, kind, fields


class BibtexReader:
    """Reads the entries of one file, and remembers its macros and the entries that others refer to."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._macros: dict[str, str] = dict(_MONTHS)
        self._parents: dict[str, dict[str, str]] = {}
        self._waiting: list[_Waiting] = []

    def read(self, block: Block, entry: Entry) -> Iterator[Reading]:
        """Yields what a block holds: a reference, or nothing for macros and comments."""
        parsed = _parsed(block, entry)
        if not block.is_closed or isinstance(parsed, ParsingFailedBlock) or parsed is None:
            yield rejected(
                block.lines, "the entry does not end, or it is no BibTeX: a brace, a quote or a comma is missing"
            )
        elif isinstance(parsed, BibtexEntry):
            yield from self._read_entry(block, parsed, entry)
        else:
            self._remember_macro(parsed)
            yield Reading((), states(block.lines, "known"))

    def _remember_macro(self, parsed: BibtexBlock) -> None:
        if isinstance(parsed, String) and len(self._macros) < MOST_KEPT:
            self._macros[parsed.key.casefold()] = value_of(parsed.value, self._macros)[0]

    def _read_entry(self, block: Block, parsed: BibtexEntry, entry: Entry) -> Iterator[Reading]:
        fields = self._fields(block, parsed, entry)
        if len(self._parents) < MOST_KEPT and parsed.entry_type.casefold() != "article":
            self._parents[parsed.key.casefold()] = fields
        waiting = _Waiting(block, entry, parsed.key, parsed.entry_type.casefold(), fields)
        parent = fields.get("crossref", "").casefold()
        if parent and parent not in self._parents and len(self._waiting) < MOST_KEPT:
            self._waiting.append(waiting)
        else:
            yield self._finished(waiting)

    def _fields(self, block: Block, parsed: BibtexEntry, entry: Entry) -> dict[str, str]:
        fields: dict[str, str] = {}
        for field in parsed.fields:
            value, unknown = value_of(str(field.value), self._macros)
            fields.setdefault(field.key.casefold(), value)
            if unknown:
                entry.warn("macro-not-known", f"line {block.number}: {', '.join(unknown)}")
        if odd := [name for name in fields if name not in KNOWN_FIELDS]:
            entry.warn("field-not-kept", f"line {block.number}: {', '.join(odd)}")
        return fields

    def _finished(self, one: _Waiting) -> Reading:
        fields = one.fields
        if "crossref" in fields:
            parent = self._parents.get(fields["crossref"].casefold())
            if parent is None:
                one.entry.warn("crossref-not-here", f"line {one.block.number}: {fields['crossref']}")
            else:
                fields = inherited(fields, parent)
        tags = tags_of(one.key, one.kind, fields)
        proof = Proof.of_tags(one.block.text.strip(), tags)
        found = reference(tags, proof, place_of([one.block.number]), one.entry, self._options)
        return (
            rejected(one.block.lines, found)
            if isinstance(found, str)
            else Reading((found,), states(one.block.lines, "used"))
        )

    def end(self) -> Iterator[Reading]:
        """Yields the entries that waited for others."""
        yield from map(self._finished, self._waiting)


def _parsed(block: Block, entry: Entry) -> BibtexBlock | None:
    """What `bibtexparser` makes of a block; of a field that stands there twice, the first is used."""
    parsed: list[BibtexBlock] = list(Splitter(block.text).split().blocks)
    if after := [one for one in parsed[1:] if isinstance(one, ImplicitComment)]:
        entry.warn("text-left-out", f"line {block.lines[-1].number}: {after[0].comment}")
    first = parsed[0] if parsed else None
    if isinstance(first, DuplicateFieldKeyBlock) and isinstance(first.ignore_error_block, BibtexEntry):
        entry.warn("second-value", f"line {block.number}: {', '.join(sorted(first.duplicate_keys))}")
        return first.ignore_error_block
    return first


def inherited(fields: Mapping[str, str], parent: Mapping[str, str]) -> dict[str, str]:
    """The fields of an entry with those of its parent that it lacks; the parent's title is the title of the book."""
    own = {
        name: value
        for name, value in parent.items()
        if name not in ("doi", "url", "pmid", "pages", "author", "abstract")
    }
    if "title" in own:
        own["booktitle"] = own.pop("title")
    return {**own, **fields}


def value_of(raw: str, macros: Mapping[str, str]) -> tuple[str, list[str]]:
    """The value of a field, whose parts are joined by `#`, and the names of macros that are not known."""
    found, unknown, at = "", [], 0
    while piece := _PIECE.match(raw, at):
        if piece[1]:
            known = piece[1] if piece[1].isdecimal() else macros.get(piece[1].casefold())
            unknown += [] if known is not None else [piece[1]]
            found, at = found + (piece[1] if known is None else known), piece.end()
        else:
            end = _closing(raw, piece.end() - 1)
            found, at = found + raw[piece.end() : end], end + 1
    return found, unknown


def _closing(raw: str, start: int) -> int:
    """The place of the brace or quote that closes the one at a place."""
    depth = 0
    for place in range(start, len(raw)):
        letter = raw[place]
        if place > start and raw[place - 1] == "\\":
            continue
        depth += (letter == "{") - (letter == "}")
        if place > start and depth == 0 and letter == ("}" if raw[start] == "{" else raw[start]):
            return place
    return len(raw)
