"""Reading: stored documents by id, by any name, and by the page. The number of statements is fixed.

A page: state, [names], [total, remembered per revision], documents, [included].
A record: document; one asked for by another name costs two more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, Connection, Select, String, bindparam, cast, func, select

from app.documents import Document, Revision, State, valid_at
from app.errors import Problem
from app.fields import RecordType
from app.links import Link, link_lookup, link_of
from app.lookups import Ask, Lookup, rows_by
from app.migrating import head
from app.page_statements import MANY, Known, documents_of, known_in, page_statement, reads_in_turn, shape_of
from app.paging import Position
from app.query import ListQuery, RecordQuery
from app.resources import Resource
from app.rows import among, batches
from app.schema_version import VERSION
from app.selection import embed, included, project


class Now(NamedTuple):
    """What the database is at; equal values mean equal answers."""

    revision: int
    changed_at: datetime
    epoch: str


class Stored(NamedTuple):
    id: str
    etag: str
    modified: datetime
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
    detail = "The database is at another schema version; run `evidence migrate`."
    return Problem("database-not-ready", detail, headers={"retry-after": "5"})


def _now(revision: int, changed_at: datetime, epoch: str, version: str) -> Now:
    if version != head():
        raise other_version()
    return Now(revision, changed_at, epoch)


def _stored(id: str, etag: str, modified: datetime, body: bytes, version: str) -> Stored:
    if version != head():
        raise other_version()
    return Stored(id, etag, modified, body)


NOW, RECORD = Lookup(_STATE, _now), Lookup(_RECORD, _stored, "type", "id")


def certain(found: Now | None) -> Now:
    if found is None:
        raise other_version()
    return found


def now(connection: Connection) -> Now:
    return certain(NOW.by(connection))


def by_id(connection: Connection, type: RecordType, id: str) -> Stored | None:
    return RECORD.by(connection, type, id)


class Totals:
    """Totals already counted at a revision, so that paging counts once; bounded, oldest out first."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.known: OrderedDict[tuple[Now, str], int] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, at: Now, asked: str) -> int | None:
        return self.known.get((at, asked))

    def put(self, at: Now, asked: str, total: int) -> None:
        with self.lock:
            self.known[at, asked] = total
            while len(self.known) > self.entries:
                self.known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Page:
    documents: Sequence[bytes]
    total: int
    next: str | None
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else is told of the list, such as facets."""

    def body(self) -> bytes:
        items = b",".join(self.documents)
        more = b"".join(b",%b:%b" % (orjson.dumps(name), orjson.dumps(value)) for name, value in self.more.items())
        return b'{"items":[%b],"total":%d,"next":%b%b}' % (items, self.total, orjson.dumps(self.next), more)


def page(connection: Connection, resource: Resource, query: ListQuery, at: Now, totals: Totals) -> Page:
    """One page of a list with the exact total, of a query whose names are resolved."""
    shape = shape_of(resource, query)
    total = totals.get(at, query.asked)
    if total is None:
        total = connection.scalars(select(func.count()).select_from(shape.records().subquery())).one()
        totals.put(at, query.asked, total)
    link, in_turn = link_of(resource, query), reads_in_turn(connection)
    if link:
        shown = linked_page(partial(rows_by, connection), resource, query, link, in_turn=in_turn)
    else:
        statement = partial(page_statement, shape._replace(many=total > MANY), query.sort, in_turn=in_turn)
        shown = _page_of(resource, query, _reads(connection, query, statement))
    return Page(select_parts(connection, resource, query, shown.documents), total, shown.next)


def _rows(connection: Connection, statement: Select[Any], position: Position | None, limit: int) -> Sequence[Any]:
    values = {f"after_{index}": value for index, value in enumerate(position or ())}
    return connection.execute(statement, {**values, "limit": limit}).all()


def _page_of(resource: Resource, query: ListQuery, read: Callable[[int], Sequence[Any]]) -> Page:
    """Whole documents of one page of some records; the total is not counted here."""
    if not query.limit:
        return Page([], 0, None)
    rows = read(query.limit + 1)
    following = query.next_url(resource, tuple(rows[query.limit - 1][1:])) if len(rows) > query.limit else None
    return Page([row[0] for row in rows[: query.limit]], 0, following)


def _reads(
    connection: Connection, query: ListQuery, statement: Callable[[Known], Select[Any]]
) -> Callable[[int], Sequence[Any]]:
    return lambda limit: _rows(connection, statement(known_in(query.position)), query.position, limit)


def linked_page(ask: Ask, resource: Resource, query: ListQuery, link: Link, *, in_turn: bool) -> Page:
    """A page of what one link leads to, of a resolved query."""
    lookup = link_lookup(link.shape, query.sort, known_in(query.position), in_turn=in_turn)
    after = [value for value in query.position or () if value is not None]
    return _page_of(resource, query, lambda limit: ask(lookup, *link.values, *after, limit))


EXPORTED = 500
"""Records read at a time where all of them are wanted."""


def every_page(connection: Connection, resource: Resource, query: ListQuery) -> Iterator[Sequence[bytes]]:
    """All whole documents of a resolved query, some at a time, in its order."""
    yield from pages_of(connection, resource, query, shape_of(resource, query).records())


def pages_of(
    connection: Connection, resource: Resource, query: ListQuery, records: Select[Any]
) -> Iterator[Sequence[bytes]]:
    position = query.position
    while True:
        statement = documents_of(resource, records, query.sort, known_in(position), in_turn=reads_in_turn(connection))
        rows = _rows(connection, statement, position, EXPORTED)
        yield [row[0] for row in rows]
        if len(rows) < EXPORTED:
            return
        position = tuple(rows[-1][1:])


def those_with(connection: Connection, resource: Resource, ids: Sequence[str]) -> Any:
    """A selection of the records with some ids, however many."""
    some = func.json_each(orjson.dumps(ids).decode()).table_valued("value")
    if connection.dialect.name == "postgresql":
        some = func.unnest(cast(list(ids), ARRAY(String))).table_valued("value").render_derived()
    return select(resource.sorts["id"]).where(resource.sorts["id"].in_(select(some.c.value)))


def sorted_page(connection: Connection, resource: Resource, query: ListQuery, ids: Sequence[str]) -> Page:
    """One page of the records with some ids, however many, in the query's order."""
    records = those_with(connection, resource, ids)
    statement = partial(documents_of, resource, records, query.sort, in_turn=reads_in_turn(connection))
    return _page_of(resource, query, _reads(connection, query, statement))


def select_parts(
    connection: Connection, resource: Resource, query: RecordQuery, bodies: Sequence[bytes]
) -> Sequence[bytes]:
    """The documents with what `include=` adds and only what `fields=` names."""
    if query.is_plain:
        return bodies
    documents = [orjson.loads(body) for body in bodies]
    if query.include:
        keys = included(resource, documents, query.include)
        embed(resource, documents, query.include, _whole(connection, keys, query.revision))
    return [orjson.dumps(project(document, query.fields)) for document in documents]


def _whole(
    connection: Connection, keys: Iterable[tuple[RecordType, str]], revision: int | None
) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    of = (Document.type, Document.id)
    for some in batches(keys, 5000):
        query = select(*of, Document.body).where(among(*of, some), valid_at(revision))
        found |= {(type, id): orjson.loads(body) for type, id, body in connection.execute(query)}
    return found
