"""Collects the records of one label, with unique ids, provenance and warnings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.imports.candidates import Candidate, ImportWarning, Json
from app.imports.formats.label.codes import KINDS
from app.imports.formats.label.quoting import LONGEST_ID, all_blocks, path, quotes
from app.imports.formats.label.text import Block, LabelText, Section, Span
from app.imports.name_index import Names
from app.imports.slugs import slug
from app.records.vocabularies import RecordType

MOST_WARNINGS = 1000


class Group(NamedTuple):
    """The text that one record is made from: a section's own blocks, or a section within it."""

    sections: tuple[Section, ...]
    """The sections from the outermost one to the one that holds the blocks."""
    blocks: tuple[Block | None, ...]
    """The blocks in order, with `None` where blocks of another group come in between."""

    @property
    def section(self) -> Section:
        return self.sections[-1]

    @property
    def is_part(self) -> bool:
        return len(self.sections) > 1


@dataclass(slots=True)
class Draft:
    """The candidates and warnings of one label."""

    label: LabelText
    set_id: str
    source: str
    names: Names
    product: str
    product_name: str
    candidates: list[Candidate] = field(default_factory=list)
    warnings: list[ImportWarning] = field(default_factory=list)
    _ids: dict[tuple[str, str], int] = field(default_factory=dict)
    """The number of uses of each type and id."""

    def id(self, type: RecordType, *parts: str) -> str:
        """A new id made from the beginning of the label's set id and from some texts."""
        stem = slug("-".join(("label", self.set_id[:8], *parts)))[: LONGEST_ID - 5].strip("-")
        return self.unique(type, stem)

    def unique(self, type: RecordType, stem: str) -> str:
        """The id, or the id with a number if another record of the label has it."""
        id = stem
        while (type, id) in self._ids:
            self._ids[type, stem] += 1
            id = f"{stem}-{self._ids[type, stem]}"
        self._ids[type, id] = 1
        return id

    def add(self, type: RecordType, data: Json) -> None:
        self.candidates.append(Candidate(type, data))

    def warn(self, kind: str, text: str) -> None:
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(ImportWarning(kind, text if len(text) <= 500 else text[:499] + "…"))

    def provenance(self, sections: Sequence[Section], spans: Iterable[Span]) -> list[Json]:
        return quotes(self.label, self.source, path(self.label, sections), spans)


def groups(section: Section) -> Iterator[Group]:
    """Yields the section's own text, with the text of nested sections that have neither a heading nor a kind, and then
    each other nested section.
    """
    own: list[Block | None] = list(section.blocks)
    parts: list[Group] = []
    interrupted = False
    for inner in section.sections:
        if inner.heading is None and inner.code not in KINDS:
            own.extend([None] if interrupted else [])
            own.extend(all_blocks(inner))
            interrupted = False
        else:
            parts.append(Group((section, inner), tuple(all_blocks(inner))))
            interrupted = True
    if any(own):
        yield Group((section,), tuple(own))
    yield from parts


def coded(sections: Iterable[Section], code: str) -> Iterator[Section]:
    """Yields the outermost sections with a code, at any depth."""
    for section in sections:
        if section.code == code:
            yield section
        else:
            yield from coded(section.sections, code)
