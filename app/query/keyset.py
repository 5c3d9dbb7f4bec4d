"""Keyset paging: a page starts after the last record of the one before, so page 10,000 costs what page 1 costs.

A sort order is cut into segments, each a plain range of an index, read one after the other:

    sort=-year after (2010, b):   year = 2010 and id > b  |  year < 2010  |  year is missing
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Select, Subquery, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.common.problems import Problem

Conditions = list[ColumnElement[bool]]
Position = tuple[str | int | float | None, ...]
"""The values of the sort keys of a page's last record, its id last."""


@dataclass(frozen=True, slots=True)
class SortKey:
    name: str
    column: InstrumentedAttribute[Any]
    descending: bool = False

    @property
    def nullable(self) -> bool:
        return bool(self.column.property.columns[0].nullable)

    def fits(self, value: Any) -> bool:
        """Whether a value from outside can be compared with this column's."""
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
        moved: ColumnElement[bool] = self.column < value if self.descending else self.column > value
        return moved

    def order(self) -> ColumnElement[Any]:
        return self.column.desc() if self.descending else self.column.asc()


class _Segment(NamedTuple):
    """A range of an index: the keys before `first` are all equal in it; `bounded`: the first is never missing."""

    first: int
    first_is_present: bool
    conditions: Conditions


def _equal_keys(keys: Sequence[SortKey], position: Position) -> Conditions:
    pairs = zip(keys, position, strict=False)
    return [key.column.is_(None) if value is None else key.column == value for key, value in pairs]


def _segments_after(keys: Sequence[SortKey], position: Position) -> Iterator[_Segment]:
    """What comes after a position, nearest first."""
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
    """An order that an index gives, wherever no value can be missing."""
    for index, key in enumerate(keys[segment.first :]):
        certain = not key.nullable or (index == 0 and segment.first_is_present)
        yield key.order() if certain else key.order().nulls_last()


def page_keys(query: Select[Any], keys: Sequence[SortKey], position: Any, limit: Any, *, sequential: bool) -> Subquery:
    """The sort keys of one page's records: columns `segment`, `key_0` ...; the last key is the id.

    `in_turn`: the database reads the segments one after the other, and no more of them than fill the page; SQLite does,
    while PostgreSQL may read them side by side, so there the page is put in order before it is cut.
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
    columns = [page.c[f"key_{index}"] for index in range(len(keys))]
    ordered = [column.desc() if key.descending else column.asc() for key, column in zip(keys, columns, strict=True)]
    return [page.c["segment"], *(column.nulls_last() for column in ordered)]


def _checksum(query: str, position: bytes) -> bytes:
    """A cursor carries a mark of its query and of itself: what was cut, changed or lent to another query shows."""
    return blake2b(query.encode() + b"\0" + position, digest_size=9).digest()


def write_cursor(query: str, position: Position) -> str:
    content = orjson.dumps(position)
    return base64.urlsafe_b64encode(_checksum(query, content) + content).decode().rstrip("=")


def read_cursor(query: str, cursor: str) -> Any:
    """What was written into a cursor; raises a `Problem` where it is broken or of another query."""
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
    """The values of the sort keys in a cursor."""
    position = read_cursor(query, cursor)
    if len(position) != len(keys) or not all(key.fits(value) for key, value in zip(keys, position, strict=True)):
        raise _bad_cursor("it was not made here")
    return tuple(position)


def offset_in(query: str, cursor: str) -> int:
    """How many of the best hits came before: relevance has no keys to go by."""
    position = read_cursor(query, cursor)
    if len(position) != 1 or type(position[0]) is not int or not 0 < position[0] < 10**7:
        raise _bad_cursor("it was not made here")
    return int(position[0])


def _bad_cursor(why: str) -> Problem:
    fault = {"parameter": "cursor", "detail": f"The cursor cannot be used: {why}.", "nearest": []}
    return Problem("bad-cursor", f"The cursor cannot be used: {why}.", errors=[fault])
