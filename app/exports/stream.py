"""A whole list in another format than JSON, as a stream of pieces: memory holds some hundred records at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection

from app.exports import citations
from app.exports.tables import csv_head, csv_lines, json_lines
from app.query import as_of_lists, name_resolution, pages
from app.query.export_formats import FORMATS
from app.query.pages import DatabaseState
from app.query.record_queries import ListQuery, RecordQuery
from app.records.resource import Resource
from app.search.lists import Search, all_found

Batches = Iterator[Sequence[bytes]]


def _cited(batch: Sequence[bytes]) -> list[Any]:
    return [publication for body in batch for publication in citations.publications_of(orjson.loads(body))]


def _distinct(batches: Batches) -> Iterator[list[Any]]:
    """Yield the publications of each batch that no earlier batch had; several studies may share a publication."""
    seen: set[str] = set()
    for batch in batches:
        new = {publication["id"]: publication for publication in _cited(batch) if publication["id"] not in seen}
        seen.update(new)
        yield list(new.values())


def _csv(resource: Resource, query: RecordQuery, batches: Batches) -> Iterator[bytes]:
    yield csv_head(resource, query.fields)
    yield from (csv_lines(resource, query.fields, batch, raw=bool(query.raw)) for batch in batches)


def _ndjson(_: Resource, query: RecordQuery, batches: Batches) -> Iterator[bytes]:
    yield from (json_lines(query.fields, batch) for batch in batches)


def _text(write: Callable[[list[Any]], str], _: Resource, __: RecordQuery, batches: Batches) -> Iterator[bytes]:
    yield from (write(some).encode() for some in _distinct(batches))


def _csl(_: Resource, __: RecordQuery, batches: Batches) -> Iterator[bytes]:
    before = b"["
    for some in _distinct(batches):
        for line in citations.csl_lines(some):
            yield before + line
            before = b",\n"
    yield b"]\n" if before != b"[" else b"[]\n"


WRITERS: Mapping[str, Callable[[Resource, RecordQuery, Batches], Iterator[bytes]]] = {
    "csv": _csv,
    "ndjson": _ndjson,
    "ris": partial(_text, citations.ris),
    "bibtex": partial(_text, citations.bibtex),
    "csl-json": _csl,
}
assert set(WRITERS) == set(FORMATS) - {"json"}


def exported(
    connection: Connection, resource: Resource, query: ListQuery, at: DatabaseState, search: Search, format: str
) -> Iterator[bytes]:
    """Return all records of a list in a format, as of one revision.

    A wrong query raises its `Problem` here, before the first piece is taken.
    """
    resolved = name_resolution.resolve(connection, resource, query)
    if resolved.revision is None:
        rest = all_found(connection, resource, resolved, at, search)
    else:
        rest = as_of_lists.every_page(connection, resource, resolved)
    batches = chain([next(rest)], rest)
    documents = (pages.select_parts(connection, resource, _without_fields(query), batch) for batch in batches)
    return WRITERS[format](resource, query, documents)


def _without_fields(query: RecordQuery) -> RecordQuery:
    """Return a query that embeds what `include=` names in whole documents; the writer of a format applies `fields=`."""
    return RecordQuery(None, query.include, None, revision=query.revision)


def converted(resource: Resource, query: RecordQuery, body: bytes, format: str) -> bytes:
    """Return one record, given as JSON, in a format."""
    return b"".join(WRITERS[format](resource, query, iter([[body]])))
