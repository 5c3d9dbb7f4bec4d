"""Reads tables as grids, in which a cell that spans several rows or columns is repeated in each place."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from app.imports.formats.label.inline import Footnotes, one_line, pieces
from app.imports.formats.label.opening import Element, find, tag

WIDEST = 100
LONGEST_SPAN = 1000


class Cell(NamedTuple):
    text: str
    """The text with the marks of footnotes."""
    words: str
    """The text without the marks of footnotes."""


class Row(NamedTuple):
    header: bool
    cells: tuple[Cell, ...]
    """The cells by column. A cell that spans several columns or rows is the same object in each place."""
    line: str
    """The row in the text of the label, with tabs between the cells."""


EMPTY = Cell("", "")


class Table(NamedTuple):
    caption: str
    rows: tuple[Row, ...]


def _span(cell: Element, name: str, most: int) -> int:
    printed = (cell.get(name) or "1").strip()
    return min(max(int(printed), 1), most) if printed.isascii() and printed.isdigit() and len(printed) < 6 else 1


def _groups(table: Element) -> Iterator[tuple[bool, list[Element]]]:
    """Yields the groups of rows, each with whether it is a header."""
    for name, found in groupby(table, key=tag):
        if name == "tr":
            yield False, [row for row in found if row.get("revised") != "delete"]
        elif name in ("thead", "tbody", "tfoot"):
            yield from ((name == "thead", _kept(group, "tr")) for group in found)


def _rows(table: Element) -> Iterator[Element]:
    for _, rows in _groups(table):
        yield from rows


def _kept(element: Element, *names: str) -> list[Element]:
    return [child for child in element if tag(child) in names and child.get("revised") != "delete"]


def cells_of(row: Element) -> list[Element]:
    return _kept(row, "td", "th")


def is_layout(table: Element) -> bool:
    """Whether a table has a single column, so that it only frames text."""
    return all(len(cells_of(row)) <= 1 for row in _rows(table))


def layout_cells(table: Element) -> Iterator[Element]:
    for row in _rows(table):
        yield from cells_of(row)


class _Grid:
    """Reads rows in order and keeps the cells that span into the following rows."""

    def __init__(self, notes: Footnotes) -> None:
        self._notes = notes
        self._hanging: dict[int, tuple[Cell, int]] = {}

    def _from_above(self, cells: list[Cell], printed: list[str]) -> None:
        while len(cells) in self._hanging:
            cell, left = self._hanging.pop(len(cells))
            if left > 1:
                self._hanging[len(cells)] = (cell, left - 1)
            cells.append(cell)
            printed.append("")

    def _covered(self, at: int) -> None:
        """Handles a place that two cells claim: the later one takes it in this row, the other in the following rows."""
        cell, left = self._hanging.pop(at, (EMPTY, 0))
        if left > 1:
            self._hanging[at] = (cell, left - 1)

    def _rest(self, cells: list[Cell], printed: list[str]) -> None:
        while len(cells) <= max(self._hanging, default=-1):
            self._from_above(cells, printed)
            if len(cells) <= max(self._hanging, default=-1):
                cells.append(EMPTY)
                printed.append("")

    def end(self) -> None:
        """Ends a group of rows. No cell spans beyond its group, whatever its `rowspan` is."""
        self._hanging.clear()

    def row(self, element: Element) -> tuple[list[Cell], list[str]]:
        """The cells of a row, and the text of each; the text is empty where a cell is repeated."""
        cells: list[Cell] = []
        printed: list[str] = []
        reaching: dict[int, tuple[Cell, int]] = {}
        for td in cells_of(element):
            self._from_above(cells, printed)
            cell = Cell(*(one_line("".join(pieces(td, notes))) for notes in (self._notes, None)))
            down = _span(td, "rowspan", LONGEST_SPAN)
            for offset in range(min(_span(td, "colspan", WIDEST), WIDEST - len(cells))):
                self._covered(len(cells))
                if down > 1:
                    reaching[len(cells)] = (cell, down - 1)
                cells.append(cell)
                printed.append("" if offset else cell.text)
        self._rest(cells, printed)
        self._hanging.update(reaching)
        return cells, printed


def read_table(table: Element, notes: Footnotes) -> Table:
    """Reads a table and adds its footnotes to `notes`."""
    caption = find(table, "v:caption")
    title = "" if caption is None else one_line("".join(pieces(caption, notes)))
    grid = _Grid(notes)
    rows = []
    for header, group in _groups(table):
        for element in group:
            cells, printed = grid.row(element)
            line = "\t".join(printed).rstrip("\t")
            if line.strip():
                rows.append(Row(header, tuple(cells), line))
        grid.end()
    return Table(title, tuple(rows))
