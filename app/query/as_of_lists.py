"""Temporal queries: lists as of an earlier revision.

    records unchanged since then  --SQL filters-------->  rows in sort order  \\
                                                                               merged by sort key  ->  page
    records changed since then    --document filters-->   sorted positions    /

The documents that changed records had at the revision are read from the history and tested here (`document_filters`).
Their sort positions are cached (`sort_position_cache`), so that only the first page of a list reads all of them.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cmp_to_key
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Select, exists, func, select

from app.database.streaming import FEW, streamed
from app.query import name_resolution, pages
from app.query.as_of import newest_at
from app.query.document_filters import holds, sort_path
from app.query.keyset import Position, SortKey, page_keys
from app.query.page_budget import rows_with_body
from app.query.page_items import select_items
from app.query.pages import DatabaseState, Page, Totals
from app.query.record_queries import ListQuery
from app.query.sort_position_cache import SortPositionCache
from app.query.statements import MANY, bodies_statement, keyed_documents, reads_sequentially, shape_of
from app.records.document_paths import at as values_at
from app.records.resource import Resource
from app.store.documents import Document
from app.store.rows import batches


class Past(NamedTuple):
    """A list as of a moment."""

    query: ListQuery
    """The query with its names resolved and its revision set."""
    state: DatabaseState
    """The database state that the answer depends on; it is part of the entity tag."""
    permanent: bool
    """Whether no later change can alter the answer. A query with names is not: a name may get another meaning later."""


def past_of(connection: Connection, resource: Resource, query: ListQuery, at: DatabaseState) -> Past:
    """Look up the revision and the names of a query with `as_of`; `at` is the current state of the database."""
    assert query.as_of is not None
    then = newest_at(connection, query.as_of)
    found = name_resolution.resolve(connection, resource, replace(query, revision=then.revision))
    if found.tests != query.tests or found.ids != query.ids:
        return Past(found, at, permanent=False)
    return Past(found, DatabaseState(then.revision, then.since, at.epoch), permanent=query.as_of < at.changed_at)


class Entry(NamedTuple):
    """A document of a list with its sort keys."""

    position: Position
    body: bytes


def order(sort: Sequence[SortKey]) -> Callable[[Position], Any]:
    """A key function that sorts positions as the database does; a missing value comes last."""
    directions = [-1 if key.descending else 1 for key in sort]

    def compare(one: Position, other: Position) -> int:
        for mine, its, direction in zip(one, other, directions, strict=True):
            if mine != its:
                return _compare_values(mine, its, direction)
        return 0

    return cmp_to_key(compare)


def _compare_values(mine: Any, its: Any, direction: int) -> int:
    if mine is None or its is None:
        return 1 if mine is None else -1
    return direction if mine > its else -direction


@dataclass(frozen=True, slots=True)
class PastList:
    """A list of the past while it is read; `query` has its names resolved and its revision set."""

    connection: Connection
    resource: Resource
    query: ListQuery
    by_cursor: bool = False
    """Whether PostgreSQL reads rows by a server-side cursor, which pays for many rows (see `streaming.streamed`)."""

    def unchanged(self, *, many: bool = False) -> Select[Any]:
        """A SELECT of the records that pass the filters now and have not changed since the revision."""
        later = (Document.type == self.resource.type, Document.revision > self.query.revision)
        since = exists().where(*later, Document.id == self.resource.sorts["id"])
        shape = shape_of(self.resource, self.query)._replace(many=many)
        return shape.records().where(~since)

    def count_unchanged(self) -> int:
        """The number of records that `unchanged` selects."""
        return self.connection.scalars(select(func.count()).select_from(self.unchanged().subquery())).one()

    def _ended_bodies(self) -> Select[Any]:
        """A SELECT of the documents that were valid at the revision and are not any more.

        The records that changed since are found at the end of the index by revision.
        """
        since = select(Document.id).where(Document.revision > self.query.revision)
        ended = (Document.revision <= self.query.revision, Document.until_revision > self.query.revision)
        chosen = (Document.id.in_(self.query.ids),) if self.query.ids else ()
        mine = (Document.type == self.resource.type, Document.id.in_(since), *chosen)
        return select(Document.body).where(*mine, *ended)

    def changed(self) -> list[Position]:
        """The sorted positions of the records that have changed since the revision and passed the filters then."""
        rows = self.connection.scalars(self._ended_bodies().execution_options(yield_per=pages.EXPORTED))
        documents = (orjson.loads(body) for body in rows)
        found = [self.position(doc) for doc in documents if holds(self.resource, self.query.tests, doc)]
        return in_order(found, self.query.sort)

    def position(self, document: Any) -> Position:
        """The values of the sort keys in a parsed document; None where a value is missing."""
        paths = (sort_path(self.resource.type, key.name) for key in self.query.sort)
        return tuple(next(iter(values_at(document, path)), None) for path in paths)

    def entries(self, changed: Sequence[Position], *, many: bool, size: int) -> Iterator[Entry]:
        """All entries after the query's position, in sort order.

        `changed` are the positions from `changed()`. Documents are read in batches of `size`. `many`: see `MANY`.
        """
        key = order(self.query.sort)
        first = bisect_right(changed, key(self.query.position), key=key) if self.query.position else 0
        rest = islice(changed, first, None)
        return merge(
            self._unchanged_entries(many=many, size=size),
            self._changed_entries(rest, size),
            key=lambda e: key(e.position),
        )

    def _changed_entries(self, positions: Iterator[Position], size: int) -> Iterator[Entry]:
        for some in batches(positions, size):
            keys = [(self.resource.type, str(position[-1])) for position in some]
            rows = keyed_documents(self.connection, keys, self.query.revision)
            yield from (Entry(position, body) for position, (body, _) in zip(some, rows, strict=True))

    def _unchanged_entries(self, *, many: bool, size: int) -> Iterator[Entry]:
        position = self.query.position
        while True:
            found = 0
            rows = streamed(self.connection, self._page_statement(position, size, many=many), by_cursor=self.by_cursor)
            for row in rows_with_body(rows):
                found, position = found + 1, tuple(row[1:])
                yield Entry(position, row[0])
            if found < size:
                return

    def _page_statement(self, position: Position | None, size: int, *, many: bool) -> Select[Any]:
        records = self.unchanged(many=many)
        sequential = reads_sequentially(self.connection)
        keys = page_keys(records, self.query.sort, position, size, sequential=sequential)
        return bodies_statement(self.resource, keys, self.query.sort, sequential=sequential)


def in_order(positions: list[Position], sort: Sequence[SortKey]) -> list[Position]:
    """Sort positions in place by one key after the other, the last key first; much faster than sorting by `order`."""
    for index, key in reversed([*enumerate(sort)]):
        positions.sort(key=_key_value(index, descending=key.descending), reverse=key.descending)
    return positions


def _key_value(index: int, *, descending: bool) -> Callable[[Position], Any]:
    """A key function for one value of a position; a missing value comes last in both directions."""

    def read(position: Position) -> tuple[bool, Any]:
        value = position[index]
        return (value is None) != descending, 0 if value is None else value

    return read


def page(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    at: DatabaseState,
    totals: Totals,
    remembered: SortPositionCache,
    most_bytes: int,
) -> Page:
    """One page of a list as of a revision, with its exact total.

    The names in `query` must be resolved and its revision set; `at` is the current state of the database. The page ends
    early where its items would exceed `most_bytes`.
    """
    if query.revision == at.revision:
        return pages.page(connection, resource, query, at, totals, most_bytes)
    if query.revision == 0:
        return Page([], 0, None)
    past = PastList(connection, resource, query, by_cursor=query.limit > FEW)
    changed = remembered.get(at, query.asked, past.changed)
    total = totals.get(at, query.asked)
    if total is None:
        total = past.count_unchanged() + len(changed)
        totals.put(at, query.asked, total)
    if not query.limit:
        return Page([], total, None)
    entries = past.entries(changed, many=total > MANY, size=query.limit + 1)
    rows = ((entry.body, *entry.position) for entry in entries)
    return pages.page_of(resource, query, select_items(connection, resource, query, rows, most_bytes), total)


def every_page(connection: Connection, resource: Resource, query: ListQuery) -> Iterator[Sequence[bytes]]:
    """All documents of a list as of a revision in batches, in sort order; at least one batch, which may be empty."""
    past = PastList(connection, resource, query)
    entries = past.entries(past.changed(), many=True, size=pages.EXPORTED)
    found = False
    for some in batches(entries, pages.EXPORTED):
        found = True
        yield [entry.body for entry in some]
    if not found:
        yield []
