"""Reads an entry of RIS to the values of its tags, and says what became of each line."""

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
from app.imports.formats.references.lines import Line
from app.imports.formats.references.publication import Proof, reference
from app.imports.formats.references.ris_tags import KNOWN, PROSE, USED, Tag, looks_like_tag, tags_of
from app.imports.readers.record_builder import Entry

_OF_LINES = ("KW", "UR", "L1", "L2", "L3", "LK")
"""The tags of which each line is a value of its own."""
_PERSON = re.compile(r"[^,]+,[^,]+(?:,[^,]+)?")


class TagReader:
    """Reads the lines of an entry one after the other."""

    def __init__(self) -> None:
        self.tags: Tags = {}
        self.states: list[tuple[int, State]] = []
        self.unknown: dict[str, list[int]] = {}
        """The numbers of the lines of tags that are not known."""
        self.doubtful: list[int] = []
        """The numbers of lines that go on with a value and look like tags."""
        self.before_type: list[int] = []
        """The numbers of the lines of tags before `TY`."""
        self._name = ""
        self._is_tight = False

    def take(self, line: Line) -> None:
        """Reads a line that is not blank."""
        found = tags_of(line.text, self._name, is_tight=self._is_tight)
        for tag in found:
            self._begin(tag)
        if not found:
            self._go_on(line)
        if self._name not in KNOWN:
            self.unknown.setdefault(self._name, []).append(line.number)
        if "TY" not in self.tags:
            self.before_type.append(line.number)
        if line.is_counted:
            self.states.append((line.number, _state(self._name)))

    def _begin(self, tag: Tag) -> None:
        if not self._name:
            self._is_tight = tag.is_tight
        self._name = tag.name
        if tag.value:
            self.tags.setdefault(tag.name, []).append(tag.value)

    def _go_on(self, line: Line) -> None:
        """Adds a line to the value before it, or as a value of its own where each line is one."""
        text, some = line.text.strip(), self.tags.setdefault(self._name, [])
        if looks_like_tag(line.text):
            self.doubtful.append(line.number)
        listed = self._name in ("AU", "A1") and some and all(map(_PERSON.fullmatch, (some[-1], text)))
        if not some or listed or self._name in _OF_LINES:
            some.append(text)
        else:
            some[-1] += f" {text}"


def _state(name: str) -> State:
    return "used" if name in USED else "known" if name in KNOWN else "refused"


def without_abstract(lines: list[Line]) -> str:
    """The lines of an entry that may be stored: facts, but no abstract, notes or addresses of authors."""
    kept: list[str] = []
    name = ""
    for line in lines:
        if found := tags_of(line.text, name):
            name = found[-1].name
        if name not in PROSE and (line.text.strip() or not kept or kept[-1]):
            kept.append(line.text.strip() if line is lines[0] else line.text)
    return "\n".join(kept)


def read(block: Block, entry: Entry, options: Options) -> Reading:
    """The publication of an entry."""
    reader = TagReader()
    lines = [line for line in block.lines if line.text.strip()]
    for line in lines:
        reader.take(line)
    for name, numbers in reader.unknown.items():
        warn_of_lines(entry, "tag-not-known", numbers, f"{name or 'a line'} is no tag of RIS and was left out")
    warn_of_lines(entry, "line-like-a-tag", reader.doubtful, "it looks like a tag and was read as the end of a value")
    if "TY" not in reader.tags:
        entry.warn("type-missing", f"line {block.number}: the reference has no TY")
    else:
        warn_of_lines(
            entry, "tags-before-type", reader.before_type, "it stands before TY and may be of another reference"
        )
    if not block.is_closed:
        entry.warn("end-missing", f"line {lines[-1].number}: the reference has no ER; what follows may be missing")
    proof = Proof("\n".join(line.text for line in block.lines).strip(), without_abstract(block.lines))
    found = reference(reader.tags, proof, place_of([block.number]), entry, options)
    if isinstance(found, str):
        return rejected(block.lines, found)
    return Reading((found,), tuple(reader.states))
