"""Writes the paragraphs, lists and tables of a section as lines of text."""

from collections.abc import Iterator

from app.imports.formats.label.inline import Footnotes, child_pieces, lines, one_line, pieces
from app.imports.formats.label.opening import Element, tag
from app.imports.formats.label.tables import Table, is_layout, layout_cells, read_table
from app.imports.formats.label.text import Block, Span, Writer

_CONTAINERS = frozenset({"paragraph", "text", "td", "th"})
_BLOCKS = frozenset({"paragraph", "text", "list", "table"})


def _marker(listing: Element, number: int, item: Element) -> str:
    """The bullet or number of a list item: the one that the label prints, or else one by the style of the list."""
    printed = next((child for child in item if tag(child) == "caption"), None)
    if printed is not None:
        return one_line("".join(child_pieces(printed, None)))
    if listing.get("listType") != "ordered":
        return "•"
    style = listing.get("styleCode") or ""
    if "Alpha" in style:
        letter = chr(ord("a") + (number - 1) % 26)
        return f"{letter.upper() if 'Big' in style else letter}."
    return f"{number}."


class Blocks:
    """Writes the text of one section. Footnotes follow the paragraph or the table that they belong to."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._notes = Footnotes()
        self.found: list[Block] = []

    def write(self, element: Element, level: int = 0, marker: str = "") -> None:
        """Writes the running text of an element as paragraphs, and the blocks in it, in order."""
        running = [element.text or ""]
        for child in element:
            if tag(child) in _BLOCKS and child.get("revised") != "delete":
                marker = self._paragraph(running, level, marker)
                running = []
                self._block(child, level, marker)
                marker = "" if tag(child) in _CONTAINERS else marker
            elif not (tag(child) == "caption" and tag(element) == "item"):
                running.extend(child_pieces(child, self._notes))
            running.append(child.tail or "")
        self._paragraph(running, level, marker)

    def _block(self, element: Element, level: int, marker: str) -> None:
        if tag(element) == "list":
            self._list(element, level + 1)
        elif tag(element) == "table":
            self._table(element, level)
        else:
            self.write(element, level, marker)

    def _paragraph(self, running: list[str], level: int, marker: str) -> str:
        """Writes the collected text as a paragraph; returns the marker if there was no text to put it before."""
        words = lines("".join(running))
        if not words:
            return marker
        before = f"{'  ' * (level - 1)}{marker} " if marker else ""
        if not level:
            self._writer.gap()
        span = self._writer.line(before + words)
        inner = Span(span.start + len(before), span.end)
        self.found.append(Block("item" if marker else "paragraph", span, inner, level=level))
        for line in _written(self._notes):
            note = self._writer.line(line)
            self.found.append(Block("footnote", note, note))
        return ""

    def _list(self, listing: Element, level: int) -> None:
        if level == 1:
            self._writer.gap()
        number = 0
        for child in listing:
            if tag(child) == "item" and child.get("revised") != "delete":
                number += 1
                self.write(child, level, _marker(listing, number, child))
            elif tag(child) == "caption":
                self._paragraph(list(child_pieces(child, self._notes)), 0, "")

    def _table(self, element: Element, level: int) -> None:
        if is_layout(element):
            for cell in layout_cells(element):
                self.write(cell, level)
            return
        notes = Footnotes()
        table = read_table(element, notes)
        if table.rows:
            self._rows(table, notes)

    def _rows(self, table: Table, notes: Footnotes) -> None:
        self._writer.gap()
        caption = self._writer.line(table.caption) if table.caption else None
        first = last = caption
        for row in table.rows:
            last = self._writer.line(row.line)
            first = first or last
        for line in _written(notes):
            last = self._writer.line(line)
        if first and last:
            span = Span(first.start, last.end)
            self.found.append(Block("table", span, span, table, caption))
        self._writer.gap()


def _written(notes: Footnotes) -> Iterator[str]:
    """Yields the lines of all waiting footnotes, including footnotes of footnotes."""
    while notes.waiting:
        sign, note = notes.waiting.pop(0)
        words = one_line("".join(pieces(note, notes)))
        if words:
            yield f"{sign} {words}"
