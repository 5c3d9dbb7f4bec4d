"""The records that a label gives, as they come together: ids of their own, quotes, and what could not be kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.imports.candidates import Candidate, ImportWarning, Json
from app.imports.formats.label.codes import KINDS
from app.imports.formats.label.quoting import LONGEST_ID, all_blocks, path, quotes, slug
from app.imports.formats.label.text import Block, Rendered, Section, Span
from app.imports.name_index import Names
from app.records.fields import RecordType

MOST_REMARKS = 1000


class Group(NamedTuple):
    """What makes one record: a section's own text, or one of the sections in it."""

    sections: tuple[Section, ...]
    """From the outermost."""
    blocks: tuple[Block | None, ...]
    """`None` where the text is interrupted by what is another group's."""

    @property
    def section(self) -> Section:
        return self.sections[-1]

    @property
    def is_part(self) -> bool:
        return len(self.sections) > 1


@dataclass(slots=True)
class Draft:
    label: Rendered
    set_id: str
    source: str
    names: Names
    product: str
    product_name: str
    candidates: list[Candidate] = field(default_factory=list)
    warnings: list[ImportWarning] = field(default_factory=list)
    _ids: dict[tuple[str, str], int] = field(default_factory=dict)
    """How often each was asked for."""

    def id(self, type: RecordType, *parts: str) -> str:
        """A slug of the label's set and what the parts say, which no other record of the label has."""
        stem = slug("-".join(("label", self.set_id[:8], *parts)))[: LONGEST_ID - 5].strip("-")
        return self.unique(type, stem)

    def unique(self, type: RecordType, stem: str) -> str:
        id = stem
        while (type, id) in self._ids:
            self._ids[type, stem] += 1
            id = f"{stem}-{self._ids[type, stem]}"
        self._ids[type, id] = 1
        return id

    def offer(self, type: RecordType, data: Json) -> None:
        self.candidates.append(Candidate(type, data))

    def warn(self, kind: str, text: str) -> None:
        if len(self.warnings) < MOST_REMARKS:
            self.warnings.append(ImportWarning(kind, text if len(text) <= 500 else text[:499] + "…"))

    def provenance(self, sections: Sequence[Section], spans: Iterable[Span]) -> list[Json]:
        return quotes(self.label, self.source, path(self.label, sections), spans)


def groups(section: Section) -> Iterator[Group]:
    """A section's own text with that of untitled sections in it, then each section that has a heading or a kind."""
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
    """The outermost sections with a code, wherever they are."""
    for section in sections:
        if section.code == code:
            yield section
        else:
            yield from coded(section.sections, code)
