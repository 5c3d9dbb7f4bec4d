"""The SQL statements that read a page's documents. Lists that differ only in values share one cached statement."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
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

from app.database.streaming import FEW, streamed
from app.query.keyset import Position, SortKey, page_keys, page_order
from app.query.page_budget import Row, by_place
from app.query.record_queries import ListQuery
from app.query.sql_filters import conditions
from app.records.filters import Tests
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.store.documents import Document, valid_at


class Shape(NamedTuple):
    """The part of a list's query that is the same on all of its pages; it is the key of the statement cache."""

    resource: Resource
    tests: tuple[tuple[str, Tests], ...]
    ids: tuple[str, ...]
    many: bool = False
    """Whether the list has more than `MANY` records."""

    def records(self) -> Select[Any]:
        """A SELECT of the ids of all records that pass the filters."""
        wanted = [*conditions(self.resource, dict(self.tests), many=self.many)]
        if self.ids:
            wanted.append(self.resource.sorts["id"].in_(self.ids))
        return select(self.resource.sorts["id"]).where(*wanted)


MANY = 1_000
"""A list with more records than this is read in sort order while each record's filters are tested (see `sql_filters`).

Below it, the matching records are looked up first and then sorted. Both cost the same at about the square root of a
page's length times the number of stored records.
"""


def shape_of(resource: Resource, query: ListQuery) -> Shape:
    """The shape of a list's query."""
    return Shape(resource, tuple(query.tests.items()), query.ids)


PresentKeys = tuple[bool, ...] | None
"""For each sort key of a position, whether it has a value (a key may be NULL); None where a list begins."""


def reads_sequentially(connection: Connection) -> bool:
    """Whether the database reads the parts of a UNION ALL one after the other, and joins in written order: SQLite."""
    return connection.dialect.name == "sqlite"


def present_keys(position: Position | None) -> PresentKeys:
    """Which keys of a position have a value; None for no position."""
    return None if position is None else tuple(value is not None for value in position)


@lru_cache(maxsize=256)
def page_statement(shape: Shape, sort: tuple[SortKey, ...], present: PresentKeys, *, sequential: bool) -> Select[Any]:
    """The cached statement of a page; building a statement costs more than running it."""
    return documents_statement(shape.resource, shape.records(), sort, present, sequential=sequential)


def documents_statement(
    resource: Resource, records: Select[Any], sort: tuple[SortKey, ...], present: PresentKeys, *, sequential: bool
) -> Select[Any]:
    """A statement that reads the documents of one page, as rows of a body and the sort keys.

    Its parameters are `limit` and, for each key of the position that has a value, `after_INDEX`.
    """
    position: Any = present and tuple(
        bindparam(f"after_{index}", type_=key.column.type) if there else None
        for index, (key, there) in enumerate(zip(sort, present, strict=True))
    )
    limit: Any = bindparam("limit", type_=Integer())
    return bodies_statement(
        resource, page_keys(records, sort, position, limit, sequential=sequential), sort, sequential=sequential
    )


def bodies_statement(resource: Resource, keys: Subquery, sort: Sequence[SortKey], *, sequential: bool) -> Select[Any]:
    """A statement that joins a page's keys with the current documents, in the page's order.

    On SQLite (`sequential`) the statement has no ORDER BY: SQLite would carry all bodies through its sorter before it
    gave the first row, which takes longer than everything else. The keys already come in order, and SQLite evaluates an
    outer join in the order in which it is written (https://www.sqlite.org/optoverview.html, Joins).
    """
    columns = [keys.c[f"key_{index}"] for index in range(len(sort))]
    current = and_(Document.type == resource.type, Document.id == columns[-1], Document.until_revision.is_(None))
    shown = select(Document.body, *columns).join_from(keys, Document, current, isouter=True)
    return shown if sequential else shown.order_by(*page_order(keys, sort))


def keyed_documents(
    connection: Connection, keys: Sequence[tuple[RecordType, str]], revision: int | None = None
) -> Iterator[Row]:
    """Read the documents of some keys, in the keys' order, as rows of a body and the key's place counted from 1.

    A key without a document is left out. With `revision`, the documents are those that were valid at that revision
    instead of the current ones.
    """
    if not keys:
        return iter(())
    sequential = reads_sequentially(connection)
    statement = _keyed_statement(sequential=sequential, is_past=revision is not None)
    values = (
        {"keys": orjson.dumps(keys).decode()} if sequential else {name: [*some] for name, some in _key_columns(keys)}
    )
    return by_place(streamed(connection, statement, {**values, "revision": revision}, by_cursor=len(keys) > FEW))


def _key_columns(keys: Sequence[tuple[RecordType, str]]) -> Iterator[tuple[str, Iterable[str]]]:
    return zip(("types", "ids"), zip(*keys, strict=True), strict=True)


@cache
def _keyed_statement(*, sequential: bool, is_past: bool) -> Select[Any]:
    """The parameters are `keys` as JSON on SQLite, or the arrays `types` and `ids`, and `revision` if `is_past`."""
    wanted = _keys_in_json() if sequential else _keys_in_arrays()
    revision: Any = bindparam("revision", type_=Integer()) if is_past else None
    document = and_(Document.type == wanted.c.type, Document.id == wanted.c.id, valid_at(revision))
    found = select(Document.body, wanted.c.place).join_from(wanted, Document, document, isouter=True)
    return found if sequential else found.order_by(wanted.c.place)


def _keys_in_json() -> Any:
    pairs = func.json_each(bindparam("keys", type_=String())).table_valued("key", "value")
    part = func.json_extract
    place = (type_coerce(pairs.c.key, Integer()) + 1).label("place")
    columns = (part(pairs.c.value, "$[0]").label("type"), part(pairs.c.value, "$[1]").label("id"))
    return select(*columns, place).subquery("wanted")


def _keys_in_arrays() -> Any:
    types, ids = (cast(bindparam(name, type_=ARRAY(String)), ARRAY(String)) for name in ("types", "ids"))
    pairs = func.unnest(types, ids).table_valued("type", "id", with_ordinality="place")
    return pairs.render_derived(name="wanted")
