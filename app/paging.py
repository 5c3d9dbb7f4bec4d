"""Keyset paging: a page starts after the last record of the one before, so page 10,000 costs what page 1 costs.

A sort order is cut into segments, each a plain range of an index, read one after the other:

    sort=-year after (2010, b):   year = 2010 and id > b  |  year < 2010  |  year is missing
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Subquery, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import Problem

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

    def after(self, value: Any) -> ColumnElement[bool]:
        return self.column < value if self.descending else self.column > value

    def order(self) -> ColumnElement[Any]:
        return self.column.desc() if self.descending else self.column.asc()


def _behind(keys: Sequence[SortKey], position: Position) -> Iterator[tuple[int, Conditions]]:
    """What comes after a position, nearest first: `(the key that moves on, conditions)`."""
    for index in reversed(range(len(keys))):
        same = [
            key.column == value if value is not None else key.column.is_(None)
            for key, value in zip(keys[:index], position, strict=False)
        ]
        if position[index] is not None:
            yield index, [*same, keys[index].after(position[index])]
            if keys[index].nullable:
                yield index + 1, [*same, keys[index].column.is_(None)]


def _from_start(keys: Sequence[SortKey]) -> Iterator[tuple[int, Conditions]]:
    if not keys[0].nullable:
        yield 0, []
        return
    yield 0, [keys[0].column.is_not(None)]
    yield 1, [keys[0].column.is_(None)]


def _ordered(keys: Sequence[SortKey], first: int) -> Iterator[ColumnElement[Any]]:
    """Keys before `first` are all equal in a segment and `first` has a value; the rest may miss theirs."""
    for index, key in enumerate(keys[first:]):
        yield key.order().nulls_last() if index and key.nullable else key.order()


def page_keys(query: Select[Any], keys: Sequence[SortKey], position: Position | None, limit: int) -> Subquery:
    """The sort keys of one page's records: columns `segment`, `key_0` ...; the last key is the id."""
    segments = _from_start(keys) if position is None else _behind(keys, position)
    columns = [key.column.label(f"key_{index}") for index, key in enumerate(keys)]
    parts = []
    for number, (first, conditions) in enumerate(segments):
        part = query.with_only_columns(literal(number).label("segment"), *columns)
        part = part.where(*conditions).order_by(*_ordered(keys, first)).limit(limit)
        parts.append(select(part.subquery()))
    return union_all(*parts).subquery("page")


def page_order(page: Subquery, keys: Sequence[SortKey]) -> list[ColumnElement[Any]]:
    columns = [page.c[f"key_{index}"] for index in range(len(keys))]
    ordered = [column.desc() if key.descending else column.asc() for key, column in zip(keys, columns, strict=True)]
    return [page.c["segment"], *(column.nulls_last() for column in ordered)]


def _seal(query: str, position: bytes) -> bytes:
    """A cursor carries a mark of its query and of itself: what was cut, changed or lent to another query shows."""
    return blake2b(query.encode() + b"\0" + position, digest_size=9).digest()


def write_cursor(query: str, position: Position) -> str:
    content = orjson.dumps(position)
    return base64.urlsafe_b64encode(_seal(query, content) + content).decode().rstrip("=")


def read_cursor(query: str, cursor: str, keys: Sequence[SortKey]) -> Position:
    """The position in a cursor; raises a `Problem` where it is broken or of another query."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = orjson.loads(sealed[9:])
    except (binascii.Error, ValueError):
        raise _bad("it is broken") from None
    if sealed[:9] != _seal(query, sealed[9:]) or len(position) != len(keys):
        raise _bad("it is broken, or of a query with other filters or another sort")
    return tuple(position)


def _bad(why: str) -> Problem:
    fault = {"parameter": "cursor", "detail": f"The cursor cannot be used: {why}.", "nearest": []}
    return Problem("bad-cursor", f"The cursor cannot be used: {why}.", errors=[fault])
