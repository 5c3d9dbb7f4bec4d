"""Keyset pagination: a page starts after the last record of the page before, so page 10,000 costs what page 1 costs.

What follows a position is split into segments. Each segment is one range of an index, and they are read in this order:

    sort=-year after (2010, b):   year = 2010 AND id > b  |  year < 2010  |  year IS NULL
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from sqlalchemy import ColumnElement, Select, Subquery, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.common.problems import Problem, parameter_fault

Conditions = list[ColumnElement[bool]]
Position = tuple[str | int | float | None, ...]
"""The values of the sort keys of a page's last record; the last value is the record's id."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field of a sort order. NULL comes last, whether the order is ascending or descending."""

    name: str
    column: InstrumentedAttribute[Any]
    descending: bool = False

    @property
    def nullable(self) -> bool:
        """Whether the column may be NULL."""
        return bool(self.column.property.columns[0].nullable)

    def fits(self, value: Any) -> bool:
        """Whether a value from a cursor has a type and size that the database can compare with this column."""
        if value is None:
            return self.nullable
        kind = self.column.type.python_type
        if kind is str:
            return type(value) is str and "\0" not in value
        return (
            type(value) is int and abs(value) < 2**31
            if kind is int
            else type(value) is float or (type(value) is int and abs(value) < 10**15)
        )

    def after(self, value: Any) -> ColumnElement[bool]:
        """The condition that a column's value comes after this one in the sort order."""
        moved: ColumnElement[bool] = self.column < value if self.descending else self.column > value
        return moved

    def order(self) -> ColumnElement[Any]:
        """The ORDER BY term of the column, without a rule for NULL."""
        return self.column.desc() if self.descending else self.column.asc()


class _Segment(NamedTuple):
    """A range of an index in which all keys before number `first` are equal."""

    first: int
    first_is_present: bool
    """Whether the conditions exclude NULL for the key number `first`."""
    conditions: Conditions


def _equal_keys(keys: Sequence[SortKey], position: Position) -> Conditions:
    pairs = zip(keys, position, strict=False)
    return [key.column.is_(None) if value is None else key.column == value for key, value in pairs]


def _segments_after(keys: Sequence[SortKey], position: Position) -> Iterator[_Segment]:
    """The segments that follow a position, the nearest one first."""
    for index in reversed(range(len(keys))):
        key, same = keys[index], _equal_keys(keys[:index], position)
        if position[index] is not None:
            yield _Segment(index, True, [*same, key.after(position[index])])
            if key.nullable:
                yield _Segment(index + 1, False, [*same, key.column.is_(None)])


def _segments_from_start(keys: Sequence[SortKey]) -> Iterator[_Segment]:
    if not keys[0].nullable:
        yield _Segment(0, True, [])
        return
    yield _Segment(0, True, [keys[0].column.is_not(None)])
    yield _Segment(1, False, [keys[0].column.is_(None)])


def _segment_order(keys: Sequence[SortKey], segment: _Segment) -> Iterator[ColumnElement[Any]]:
    """The order within a segment. NULLS LAST is only added for keys that can be NULL, as it keeps indexes from use."""
    for index, key in enumerate(keys[segment.first :]):
        certain = not key.nullable or (index == 0 and segment.first_is_present)
        yield key.order() if certain else key.order().nulls_last()


def page_keys(query: Select[Any], keys: Sequence[SortKey], position: Any, limit: Any, *, sequential: bool) -> Subquery:
    """A subquery with the sort keys of one page's records: columns `segment`, `key_0`, `key_1` ...; the last is the id.

    `query` selects the records of the whole list. SQLite (`sequential`) reads the segments one after the other and
    stops when the page is full. PostgreSQL may read them in parallel, so there the page is sorted before it is cut.
    """
    segments = _segments_from_start(keys) if position is None else _segments_after(keys, position)
    columns = [key.column.label(f"key_{index}") for index, key in enumerate(keys)]
    parts = []
    for number, segment in enumerate(segments):
        part = query.with_only_columns(literal(number).label("segment"), *columns)
        part = part.where(*segment.conditions).order_by(*_segment_order(keys, segment)).limit(limit)
        parts.append(select(part.subquery()))
    every = union_all(*parts).subquery()
    some = select(every).limit(limit)
    return (some if sequential else some.order_by(*page_order(every, keys))).subquery("page")


def page_order(page: Subquery, keys: Sequence[SortKey]) -> list[ColumnElement[Any]]:
    """The ORDER BY terms that sort the rows of `page_keys`."""
    columns = [page.c[f"key_{index}"] for index in range(len(keys))]
    ordered = [column.desc() if key.descending else column.asc() for key, column in zip(keys, columns, strict=True)]
    return [page.c["segment"], *(column.nulls_last() for column in ordered)]


def _checksum(query: str, position: bytes) -> bytes:
    """A hash of a query and a position, which shows that a cursor was damaged or belongs to another query.

    It is no secret: the conditions on a position are checked again when it is read (see `SortKey.fits`).
    """
    return blake2b(query.encode() + b"\0" + position, digest_size=9).digest()


def write_cursor(query: str, position: Position) -> str:
    """A cursor, as URL-safe base64 of a checksum and the position as JSON; `query` is the text that it is bound to."""
    content = orjson.dumps(position)
    return base64.urlsafe_b64encode(_checksum(query, content) + content).decode().rstrip("=")


def next_url(path: str, parameters: Iterable[tuple[str, object]], query: str, position: Position) -> str:
    """The URL of the page after a position: the list's parameters without `cursor`, and the cursor bound to `query`."""
    return f"{path}?{urlencode([*parameters, ('cursor', write_cursor(query, position))], safe=',.:')}"


def read_cursor(query: str, cursor: str) -> Any:
    """The list that was written into a cursor; raises a `Problem` where it is damaged or bound to another query."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = orjson.loads(sealed[9:])
    except (binascii.Error, ValueError):
        raise _bad_cursor("it is broken") from None
    if sealed[:9] != _checksum(query, sealed[9:]):
        raise _bad_cursor("it is broken, or of a query with other filters or another sort")
    if not isinstance(position, list):
        raise _bad_cursor("it was not made here")
    return position


def position_in(query: str, cursor: str, keys: Sequence[SortKey]) -> Position:
    """The values of the sort keys in a cursor; raises a `Problem` where they do not fit the keys."""
    position = read_cursor(query, cursor)
    if len(position) != len(keys) or not all(key.fits(value) for key, value in zip(keys, position, strict=True)):
        raise _bad_cursor("it was not made here")
    return tuple(position)


def offset_in(query: str, cursor: str) -> int:
    """The number of hits before a page that is sorted by relevance, which has no keys; raises a `Problem`."""
    position = read_cursor(query, cursor)
    if len(position) != 1 or type(position[0]) is not int or not 0 < position[0] < 10**7:
        raise _bad_cursor("it was not made here")
    return int(position[0])


def _bad_cursor(why: str) -> Problem:
    detail = f"The cursor cannot be used: {why}."
    return Problem("bad-cursor", detail, errors=[parameter_fault("cursor", detail)])
