"""Reads the header of a table: the arm, its size and the measure of each column."""

import re
from typing import Literal, NamedTuple

from app.imports.formats.label.inline import MARKS, RAISED_FIGURES, RAISED_LETTERS
from app.imports.formats.label.tables import Cell, Row, Table

Measure = Literal["percent", "events", "events-percent", "percent-events"]

_N = re.compile(r"[\[(]?\s*\b[Nn]\s*=\s*(\d{1,3}(?:,\d{3})+|\d+)(?![\d,.])\s*[\])]?")
_BOTH = re.compile(r"\b(?:n|no\.?|number(?: of (?:patients|subjects))?)\s*,?\s*[\[(]?\s*(?:%|percent)\s*[\])]?", re.I)
_BOTH_TURNED = re.compile(r"(?:%|percent)\s*[\[(]\s*(?:n|no\.?|number)\s*[\])]", re.I)
_PERCENT = re.compile(r"%|\bpercent(?:age)?\b", re.I)
_EVENTS = re.compile(r"^\(?(?:n|no\.?|number(?: of (?:patients|subjects))?)\)?$", re.I)
_UNIT_WORDS = re.compile(
    r"[\[(]?\s*(?:%|percent(?:age)?)(?:\s+of\s+(?:patients|subjects|participants))?\s*[\])]?|"
    r"\b(?:patients|subjects)\s*[\[(]\s*%\s*[\])]",
    re.I,
)
NO_FREQUENCY = re.compile(
    r"\bper (?:100|1,?000)\b|patient[- ]years|person[- ]years|\bper year\b|exposure[- ]adjusted|\bmean\b|\bmedian\b|"
    r"\bhazard\b|\bratio\b|\bodds\b|\brelative\b|\brisk reduction\b|\battributable\b|\bexcess\b|\bminus\b|"
    r"\bplacebo[- ](?:subtracted|adjusted|corrected)\b|\btreatment effect\b|^(?:dose|duration|time|age)\s*[\[(]|"
    r"\bchange from\b|\bp[- ]?value\b|\bdifference\b|confidence interval|\b95\s*% ?CI\b",
    re.I,
)
_GRADE = re.compile(r"\bgrades?\b|\bsever", re.I)
_GRADED = re.compile(r"\bgrades?\s*[≥>]?\s*\d(?:\s*(?:-|–|or|and|to)\s*\d)?", re.I)
_FIGURES = re.compile(rf"[\d.,%()\[\]<>≤≥~≈±+/\s–—−{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}-]+")
NOTHING = re.compile(r"[-–—−. ]*|n/?a|none", re.I)
CLOSING_MARKS = f" ,{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}"
_THRESHOLD = re.compile(r"\d\s*(?:%|percent\b)", re.I)
"""A percentage within the header, which does not mean that the numbers below are percentages."""


class Column(NamedTuple):
    """A column of numbers."""

    arm: str
    grade: str
    """The grades of severity that the column counts; empty for all."""
    n: int | None
    measure: Measure | None


def count(printed: str) -> int:
    return int(printed.replace(",", ""))


def _measure(words: str) -> Measure | None:
    words = _THRESHOLD.sub(" ", _GRADED.sub(" ", words))
    if _BOTH.search(words):
        return "events-percent"
    if _BOTH_TURNED.search(words):
        return "percent-events"
    return "percent" if _PERCENT.search(words) else None


def _is_value(cell: Cell) -> bool:
    """Whether a cell holds only figures and signs, or a word or sign for no value."""
    figures = any(char.isdigit() for char in cell.words)
    return bool(cell.words) and bool((figures and _FIGURES.fullmatch(cell.words)) or NOTHING.fullmatch(cell.words))


def _header_length(table: Table) -> int:
    """The number of rows before the first with a value beside its label. Not every table marks its header."""
    for index, row in enumerate(table.rows):
        if not row.header and any(_is_value(cell) for cell in row.cells[1:]):
            return _after_names(table, index)
    return len(table.rows)


def _after_names(table: Table, first: int) -> int:
    """Excludes the rows just before the first values that only name a group of events."""
    while first and _only_named(table.rows[first - 1]):
        first -= 1
    return first


def _only_named(row: Row) -> bool:
    """Whether a row has a name only, in its first cell or across all columns."""
    words = row.cells[0].words if row.cells else ""
    alone = not any(cell.words for cell in row.cells[1:])
    across = len({id(cell) for cell in row.cells}) == 1 and _measure(words) is None and not _N.search(words)
    return not row.header and (alone or across)


def _parts(header: tuple[Row, ...], column: int, width: int) -> list[str]:
    """The header cells of a column from the top, without cells that span all columns."""
    parts: list[str] = []
    for row in header:
        cells = row.cells
        if column >= len(cells) or not cells[column].words or _spans_all(cells, width):
            continue
        if not parts or parts[-1] != cells[column].words:
            parts.append(cells[column].words)
    return parts


def _spans_all(cells: tuple[Cell, ...], width: int) -> bool:
    return width > 2 and len(cells) == width and len({id(cell) for cell in cells[1:]}) == 1


def _tidy_arm(words: str) -> str:
    return " ".join(words.split()).strip(" ,;:").rstrip(CLOSING_MARKS).strip(" ,;:")


def _column(parts: list[str], context: str) -> Column | None:
    """The column that a header describes, or `None` if the header names no arm."""
    joined = " ".join(parts)
    if NO_FREQUENCY.search(joined):
        return None
    sizes = {count(found) for found in _N.findall(joined)}
    if len(sizes) > 1:
        return None
    rest = [_N.sub(" ", part).strip() for part in parts]
    arm, grade = _arm_and_grade(rest)
    if not arm:
        return None
    return Column(arm, grade, sizes.pop() if sizes else None, _column_measure(rest) or _measure(context))


def _column_measure(parts: list[str]) -> Measure | None:
    """The measure that the header of a column states: `events` if a part of it is only a word such as `n`."""
    return "events" if any(_EVENTS.match(part) for part in parts) else _measure(" ".join(parts))


def _arm_and_grade(parts: list[str]) -> tuple[str, str]:
    """The arm and the grades of severity that a column's header names, without its words for units.

    A name after the first that speaks of grades or severity is a grade; the other names are the arm's.
    """
    names = [_tidy_arm(_UNIT_WORDS.sub(" ", _BOTH_TURNED.sub(" ", _BOTH.sub(" ", part)))) for part in parts]
    names = [name for name in names if name and not _EVENTS.match(name)]
    grades = [name for name in names[1:] if _GRADE.search(name)]
    return " ".join(name for name in names if name not in grades), ", ".join(grades)


def label_columns(body: tuple[Row, ...], width: int) -> int:
    """The number of columns before the first in which any row has a value."""
    for column in range(width):
        if any(column < len(row.cells) and _is_value(row.cells[column]) for row in body):
            return column
    return width


def columns_of(table: Table, header: tuple[Row, ...], labels: int, width: int) -> dict[int, Column]:
    """The columns of numbers by their index. Columns whose header names no arm are left out."""
    shared = (row.cells[-1].words for row in header if _spans_all(row.cells, width))
    context = " ".join((table.caption, *shared, *(row.cells[0].words for row in header)))
    found = {at: _column(_parts(header, at, width), context) for at in range(labels, width)}
    return {at: column for at, column in found.items() if column}


def header_and_body(table: Table) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Splits the rows of a table."""
    at = _header_length(table)
    return table.rows[:at], table.rows[at:]
