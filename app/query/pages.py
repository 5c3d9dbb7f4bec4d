"""Stored documents read by id and by page, with a fixed number of SQL statements for each request.

A page takes these statements, those in brackets only where they are needed:

    database state, [name resolution], [total, cached per revision], documents, [sizes and bodies of embedded records]

A record takes one statement if it is requested by its id, and two more if it is requested by another name.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, Connection, Select, String, bindparam, cast, func, select

from app.common.problems import Problem
from app.database.lookup import Ask, Lookup, rows_by
from app.database.migrations import head
from app.database.schema_version import VERSION
from app.database.streaming import FEW, streamed
from app.query.keyset import Position
from app.query.link_lookup import Link, link_lookup, link_of
from app.query.page_budget import PageRows, Row, cut, rows_with_body
from app.query.page_items import select_items, whole_records
from app.query.projection import embed, included_keys, project
from app.query.record_queries import ListQuery, RecordQuery
from app.query.statements import MANY, documents_statement, page_statement, present_keys, reads_sequentially, shape_of
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.store.documents import Document, Revision, State


class DatabaseState(NamedTuple):
    """The state of the database. As long as it is equal, every request has an equal answer."""

    revision: int
    changed_at: datetime
    """When the newest revision was committed."""
    epoch: str
    """A random value that tells this database from another one with an equal revision."""


class StoredDocument(NamedTuple):
    """A record's current document as it is stored."""

    id: str
    etag: str
    """The hash of `body`, without the quotes of an HTTP entity tag."""
    modified: datetime
    """When the revision that made this version was committed."""
    body: bytes


_STATE = select(State.revision, State.changed_at, State.epoch, select(VERSION.c.version_num).scalar_subquery())
_RECORD = select(
    Document.id,
    Document.etag,
    Revision.committed_at,
    Document.body,
    select(VERSION.c.version_num).scalar_subquery().label("version"),
).where(
    Document.type == bindparam("type"),
    Document.id == bindparam("id"),
    Document.until_revision.is_(None),
    Revision.revision == Document.revision,
)


def other_version() -> Problem:
    """The 503 for a database whose schema version is not the one that this code expects."""
    detail = "The database is at another schema version; run `evidence migrate`."
    return Problem("database-not-ready", detail, headers={"retry-after": "5"})


def _checked_state(revision: int, changed_at: datetime, epoch: str, version: str) -> DatabaseState:
    if version != head():
        raise other_version()
    return DatabaseState(revision, changed_at, epoch)


def _checked_record(id: str, etag: str, modified: datetime, body: bytes, version: str) -> StoredDocument:
    if version != head():
        raise other_version()
    return StoredDocument(id, etag, modified, body)


NOW, RECORD = Lookup(_STATE, _checked_state), Lookup(_RECORD, _checked_record, "type", "id")


def certain(found: DatabaseState | None) -> DatabaseState:
    """Return a state that was looked up; raises a `Problem` where the database has none, as before its migrations."""
    if found is None:
        raise other_version()
    return found


def now(connection: Connection) -> DatabaseState:
    """The current state of the database; raises a `Problem` where its schema has another version."""
    return certain(NOW.by(connection))


def by_id(connection: Connection, type: RecordType, id: str) -> StoredDocument | None:
    """The current document of a record, or None; raises a `Problem` where the schema has another version."""
    return RECORD.by(connection, type, id)


class Totals:
    """A cache of the totals of lists, so that paging counts once. It is bounded and drops the oldest entry first."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.known: OrderedDict[tuple[DatabaseState, str], int] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, at: DatabaseState, asked: str) -> int | None:
        """The cached total of the list with this `ListQuery.asked` at a database state, or None."""
        return self.known.get((at, asked))

    def put(self, at: DatabaseState, asked: str, total: int) -> None:
        """Cache the total of a list at a database state."""
        with self.lock:
            self.known[at, asked] = total
            while len(self.known) > self.entries:
                self.known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    documents: Sequence[bytes]
    """The items as JSON."""
    total: int
    """The number of items in the whole list."""
    next: str | None
    """The URL of the next page; None on the last one."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the answer, such as `facets` and `search`."""

    def body(self) -> bytes:
        """The answer as JSON."""
        items = b",".join(self.documents)
        more = b"".join(b",%b:%b" % (orjson.dumps(name), orjson.dumps(value)) for name, value in self.more.items())
        return b'{"items":[%b],"total":%d,"next":%b%b}' % (items, self.total, orjson.dumps(self.next), more)


