"""A label's text, written line by line, and where in it everything stands."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.imports.formats.label.tables import Table

BlockKind = Literal["heading", "paragraph", "item", "table", "footnote"]


class Span(NamedTuple):
    """Code points `[start, end)` of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    kind: BlockKind
    span: Span
    words: Span
    """Without the bullet or number of a list's item."""
    table: Table | None = None
    caption: Span | None = None
    level: int = 0
    """How deep in lists."""


@dataclass(frozen=True, slots=True)
class Section:
    code: str | None
    heading: Span | None
    span: Span
    blocks: tuple[Block, ...]
    """Its own, without those of the sections in it."""
    sections: tuple["Section", ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    text: str
    title: str
    product_data: Span
    sections: tuple[Section, ...]

    def at(self, span: Span) -> str:
        return self.text[span.start : span.end]


@dataclass(slots=True)
class Writer:
    """Collects lines; knows at which code point the next one begins."""

    _lines: list[str] = field(default_factory=list)
    length: int = 0

    def line(self, words: str) -> Span:
        """Writes a line, or several; the span is without the line's end."""
        start = self.length
        self._lines.append(words)
        self.length += len(words) + 1
        return Span(start, start + len(words))

    def gap(self) -> None:
        if self._lines and self._lines[-1]:
            self.line("")

    def text(self) -> str:
        return "\n".join((*self._lines, ""))
