"""Reads frequencies of events from a table of adverse reactions, as far as its header says what is counted."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.imports.formats.label.columns import (
    CLOSING_MARKS,
    NO_FREQUENCY,
    NOTHING,
    Column,
    Measure,
    columns_of,
    count,
    header_and_body,
    label_columns,
)
from app.imports.formats.label.inline import MARKS, RAISED_FIGURES, RAISED_LETTERS
from app.imports.formats.label.quoting import LONGEST_NAME
from app.imports.formats.label.tables import EMPTY, Cell, Row, Table
from app.records.rules import numbers_agree

MOST_ROWS = 5000

_PARTIAL = re.compile(r"(?:any|all|total|overall|mild|moderate|severe|serious|life|fatal|grades?|other)\b", re.I)
_SIZE = re.compile(
    r"[\[(]?n[\])]?|(?:(?:total )?(?:number|no\.?|n) of )?(?:patients|subjects|participants)"
    r"(?: (?:treated|exposed|evaluated|studied|enrolled|randomi[sz]ed))?(?:\s*[\[(]n[\])])?|(?:sample|group) size",
    re.I,
)
"""The names of rows that state the sizes of the groups and not how many had an event."""
_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_COUNT = r"(\d{1,3}(?:,\d{3})+|\d{1,9})"
_MARK = rf"(?:\s*[{MARKS}{RAISED_LETTERS}]{{1,6}})?"
_ANY_MARK = rf"(?:\s*[{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}]{{1,6}})?"
"""The mark of a footnote. It is not looked for after a bare number, where raised figures could be an exponent."""
_ONLY_PERCENT = re.compile(rf"{_NUMBER}\s*%{_ANY_MARK}")
_ONLY_NUMBER = re.compile(rf"{_NUMBER}{_MARK}")
_COUNT_PERCENT = re.compile(rf"{_COUNT}\s*[\[(]\s*{_NUMBER}\s*(%?)\s*[\])]{_ANY_MARK}")
_PERCENT_COUNT = re.compile(rf"{_NUMBER}\s*(%?)\s*[\[(]\s*{_COUNT}\s*[\])]{_ANY_MARK}")


class Frequencies(NamedTuple):
    """The frequencies in a table."""

    frequencies: list[dict[str, Any]]
    left_out: list[str]
    """The cells whose content is not stored, as text."""
    inconsistent: list[str]
    """The rows whose numbers contradict each other, as text."""


NO_FREQUENCIES = Frequencies([], [], [])


@dataclass(frozen=True, slots=True)
class _Line:
    event: str
    group: str
    by_columns: bool
    """Whether the group is in a column beside the event, and not in a row above it."""
    cells: tuple[Cell, ...]


def _number(printed: str) -> int | float:
    return float(printed) if "." in printed else int(printed)


def _lines(body: tuple[Row, ...], labels: int) -> Iterator[_Line]:
    group = ""
    for row in body:
        names = _row_names(row, labels)
        if not names:
            continue
        values = row.cells[labels:]
        if len({id(cell) for cell in row.cells}) == 1:
            group = names[0] if len(names[0]) <= 120 else ""
        elif any(cell.words for cell in values):
            beside = len(names) > 1
            yield _Line(names[-1], names[0] if beside else group, beside, row.cells)
        else:
            group = names[-1]


def _row_names(row: Row, labels: int) -> list[str]:
    """The distinct names in the label columns of a row, in order."""
    names = [cell.words.rstrip(CLOSING_MARKS) for cell in row.cells[:labels]]
    return list(dict.fromkeys(name for name in names if name))


def _value(words: str, column: Column) -> dict[str, int | float] | None:
    """The numbers of a cell, or `None` if their meaning is not certain."""
    if found := _ONLY_PERCENT.fullmatch(words):
        return {"percent": _number(found[1])} if column.measure != "events" else None
    if pair := _count_and_percent(words, column):
        return pair
    found = _ONLY_NUMBER.fullmatch(words)
    return _bare(found[1], column.measure) if found else None


def _count_and_percent(words: str, column: Column) -> dict[str, int | float] | None:
    """Both numbers of a cell such as `12 (3.4%)` or `3.4 (12)`, or `None` if it is unsure which is the percentage.

    It is sure if the header states the order, or if the cell has a percent sign and the column a group size.
    """
    sure = column.n is not None
    if (found := _COUNT_PERCENT.fullmatch(words)) and ((found[3] and sure) or column.measure == "events-percent"):
        return {"events": count(found[1]), "percent": _number(found[2])}
    if (found := _PERCENT_COUNT.fullmatch(words)) and ((found[2] and sure) or column.measure == "percent-events"):
        return {"percent": _number(found[1]), "events": count(found[3])}
    return None


def _bare(printed: str, measure: Measure | None) -> dict[str, int | float] | None:
    if measure == "percent":
        return {"percent": _number(printed)}
    return {"events": int(printed)} if measure == "events" and "." not in printed else None


def _row(event: str, column: Column, cell: Cell) -> dict[str, Any] | None:
    numbers = _value(cell.words, column)
    name = f"{event}, {column.grade}" if column.grade else event
    if numbers is None or max(len(name), len(column.arm)) > LONGEST_NAME:
        return None
    size = {} if column.n is None else {"n": column.n}
    return {"event": name, "arm": column.arm, **size, **numbers}


def _belong(row: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether one row has the count and the other the percentage of the same event in the same arm."""
    same = all(last.get(name) == row.get(name) for name in ("event", "arm", "n"))
    return same and not ({"events", "percent"} & last.keys() & row.keys())


