"""Reading: stored documents by id, by any name, and by the page. The number of statements is fixed.

A page: state, [names], [total, remembered per revision], documents, [included].
A record: document; one asked for by another name costs two more.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, Connection, String, bindparam, cast, func, select, tuple_

from app.conditions import conditions
from app.documents import Document, Revision, State
from app.errors import Problem
from app.fields import RecordType
from app.migrating import head
from app.paging import page_keys, page_order
from app.query import ListQuery, RecordQuery
from app.resources import Resource
from app.rows import batches
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


def now(connection: Connection) -> Now:
    row = connection.execute(_STATE).one_or_none()
    if row is None or row[3] != head():
        raise other_version()
    return Now(row[0], row[1], row[2])


def by_id(connection: Connection, type: RecordType, id: str) -> Stored | None:
    row = connection.execute(_RECORD, {"type": type, "id": id}).one_or_none()
    if row is not None and row.version != head():
        raise other_version()
    return Stored(*row[:4]) if row else None


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
    wanted = [*conditions(resource, query.tests)]
    if query.ids:
        wanted.append(resource.sorts["id"].in_(query.ids))
    records = select(resource.sorts["id"]).where(*wanted)
    total = totals.get(at, query.asked)
    if total is None:
        total = connection.scalars(select(func.count()).select_from(records.subquery())).one()
        totals.put(at, query.asked, total)
    shown = _page_of(connection, resource, query, records)
    return Page(select_parts(connection, resource, query, shown.documents), total, shown.next)


def _page_of(connection: Connection, resource: Resource, query: ListQuery, records: Any) -> Page:
    """Whole documents of one page of some records; the total is not counted here."""
    if not query.limit:
        return Page([], 0, None)
    keys = page_keys(records, query.sort, query.position, query.limit + 1)
    rows = connection.execute(_documents(resource, query, keys)).all()
    following = query.next_url(resource, tuple(rows[query.limit - 1][1:])) if len(rows) > query.limit else None
    return Page([row[0] for row in rows[: query.limit]], 0, following)


EXPORTED = 500
"""Records read at a time where all of them are wanted."""


def every_page(connection: Connection, resource: Resource, query: ListQuery) -> Iterator[Sequence[bytes]]:
    """All whole documents of a resolved query, some at a time, in its order."""
    wanted = [*conditions(resource, query.tests)]
    if query.ids:
        wanted.append(resource.sorts["id"].in_(query.ids))
    yield from pages_of(connection, resource, query, select(resource.sorts["id"]).where(*wanted))


def pages_of(connection: Connection, resource: Resource, query: ListQuery, records: Any) -> Iterator[Sequence[bytes]]:
    position = query.position
    while True:
        keys = page_keys(records, query.sort, position, EXPORTED)
        rows = connection.execute(_documents(resource, replace(query, limit=EXPORTED - 1), keys)).all()
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
    return _page_of(connection, resource, query, those_with(connection, resource, ids))


def _documents(resource: Resource, query: ListQuery, keys: Any) -> Any:
    last = len(query.sort) - 1
    columns = [keys.c[f"key_{index}"] for index in range(len(query.sort))]
    return (
        select(Document.body, *columns)
        .join_from(keys, Document, Document.id == keys.c[f"key_{last}"])
        .where(Document.type == resource.type, Document.until_revision.is_(None))
        .order_by(*page_order(keys, query.sort))
        .limit(query.limit + 1)
    )


def select_parts(
    connection: Connection, resource: Resource, query: RecordQuery, bodies: Sequence[bytes]
) -> Sequence[bytes]:
    """The documents with what `include=` adds and only what `fields=` names."""
    if query.is_plain:
        return bodies
    documents = [orjson.loads(body) for body in bodies]
    if query.include:
        keys = included(resource, documents, query.include)
        embed(resource, documents, query.include, _whole(connection, keys))
    return [orjson.dumps(project(document, query.fields)) for document in documents]


def _whole(connection: Connection, keys: Iterable[tuple[RecordType, str]]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    of = (Document.type, Document.id)
    for some in batches(keys, 5000):
        query = select(*of, Document.body).where(tuple_(*of).in_(some), Document.until_revision.is_(None))
        found |= {(type, id): orjson.loads(body) for type, id, body in connection.execute(query)}
    return found
