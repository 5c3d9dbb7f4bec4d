"""Statements that find a page's documents, each built once for all lists that differ in nothing but values."""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Select, bindparam, select

from app.conditions import conditions
from app.documents import Document
from app.filters import Tests
from app.paging import Position, SortKey, page_keys, page_order
from app.query import ListQuery
from app.resources import Resource


class Shape(NamedTuple):
    """What pages of one list have in common: their statements differ in nothing but values."""

    resource: Resource
    tests: tuple[tuple[str, Tests], ...]
    ids: tuple[str, ...]
    many: bool = False

    def records(self) -> Select[Any]:
        wanted = [*conditions(self.resource, dict(self.tests), many=self.many)]
        if self.ids:
            wanted.append(self.resource.sorts["id"].in_(self.ids))
        return select(self.resource.sorts["id"]).where(*wanted)


MANY = 1_000
"""Records found above which they are gone through in order; about the root of a page's length times all there are."""


def shape_of(resource: Resource, query: ListQuery) -> Shape:
    return Shape(resource, tuple(query.tests.items()), query.ids)


Known = tuple[bool, ...] | None
"""Which keys of a position have a value; nothing where a list begins."""


def reads_in_turn(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def known_in(position: Position | None) -> Known:
    return None if position is None else tuple(value is not None for value in position)


@lru_cache(maxsize=256)
def page_statement(shape: Shape, sort: tuple[SortKey, ...], known: Known, *, in_turn: bool) -> Select[Any]:
    """Building a statement costs more than running it, so each shape's is kept."""
    return documents_of(shape.resource, shape.records(), sort, known, in_turn=in_turn)


def documents_of(
    resource: Resource, records: Select[Any], sort: tuple[SortKey, ...], known: Known, *, in_turn: bool
) -> Select[Any]:
    """The documents of one page; parameters `limit` and, for each key of a position that has a value, `after_...`."""
    position: Any = known and tuple(
        bindparam(f"after_{index}", type_=key.column.type) if there else None
        for index, (key, there) in enumerate(zip(sort, known, strict=True))
    )
    limit: Any = bindparam("limit", type_=Integer())
    keys = page_keys(records, sort, position, limit, in_turn=in_turn)
    columns = [keys.c[f"key_{index}"] for index in range(len(sort))]
    return (
        select(Document.body, *columns)
        .join_from(keys, Document, Document.id == columns[-1])
        .where(Document.type == resource.type, Document.until_revision.is_(None))
        .order_by(*page_order(keys, sort))  # a limit here would carry bodies through the database's sorter
    )
