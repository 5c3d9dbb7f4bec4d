"""How often something happened, from a table of adverse reactions; only what its header says is counted."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from app.importing.label.inline import MARKS, RAISED_FIGURES, RAISED_LETTERS
from app.importing.label.quoting import LONGEST_NAME
from app.importing.label.tables import Cell, Row, Table
from app.rules import numbers_agree

Measure = Literal["percent", "events", "events-percent", "percent-events"]

MOST_ROWS = 5000

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
_OTHER = re.compile(
    r"\bper 100\b|patient[- ]years|person[- ]years|exposure[- ]adjusted|\bmean\b|\bmedian\b|"
    r"\bhazard\b|\bratio\b|\bchange from\b|\bp[- ]?value\b|\bdifference\b|confidence interval|\b95\s*% ?CI\b",
    re.I,
)
_GRADE = re.compile(r"\bgrades?\b|\bsever", re.I)
_GRADED = re.compile(r"\bgrades?\s*[≥>]?\s*\d(?:\s*(?:-|–|or|and|to)\s*\d)?", re.I)
_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_COUNT = r"(\d{1,3}(?:,\d{3})+|\d{1,9})"
_MARK = rf"(?:\s*[{MARKS}{RAISED_LETTERS}]{{1,6}})?"
_ANY_MARK = rf"(?:\s*[{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}]{{1,6}})?"
"""Of a footnote; where a bare number is before it, raised figures could be its power."""
_ONLY_PERCENT = re.compile(rf"{_NUMBER}\s*%{_ANY_MARK}")
_ONLY_NUMBER = re.compile(rf"{_NUMBER}{_MARK}")
_COUNT_PERCENT = re.compile(rf"{_COUNT}\s*[\[(]\s*{_NUMBER}\s*(%?)\s*[\])]{_ANY_MARK}")
_PERCENT_COUNT = re.compile(rf"{_NUMBER}\s*(%?)\s*[\[(]\s*{_COUNT}\s*[\])]{_ANY_MARK}")
_FIGURES = re.compile(rf"[\d.,%()\[\]<>≤≥~≈±+/\s–—−{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}-]+")
_NOTHING = re.compile(r"[-–—−. ]*|n/?a|none", re.I)
_MARKS = f" ,{MARKS}{RAISED_LETTERS}{RAISED_FIGURES}"
_THRESHOLD = re.compile(r"\d\s*(?:%|percent\b)", re.I)
"""A percent of something, which does not say that the numbers below are percents."""


class Column(NamedTuple):
    arm: str
    grade: str
    n: int | None
    measure: Measure | None


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
    cells: tuple[Cell, ...]


def _number(printed: str) -> int | float:
    return float(printed) if "." in printed else int(printed)


def _count(printed: str) -> int:
    return int(printed.replace(",", ""))


def _measure(words: str) -> Measure | None:
    words = _THRESHOLD.sub(" ", _GRADED.sub(" ", words))
    if _BOTH.search(words):
        return "events-percent"
    if _BOTH_TURNED.search(words):
        return "percent-events"
    return "percent" if _PERCENT.search(words) else None


def _is_value(cell: Cell) -> bool:
    """Whether a cell holds figures and signs alone, whatever they mean, or says that there is nothing."""
    figures = any(char.isdigit() for char in cell.words)
    return bool(cell.words) and bool((figures and _FIGURES.fullmatch(cell.words)) or _NOTHING.fullmatch(cell.words))


def _header_length(table: Table) -> int:
    """Rows before the first that has a value beside its label; a table may mark its header, or not."""
    for index, row in enumerate(table.rows):
        if not row.header and any(_is_value(cell) for cell in row.cells[1:]):
            return _after_names(table, index)
    return len(table.rows)


def _after_names(table: Table, first: int) -> int:
    """Rows just before the first numbers that name a group of events are no header."""
    while first and _only_named(table.rows[first - 1]):
        first -= 1
    return first


def _only_named(row: Row) -> bool:
    """Whether a row has a name alone, in its first place or over all of them, which says nothing of its columns."""
    words = row.cells[0].words if row.cells else ""
    alone = not any(cell.words for cell in row.cells[1:])
    across = len({id(cell) for cell in row.cells}) == 1 and _measure(words) is None and not _N.search(words)
    return not row.header and (alone or across)


def _parts(header: tuple[Row, ...], column: int, width: int) -> list[str]:
    """What the header says of a column, from the top, without what it says of all columns."""
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


def _shared(header: tuple[Row, ...], width: int) -> str:
    return " ".join(row.cells[-1].words for row in header if _spans_all(row.cells, width))


def _tidy_arm(words: str) -> str:
    return " ".join(words.split()).strip(" ,;:").rstrip(_MARKS).strip(" ,;:")


def _column(parts: list[str], context: str) -> Column | None:
    """What a column counts, or nothing where the header does not say whose numbers these are."""
    joined = " ".join(parts)
    if _OTHER.search(joined):
        return None
    sizes = {_count(found) for found in _N.findall(joined)}
    if len(sizes) > 1:
        return None
    rest = [_N.sub(" ", part).strip() for part in parts]
    measure: Measure | None = "events" if any(_EVENTS.match(part) for part in rest) else _measure(" ".join(rest))
    names = [_tidy_arm(_UNIT_WORDS.sub(" ", _BOTH_TURNED.sub(" ", _BOTH.sub(" ", part)))) for part in rest]
    names = [name for name in names if name and not _EVENTS.match(name)]
    grades = [name for name in names[1:] if _GRADE.search(name)]
    arm = " ".join(name for name in names if name not in grades)
    measure = measure or _measure(context)
    return Column(arm, ", ".join(grades), sizes.pop() if sizes else None, measure) if arm else None


def _label_columns(body: tuple[Row, ...], width: int) -> int:
    """The first columns, in which no row has a value."""
    for column in range(width):
        if any(column < len(row.cells) and _is_value(row.cells[column]) for row in body):
            return column
    return width


def _lines(body: tuple[Row, ...], labels: int) -> Iterator[_Line]:
    group = ""
    for row in body:
        names = [cell.words.rstrip(_MARKS) for cell in row.cells[:labels]]
        names = list(dict.fromkeys(name for name in names if name))
        if not names:
            continue
        values = row.cells[labels:]
        if len({id(cell) for cell in row.cells}) == 1:
            group = names[0] if len(names[0]) <= 120 else ""
        elif any(cell.words for cell in values):
            yield _Line(names[-1], names[0] if len(names) > 1 else group, row.cells)
        else:
            group = names[-1]


def _value(words: str, measure: Measure | None) -> dict[str, int | float] | None:
    """A cell's numbers, or nothing where it does not say for certain what they are."""
    if found := _ONLY_PERCENT.fullmatch(words):
        return {"percent": _number(found[1])} if measure != "events" else None
    if (found := _COUNT_PERCENT.fullmatch(words)) and (found[3] or measure == "events-percent"):
        return {"events": _count(found[1]), "percent": _number(found[2])}
    if (found := _PERCENT_COUNT.fullmatch(words)) and (found[2] or measure == "percent-events"):
        return {"percent": _number(found[1]), "events": _count(found[3])}
    if found := _ONLY_NUMBER.fullmatch(words):
        return _bare(found[1], measure)
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
    numbers = _value(cell.words, column.measure)
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


