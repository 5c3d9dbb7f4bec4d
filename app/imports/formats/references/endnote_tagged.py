"""Reads EndNote's tagged format (Refer): lines such as `%0 Journal Article`, `%A Doe, J.`, `%T A title`."""

import re

from app.imports.formats.references.accounting import (
    Options,
    Reading,
    State,
    Tags,
    place_of,
    rejected,
    warn_of_lines,
)
from app.imports.formats.references.blocks import Block
from app.imports.formats.references.endnote_types import full_date, ris_type
from app.imports.formats.references.publication import Proof, reference
from app.imports.readers.record_builder import Entry

_LINE = re.compile(r"%([0-9A-Z@!+*$#&?<>\[\]^~(])(?:\s+(.*))?")
_TAGS = {
    **{"A": "AU", "T": "TI", "J": "JF", "B": "T2", "V": "VL", "N": "IS", "P": "SP", "R": "DO", "@": "SN", "U": "UR"},
    **{"K": "KW", "X": "AB", "M": "AN", "G": "LA", "Z": "N1", "9": "M3", "Q": "TT", "W": "DP", "~": "DB", "2": "PMCID"},
}
"""EndNote's tags under those of RIS; the type and the date are read apart."""
_OTHERS = frozenset("CEHILOSY!$#&?<>[]^*+(134567")
"""The tags of the format that have no place in a publication, and those of the type and the date."""
_OF_LINES = ("K", "U")


def _state(name: str) -> State:
    if name in _TAGS or name in "0D8F":
        return "used"
    return "known" if name in _OTHERS else "refused"


def read(block: Block, entry: Entry, options: Options) -> Reading:
    """The publication of an entry."""
    found: dict[str, list[str]] = {}
    states: list[tuple[int, State]] = []
    name, unknown = "", []
    for line in block.lines:
        if not line.text.strip():
            continue
        begun = _LINE.fullmatch(line.text)
        if begun:
            name = begun[1]
            found.setdefault(name, []).append(begun[2] or "")
        else:
            _go_on(found.setdefault(name, []), line.text.strip(), apart=name in _OF_LINES)
        if _state(name) == "refused":
            unknown.append(line.number)
        states += [(line.number, _state(name))] if line.is_counted else []
    warn_of_lines(entry, "tag-not-known", unknown, "it is no tag of EndNote and was left out")
    tags = _tags(found)
    read_ = reference(tags, Proof.of_tags(block.text.strip(), tags), place_of([block.number]), entry, options)
    return rejected(block.lines, read_) if isinstance(read_, str) else Reading((read_,), tuple(states))


def _go_on(some: list[str], text: str, *, apart: bool) -> None:
    if apart or not some:
        some.append(text)
    else:
        some[-1] = f"{some[-1]} {text}".strip()


def _tags(found: dict[str, list[str]]) -> Tags:
    """The values under the tags of RIS."""
    tags = {_TAGS[name]: [value for value in some if value] for name, some in found.items() if name in _TAGS}
    dates = full_date(*(next(iter(found.get(name, ())), "") for name in ("D", "8")))
    kind = ris_type(next(iter(found.get("0", ())), ""))
    return {"TY": [kind] if kind else [], "ID": found.get("F", []), **tags, "PY": [dates] if dates else []}
