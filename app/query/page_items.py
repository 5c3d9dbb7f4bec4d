"""The items of a page: stored documents after `include=` and `fields=`, cut to a byte budget."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from app.query.page_budget import PageRows, Row, converted, cut
from app.query.projection import embed, included_keys, project
from app.query.record_queries import ListQuery
from app.records.resource import Resource
from app.store.documents import Document, valid_at
from app.store.rows import among, batches
from app.store.versions import Key

Explain = Callable[[Any, Row], Any]
"""Makes what is shown beside an item, such as its search hit, from the whole parsed document and the row."""


def select_items(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    rows: Iterable[Row],
    most_bytes: int,
    explain: Explain | None = None,
) -> PageRows:
    """Take rows of whole documents and give the rows of a page, with `include=` and `fields=` applied.

    The page ends before the item that would exceed `most_bytes` in the form in which it is sent. If `explain` is given,
    its result is appended to each row. Documents are parsed one at a time. Only with `include=` all documents of a page
    are parsed at once; therefore the page is cut to the budget before, and so are the records that are embedded.
    """
    if query.is_plain and explain is None:
        return cut(rows, query.limit, most_bytes)
    if query.include:
        return _select_embedding(connection, resource, query, cut(rows, query.limit, most_bytes), most_bytes, explain)

    def convert(row: Row) -> Row:
        document = orjson.loads(row[0])
        beside = explain(document, row) if explain else None
        return (row[0] if query.is_plain else orjson.dumps(project(document, query.fields)), *row[1:], beside)

    return cut(converted(rows, query.limit, convert), query.limit, most_bytes)


def _select_embedding(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    whole: PageRows,
    most_bytes: int,
    explain: Explain | None,
) -> PageRows:
    documents = [orjson.loads(row[0]) for row in whole.rows]
    explained = [explain(doc, row) if explain else None for doc, row in zip(documents, whole.rows, strict=True)]
    keys = [included_keys(resource, [document], query.include) for document in documents]
    sizes = _body_sizes(connection, set().union(*keys), query.revision)
    some = _count_within_budget(keys, sizes, most_bytes)
    found = whole_records(connection, set().union(*keys[:some]), query.revision)
    embed(resource, documents[:some], query.include, found)
    items = (
        (orjson.dumps(project(document, query.fields)), *row[1:], beside)
        for document, row, beside in zip(documents[:some], whole.rows, explained, strict=False)
    )
    shown = cut(items, query.limit, most_bytes)
    return PageRows(shown.rows, shown.is_more or whole.is_more or some < len(documents))


def _count_within_budget(keys: Sequence[set[Key]], sizes: Mapping[Key, int], most_bytes: int) -> int:
    """How many documents fit, at least one, until the records that they embed exceed `most_bytes`.

    `keys` are the records that each document embeds; a record that several documents embed counts once.
    """
    seen: set[Key] = set()
    size = 0
    for number, mine in enumerate(keys):
        size += sum(sizes.get(key, 0) for key in mine - seen)
        seen |= mine
        if number and size > most_bytes:
            return number
    return len(keys)


def _body_sizes(connection: Connection, keys: Iterable[Key], revision: int | None) -> dict[Key, int]:
    """The sizes of stored documents in bytes. Both databases know the size of a value without reading it."""
    found: dict[Key, int] = {}
    of = (Document.type, Document.id)
    for some in batches(keys, 5000):
        query = select(*of, func.length(Document.body)).where(among(*of, some), valid_at(revision))
        found |= {(type, id): size for type, id, size in connection.execute(query)}
    return found


def whole_records(connection: Connection, keys: Iterable[Key], revision: int | None) -> dict[tuple[str, str], Any]:
    """The parsed documents of some records by `(type, id)`: the current ones, or those valid at a revision."""
    found: dict[tuple[str, str], Any] = {}
    of = (Document.type, Document.id)
    for some in batches(keys, 5000):
        query = select(*of, Document.body).where(among(*of, some), valid_at(revision))
        found |= {(type, id): orjson.loads(body) for type, id, body in connection.execute(query)}
    return found
