"""Statements that find a page's documents, each built once for all lists that differ in nothing but values."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ARRAY,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    cast,
    func,
    select,
    type_coerce,
)

from app.conditions import conditions
from app.documents import Document, valid_at
from app.fields import RecordType
from app.filters import Tests
from app.page_budget import Row, by_place, streamed
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
    return with_bodies(resource, page_keys(records, sort, position, limit, in_turn=in_turn), sort, in_turn=in_turn)


def with_bodies(resource: Resource, keys: Subquery, sort: Sequence[SortKey], *, in_turn: bool) -> Select[Any]:
    """The body of each record's current document and the record's sort keys, in the page's order.

    Where the database reads in turn, it is given no order here: SQLite would carry all bodies through its sorter before
    it gave the first, which takes longer than all the rest. The keys come in their order, and SQLite evaluates an outer
    join in the order in which it is written (https://www.sqlite.org/optoverview.html, Joins).
    """
    columns = [keys.c[f"key_{index}"] for index in range(len(sort))]
    current = and_(Document.type == resource.type, Document.id == columns[-1], Document.until_revision.is_(None))
    shown = select(Document.body, *columns).join_from(keys, Document, current, isouter=True)
    return shown if in_turn else shown.order_by(*page_order(keys, sort))


def keyed_documents(
    connection: Connection, keys: Sequence[tuple[RecordType, str]], revision: int | None = None
) -> Iterator[Row]:
    """Rows of a body and its key's place from 1 on, in the keys' order; a key without a document is left out.

    `revision`: the documents as of then in place of the current ones.
    """
    if not keys:
        return iter(())
    wanted = _in_json(keys) if reads_in_turn(connection) else _in_arrays(keys)
    document = and_(Document.type == wanted.c.type, Document.id == wanted.c.id, valid_at(revision))
    found = select(Document.body, wanted.c.place).join_from(wanted, Document, document, isouter=True)
    ordered = found if reads_in_turn(connection) else found.order_by(wanted.c.place)
    return by_place(streamed(connection, ordered))


def _in_json(keys: Sequence[tuple[RecordType, str]]) -> Any:
    pairs = func.json_each(orjson.dumps(keys).decode()).table_valued("key", "value")
    part = func.json_extract
    place = (type_coerce(pairs.c.key, Integer()) + 1).label("place")
    columns = (part(pairs.c.value, "$[0]").label("type"), part(pairs.c.value, "$[1]").label("id"))
    return select(*columns, place).subquery("wanted")


def _in_arrays(keys: Sequence[tuple[RecordType, str]]) -> Any:
    types, ids = (cast([key[index] for key in keys], ARRAY(String)) for index in (0, 1))
    return func.unnest(types, ids).table_valued("type", "id", with_ordinality="place").render_derived(name="wanted")
