"""How often something happened, from a table of adverse reactions; only what its header says is counted."""

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
from app.imports.formats.label.tables import Cell, Row, Table
from app.records.rules import numbers_agree

MOST_ROWS = 5000

_PARTIAL = re.compile(r"(?:any|all|total|overall|mild|moderate|severe|serious|life|fatal|grades?|other)\b", re.I)
_SIZE = re.compile(
    r"[\[(]?n[\])]?|(?:(?:total )?(?:number|no\.?|n) of )?(?:patients|subjects|participants)"
    r"(?: (?:treated|exposed|evaluated|studied|enrolled|randomi[sz]ed))?(?:\s*[\[(]n[\])])?|(?:sample|group) size",
    re.I,
)
"""What a row is called that says how many there were, none of whom needs to have had anything."""
_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_COUNT = r"(\d{1,3}(?:,\d{3})+|\d{1,9})"
_MARK = rf"(?:\s*[{MARKS}{RAISED_LETTERS}]{{1,6}})?"
_ANY_MARK = rf"(?:\s*[{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}]{{1,6}})?"
"""Of a footnote; where a bare number is before it, raised figures could be its power."""
_ONLY_PERCENT = re.compile(rf"{_NUMBER}\s*%{_ANY_MARK}")
_ONLY_NUMBER = re.compile(rf"{_NUMBER}{_MARK}")
_COUNT_PERCENT = re.compile(rf"{_COUNT}\s*[\[(]\s*{_NUMBER}\s*(%?)\s*[\])]{_ANY_MARK}")
_PERCENT_COUNT = re.compile(rf"{_NUMBER}\s*(%?)\s*[\[(]\s*{_COUNT}\s*[\])]{_ANY_MARK}")


class Read(NamedTuple):
    frequencies: list[dict[str, Any]]
    left_out: list[str]
    """Cells that hold something which cannot be kept as it is printed."""
    inconsistent: list[str]
    """Numbers of which one contradicts another."""


NOT_READ = Read([], [], [])


@dataclass(frozen=True, slots=True)
class _Line:
    event: str
    group: str
    by_columns: bool
    """Whether the group stands beside the event, not above it."""
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
    """The different names in a row's label columns, in order."""
    names = [cell.words.rstrip(CLOSING_MARKS) for cell in row.cells[:labels]]
    return list(dict.fromkeys(name for name in names if name))


def _value(words: str, column: Column) -> dict[str, int | float] | None:
    """A cell's numbers, or nothing where it does not say for certain what they are; a sign alone is proved by `n`."""
    if found := _ONLY_PERCENT.fullmatch(words):
        return {"percent": _number(found[1])} if column.measure != "events" else None
    if pair := _count_and_percent(words, column):
        return pair
    found = _ONLY_NUMBER.fullmatch(words)
    return _bare(found[1], column.measure) if found else None


def _count_and_percent(words: str, column: Column) -> dict[str, int | float] | None:
    """Both numbers of a cell such as `12 (3.4%)` or `3.4 (12)`, or nothing where it is unsure which is the percent.

    The header tells which one it is, or the sign in the cell does, where the column has a group size.
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


def _sound(row: dict[str, Any]) -> bool:
    percent, events = row.get("percent"), row.get("events")
    in_range = percent is None or 0 <= percent <= 100
    return in_range and not list(numbers_agree("", events, percent, row.get("n")))


def _row(event: str, column: Column, cell: Cell) -> dict[str, Any] | None:
    numbers = _value(cell.words, column)
    name = f"{event}, {column.grade}" if column.grade else event
    if numbers is None or max(len(name), len(column.arm)) > LONGEST_NAME:
        return None
    size = {} if column.n is None else {"n": column.n}
    return {"event": name, "arm": column.arm, **size, **numbers}


def _belong(row: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether one has the count and the other the percent of the same event in the same arm."""
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


def _told(row: dict[str, Any]) -> str:
    numbers = ", ".join(str(row[name]) for name in ("n", "events", "percent") if name in row)
    return f"{row['event']} / {row['arm']}: {numbers}"


def _named(lines: list[_Line]) -> Iterator[tuple[str, _Line]]:
    """An event that stands under several groups, or is but a part of one, is told apart by its group."""
    often = Counter(line.event for line in lines)
    repeated = any(number > 1 for number in often.values())
    for line in lines:
        apart = often[line.event] > 1 or (line.by_columns and repeated) or _PARTIAL.match(line.event)
        yield f"{line.group}: {line.event}" if apart and line.group else line.event, line


def _filled(line: _Line, columns: dict[int, Column]) -> Iterator[tuple[Column, Cell]]:
    for at, column in columns.items():
        if at < len(line.cells) and not NOTHING.fullmatch(line.cells[at].words):
            yield column, line.cells[at]


def read_frequencies(table: Table) -> Read:
    """Nothing where a table is no table of frequencies, or says of no column who was counted."""
    header, body = header_and_body(table)
    width = max((len(row.cells) for row in table.rows), default=0)
    labels = label_columns(body, width)
    if not body or not header or not labels or len(body) > MOST_ROWS or NO_FREQUENCY.search(table.caption):
        return NOT_READ
    rows, left_out = _rows(list(_lines(body, labels)), columns_of(table, header, labels, width))
    sound, inconsistent = _by_soundness(_joined(rows))
    return Read(sound, left_out, inconsistent)


def _rows(lines: list[_Line], columns: dict[int, Column]) -> tuple[list[dict[str, Any]], list[str]]:
    """The frequencies in a table's cells, and as text the cells that hold none; a row of group sizes holds none."""
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for event, line in _named(lines):
        is_size = bool(_SIZE.fullmatch(line.event))
        for column, cell in _filled(line, columns):
            row = None if is_size else _row(event, column, cell)
            if row:
                rows.append(row)
            else:
                left_out.append(f"{event} / {column.arm}: {cell.text}")
    return rows, left_out


def _by_soundness(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows whose numbers agree with each other, and the others as text."""
    sound: list[dict[str, Any]] = []
    inconsistent: list[str] = []
    for row in rows:
        if _sound(row):
            sound.append(row)
        else:
            inconsistent.append(_told(row))
    return sound, inconsistent