def page(
    connection: Connection, resource: Resource, query: ListQuery, at: DatabaseState, totals: Totals, most_bytes: int
) -> Page:
    """One page of a list of current records with its exact total; the names in `query` must be resolved.

    `at` is the state that `connection` reads. The page ends early where its items would exceed `most_bytes`.
    """
    shape = shape_of(resource, query)
    total = totals.get(at, query.asked)
    if total is None:
        total = connection.scalars(select(func.count()).select_from(shape.records().subquery())).one()
        totals.put(at, query.asked, total)
    if not query.limit:
        return Page([], total, None)
    link, sequential = link_of(resource, query), reads_sequentially(connection)
    if link:
        rows = _link_rows(partial(rows_by, connection, by_cursor=query.limit > FEW), query, link, sequential=sequential)
    else:
        known, many = present_keys(query.position), total > MANY
        statement = page_statement(shape._replace(many=many), query.sort, known, sequential=sequential)
        rows = _page_rows(connection, statement, query.position, query.limit + 1, by_cursor=query.limit > FEW)
    return page_of(resource, query, select_items(connection, resource, query, rows, most_bytes), total)


def page_of(resource: Resource, query: ListQuery, found: PageRows, total: int) -> Page:
    """Make a page that is sorted by keys; each row holds an item and its sort keys, from which `next` is written."""
    last = tuple(found.rows[-1][1 : 1 + len(query.sort)]) if found.is_more else None
    following = query.next_url(resource, last) if last else None
    return Page([row[0] for row in found.rows], total, following)


def _page_rows(
    connection: Connection, statement: Select[Any], position: Position | None, limit: int, *, by_cursor: bool = False
) -> Iterator[Row]:
    values = {f"after_{index}": value for index, value in enumerate(position or ())}
    return rows_with_body(streamed(connection, statement, {**values, "limit": limit}, by_cursor=by_cursor))


def _link_rows(ask: Ask, query: ListQuery, link: Link, *, sequential: bool) -> Iterator[Row]:
    lookup = link_lookup(link.shape, query.sort, present_keys(query.position), sequential=sequential)
    after = [value for value in query.position or () if value is not None]
    return rows_with_body(ask(lookup, *link.values, *after, query.limit + 1))


def link_page(ask: Ask, resource: Resource, query: ListQuery, link: Link, total: int, most_bytes: int) -> Page:
    """One page of a list that follows one link (see `link_lookup`), with whole documents; only for SQLite.

    `query` must be plain and its name resolved. `ask` runs the lookup, by a connection or by the driver itself.
    """
    if not query.limit:
        return Page([], total, None)
    return page_of(resource, query, cut(_link_rows(ask, query, link, sequential=True), query.limit, most_bytes), total)


EXPORTED = 500
"""The number of records that one statement reads where a whole list is wanted."""


def every_page(connection: Connection, resource: Resource, query: ListQuery) -> Iterator[Sequence[bytes]]:
    """All documents of a list in batches, in its order; the names in `query` must be resolved."""
    yield from pages_of(connection, resource, query, shape_of(resource, query).records())


def pages_of(
    connection: Connection, resource: Resource, query: ListQuery, records: Select[Any]
) -> Iterator[Sequence[bytes]]:
    """The documents of all records that `records` selects in batches, in the query's order, after its position."""
    position = query.position
    while True:
        statement = documents_statement(
            resource, records, query.sort, present_keys(position), sequential=reads_sequentially(connection)
        )
        rows = [*_page_rows(connection, statement, position, EXPORTED)]
        yield [row[0] for row in rows]
        if len(rows) < EXPORTED:
            return
        position = tuple(rows[-1][1 : 1 + len(query.sort)])


def select_ids(connection: Connection, resource: Resource, ids: Sequence[str]) -> Any:
    """A SELECT of the records with some ids. The ids are one parameter, so that there may be any number of them."""
    some = func.json_each(orjson.dumps(ids).decode()).table_valued("value")
    if connection.dialect.name == "postgresql":
        some = func.unnest(cast(list(ids), ARRAY(String))).table_valued("value").render_derived()
    return select(resource.sorts["id"]).where(resource.sorts["id"].in_(select(some.c.value)))


def rows_with_ids(connection: Connection, resource: Resource, query: ListQuery, ids: Sequence[str]) -> Iterator[Row]:
    """Rows of a document and its sort keys for the records with some ids, in the query's order.

    At most one row more than the query's limit is read, because it tells whether there is a next page.
    """
    records, sequential = select_ids(connection, resource, ids), reads_sequentially(connection)
    statement = documents_statement(resource, records, query.sort, present_keys(query.position), sequential=sequential)
    return _page_rows(connection, statement, query.position, query.limit + 1, by_cursor=query.limit > FEW)


def select_parts(
    connection: Connection, resource: Resource, query: RecordQuery, bodies: Sequence[bytes]
) -> Sequence[bytes]:
    """Apply `include=` and `fields=` to documents: embed the included records, then keep only the named fields."""
    if query.is_plain:
        return bodies
    documents = [orjson.loads(body) for body in bodies]
    if query.include:
        keys = included_keys(resource, documents, query.include)
        embed(resource, documents, query.include, whole_records(connection, keys, query.revision))
    return [orjson.dumps(project(document, query.fields)) for document in documents]
