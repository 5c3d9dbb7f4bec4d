"""Storing documents: a version ends where the next begins; equal bytes make no new version."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from app.db import table_of
from app.documents import Document
from app.fields import RecordType
from app.rendering import etag_of, render
from app.resources import Row
from app.rows import batches

Key = tuple[RecordType, str]

DOCUMENTS = table_of(Document)

_END = (
    update(Document)
    .where(Document.type == bindparam("of"), Document.id == bindparam("which"), Document.until_revision.is_(None))
    .values(until_revision=bindparam("until"), valid_to=bindparam("at"))
    .execution_options(synchronize_session=False)
)


class Stamp(NamedTuple):
    revision: int
    at: datetime


def grouped(keys: Iterable[Key]) -> Iterator[tuple[RecordType, list[str]]]:
    """Keys by type, some hundred ids at a time."""
    ids: dict[RecordType, list[str]] = defaultdict(list)
    for type, id in keys:
        ids[type].append(id)
    for type in ids:
        yield from ((type, some) for some in batches(ids[type]))


def _current(connection: Connection, type: RecordType, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    query = select(Document.id, Document.version, Document.etag).where(
        Document.type == type, Document.id.in_(ids), Document.until_revision.is_(None)
    )
    return {id: (version, etag) for id, version, etag in connection.execute(query)}


def _version(key: Key, version: int, body: bytes, stamp: Stamp, change: str) -> Row:
    return {
        "type": key[0],
        "id": key[1],
        "version": version,
        "change": change,
        "revision": stamp.revision,
        "valid_from": stamp.at,
        "etag": etag_of(body),
        "body": body,
    }


def _store_some(
    connection: Connection, type: RecordType, ids: Sequence[str], stamp: Stamp, *, refreshed: bool
) -> list[Key]:
    current = _current(connection, type, ids)
    bodies = render(connection, type, ids)
    changed = {id: body for id, body in bodies.items() if current.get(id, (0, ""))[1] != etag_of(body)}
    ended = [{"of": type, "which": id, "until": stamp.revision, "at": stamp.at} for id in changed if id in current]
    if ended:
        connection.execute(_END, ended)
    word = "refreshed" if refreshed else "updated"
    rows = [
        _version((type, id), current.get(id, (0, ""))[0] + 1, body, stamp, word if id in current else "created")
        for id, body in changed.items()
    ]
    if rows:
        connection.execute(DOCUMENTS.insert(), rows)
    return [(type, id) for id in changed]


def store(
    connection: Connection,
    keys: Iterable[Key],
    stamp: Stamp,
    *,
    refreshed: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Key]:
    """Renders some records and keeps what differs as new versions; returns the keys of those."""
    changed: list[Key] = []
    for type, some in grouped(keys):
        changed += _store_some(connection, type, some, stamp, refreshed=refreshed)
        progress(len(some))
    return changed
