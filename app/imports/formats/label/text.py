"""The plain text of a label, with the position of each section and block in it."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.imports.formats.label.tables import Table

BlockKind = Literal["heading", "paragraph", "item", "table", "footnote"]


class Span(NamedTuple):
    """The code points `[start, end)` of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    kind: BlockKind
    span: Span
    words: Span
    """The span without the bullet or number of a list item."""
    table: Table | None = None
    caption: Span | None = None
    level: int = 0
    """The number of lists that enclose the block."""


@dataclass(frozen=True, slots=True)
class Section:
    code: str | None
    """The LOINC code."""
    heading: Span | None
    span: Span
    blocks: tuple[Block, ...]
    """The blocks of the section itself, without those of nested sections."""
    sections: tuple["Section", ...]


@dataclass(frozen=True, slots=True)
class LabelText:
    """A label as plain text."""

    text: str
    title: str
    product_data: Span
    sections: tuple[Section, ...]

    def at(self, span: Span) -> str:
        return self.text[span.start : span.end]


@dataclass(slots=True)
class Writer:
    """Collects lines of text and gives the span of each."""

    _lines: list[str] = field(default_factory=list)
    length: int = 0

    def line(self, words: str) -> Span:
        """Writes one or more lines; returns their span without the final line break."""
        start = self.length
        self._lines.append(words)
        self.length += len(words) + 1
        return Span(start, start + len(words))

    def gap(self) -> None:
        """Writes an empty line, unless the last line is empty."""
        if self._lines and self._lines[-1]:
            self.line("")

    def text(self) -> str:
        return "\n".join((*self._lines, ""))