def _joined(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for row in rows:
        if joined and _belong(row, joined[-1]):
            joined[-1] = joined[-1] | row
        else:
            joined.append(row)
    return joined


def _as_text(row: dict[str, Any]) -> str:
    numbers = ", ".join(str(row[name]) for name in ("n", "events", "percent") if name in row)
    return f"{row['event']} / {row['arm']}: {numbers}"


def _named(lines: list[_Line]) -> Iterator[tuple[str, _Line]]:
    """Yields each line with the name of its event, to which the group is added if the event alone is ambiguous."""
    often = Counter(line.event for line in lines)
    repeated = any(number > 1 for number in often.values())
    for line in lines:
        apart = often[line.event] > 1 or (line.by_columns and repeated) or _PARTIAL.match(line.event)
        yield f"{line.group}: {line.event}" if apart and line.group else line.event, line


def read_frequencies(table: Table) -> Frequencies:
    """Reads a table; the result is empty if it is not a table of frequencies or if no column names an arm."""
    header, body = header_and_body(table)
    width = max((len(row.cells) for row in table.rows), default=0)
    labels = label_columns(body, width)
    if not body or not header or not labels or len(body) > MOST_ROWS or NO_FREQUENCY.search(table.caption):
        return NO_FREQUENCIES
    rows, left_out = _rows(list(_lines(body, labels)), columns_of(table, header, labels, width))
    sound, inconsistent = _by_soundness(_joined(rows))
    return Frequencies(sound, left_out, inconsistent)


def _rows(lines: list[_Line], columns: dict[int, Column]) -> tuple[list[dict[str, Any]], list[str]]:
    """The frequencies in the cells, and the other cells as text. A row of group sizes has no frequencies."""
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for event, line in _named(lines):
        is_size = bool(_SIZE.fullmatch(line.event))
        for at, column in columns.items():
            cell = line.cells[at] if at < len(line.cells) else EMPTY
            if NOTHING.fullmatch(cell.words):
                continue
            row = None if is_size else _row(event, column, cell)
            if row:
                rows.append(row)
            else:
                left_out.append(f"{event} / {column.arm}: {cell.text}")
    return rows, left_out


def _by_soundness(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows whose numbers agree with each other, and the other rows as text."""
    sound: list[dict[str, Any]] = []
    inconsistent: list[str] = []
    for row in rows:
        percent = row.get("percent")
        in_range = percent is None or 0 <= percent <= 100
        if in_range and not list(numbers_agree("", row.get("events"), percent, row.get("n"))):
            sound.append(row)
        else:
            inconsistent.append(_as_text(row))
    return sound, inconsistent