def _columns(table: Table, header: tuple[Row, ...], labels: int, width: int) -> dict[int, Column]:
    context = " ".join((table.caption, _shared(header, width), *(row.cells[0].words for row in header)))
    found = {at: _column(_parts(header, at, width), context) for at in range(labels, width)}
    return {at: column for at, column in found.items() if column}


def _named(lines: list[_Line]) -> Iterator[tuple[str, _Line]]:
    """An event that stands under several groups is told apart by its group."""
    often = Counter(line.event for line in lines)
    for line in lines:
        yield f"{line.group}: {line.event}" if often[line.event] > 1 and line.group else line.event, line


def _filled(line: _Line, columns: dict[int, Column]) -> Iterator[tuple[Column, Cell]]:
    for at, column in columns.items():
        if at < len(line.cells) and not _NOTHING.fullmatch(line.cells[at].words):
            yield column, line.cells[at]


def _body(table: Table) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    at = _header_length(table)
    return table.rows[:at], table.rows[at:]


def read_frequencies(table: Table) -> Read:
    """Nothing where a table is no table of frequencies, or says of no column who was counted."""
    header, body = _body(table)
    width = max((len(row.cells) for row in table.rows), default=0)
    labels = _label_columns(body, width)
    if not body or not header or not labels or len(body) > MOST_ROWS or _OTHER.search(table.caption):
        return NOT_READ
    columns = _columns(table, header, labels, width)
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for event, line in _named(list(_lines(body, labels))):
        for column, cell in _filled(line, columns):
            row = _row(event, column, cell)
            if row:
                rows.append(row)
            else:
                left_out.append(f"{event} / {column.arm}: {cell.text}")
    joined = _joined(rows)
    return Read([row for row in joined if _sound(row)], left_out, [_told(row) for row in joined if not _sound(row)])
