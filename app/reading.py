"""Reading: stored documents by id, by any name, and by the page. The number of statements is fixed.

A page: state, [names], [total, remembered per revision], documents, [included].
A record: document; one asked for by another name costs two more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, Connection, Integer, Select, String, bindparam, cast, func, select

from app.conditions import conditions
from app.documents import Document, Revision, State
from app.errors import Problem
from app.fields import RecordType
from app.filters import Tests
from app.lookups import Lookup
from app.migrating import head
from app.narrowing import narrowed
from app.paging import Position, SortKey, page_keys, page_order
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


def page(connection: Connection, resource: Resource, query: ListQuery, at: Now, totals: Totals) -> Page:
    """One page of a list with the exact total, of a query whose names are resolved."""
    shape = shape_of(resource, query)
    total = totals.get(at, query.asked)
    if total is None:
        total = connection.scalars(select(func.count()).select_from(shape.records().subquery())).one()
        totals.put(at, query.asked, total)
    shape = shape._replace(many=total > MANY)
    statement = partial(_page_statement, shape, query.sort, in_turn=reads_in_turn(connection))
    shown = _page_of(connection, resource, query, statement)
    return Page(select_parts(connection, resource, query, shown.documents), total, shown.next)


Known = tuple[bool, ...] | None
"""Which keys of a position have a value; nothing where a list begins."""


def reads_in_turn(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _rows(connection: Connection, statement: Select[Any], position: Position | None, limit: int) -> Sequence[Any]:
    values = {f"after_{index}": value for index, value in enumerate(position or ())}
    return connection.execute(statement, {**values, "limit": limit}).all()


def _known(position: Position | None) -> Known:
    return None if position is None else tuple(value is not None for value in position)


def _page_of(
    connection: Connection, resource: Resource, query: ListQuery, statement: Callable[[Known], Select[Any]]
) -> Page:
    """Whole documents of one page of some records; the total is not counted here."""
    if not query.limit:
        return Page([], 0, None)
    rows = _rows(connection, statement(_known(query.position)), query.position, query.limit + 1)
    following = query.next_url(resource, tuple(rows[query.limit - 1][1:])) if len(rows) > query.limit else None
    return Page([row[0] for row in rows[: query.limit]], 0, following)


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
        statement = _documents(resource, records, query.sort, _known(position), in_turn=reads_in_turn(connection))
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
    statement = partial(_documents, resource, records, query.sort, in_turn=reads_in_turn(connection))
    return _page_of(connection, resource, query, statement)


@lru_cache(maxsize=256)
def _page_statement(shape: Shape, sort: tuple[SortKey, ...], known: Known, *, in_turn: bool) -> Select[Any]:
    """Building a statement costs more than running it, so each shape's is kept."""
    narrow = None if shape.ids else narrowed(shape.resource, dict(shape.tests), sort)
    records, keys = narrow or (shape.records(), sort)
    return _documents(shape.resource, records, keys, known, in_turn=in_turn)


def _documents(
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
        query = select(*of, Document.body).where(among(*of, some), Document.until_revision.is_(None))
        found |= {(type, id): orjson.loads(body) for type, id, body in connection.execute(query)}
    return found
