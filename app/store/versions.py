"""Versions of documents: storing new ones and ending those before.

A version is current from `revision` until `until_revision`, where the next one begins. A document whose bytes did not
change gets no new version, unless its record was entered again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, func, select, update

from app.database import prepared
from app.database.engine import table_of
from app.records.resource import Row, Rows
from app.records.vocabularies import RecordType
from app.store.bulk_insert import insert
from app.store.documents import Change, Document
from app.store.rendering import etag_of, render
from app.store.rows import among, batches

Key = tuple[RecordType, str]
"""`(type, id)` of a record."""

DOCUMENTS = table_of(Document)

_IS_CURRENT = (Document.type == bindparam("of"), Document.id == bindparam("which"), Document.until_revision.is_(None))
_END = update(DOCUMENTS).where(*_IS_CURRENT).values(until_revision=bindparam("until"))
_REPLACE = update(DOCUMENTS).where(*_IS_CURRENT).values(etag=bindparam("tag"), body=bindparam("content"))
_REPLACE_ENTERED = _REPLACE.values(entered=bindparam("as_entered"), change=bindparam("came"))


_CURRENT = select(Document.id, Document.version, Document.etag, Document.revision, Document.change).where(
    Document.type == bindparam("of"),
    Document.id.in_(bindparam("ids", expanding=True)),
    Document.until_revision.is_(None),
)


class CurrentVersion(NamedTuple):
    """The newest version of a document, as far as the next one depends on it."""

    version: int
    etag: str
    revision: int
    change: Change | None = None


NEW = CurrentVersion(0, "", 0)
"""Stands for a document that has no version yet."""
NOT_CURRENT = -1
"""The `revision` of a document that has versions, but no current one: its record was deleted."""


def grouped(keys: Iterable[Key]) -> Iterator[tuple[RecordType, list[str]]]:
    """Yield keys as `(type, ids)`, at most `rows.BATCH` ids at a time."""
    ids: dict[RecordType, list[str]] = defaultdict(list)
    for type, id in keys:
        ids[type].append(id)
    for type in ids:
        yield from ((type, some) for some in batches(ids[type]))


def _current(connection: Connection, type: RecordType, ids: Sequence[str]) -> dict[str, CurrentVersion]:
    found = {
        row[0]: CurrentVersion(*row[1:]) for row in prepared.rows(connection, _CURRENT, {"of": type, "ids": list(ids)})
    }
    return found | _deleted(connection, type, [id for id in ids if id not in found])


def _deleted(connection: Connection, type: RecordType, ids: Sequence[str]) -> dict[str, CurrentVersion]:
    """Documents that have versions but no current one; their next version gets the next number."""
    if not ids:
        return {}
    query = select(Document.id, func.max(Document.version)).where(Document.type == type, Document.id.in_(ids))
    return {
        id: CurrentVersion(version, "", NOT_CURRENT) for id, version in connection.execute(query.group_by(Document.id))
    }


def _store_batch(
    connection: Connection,
    type: RecordType,
    ids: Sequence[str],
    revision: int,
    entered: Mapping[Key, bytes],
    written: Mapping[Key, Rows],
) -> list[Key]:
    current = _current(connection, type, ids)
    there = {id: written[type, id] for id in ids if (type, id) in written}
    bodies = _changed_bodies(type, render(connection, type, ids, there), current, entered)
    again = [id for id in bodies if current.get(id, NEW).revision == revision]
    _replace(connection, {(type, id): bodies[id] for id in again}, current, entered)
    new = {id: bodies[id] for id in bodies if id not in again}
    _end_current(connection, type, new.keys() & current.keys(), revision)
    insert(connection, DOCUMENTS, _new_versions(type, new, current, revision, entered))
    return [(type, id) for id in bodies]


def _changed_bodies(
    type: RecordType, rendered: Mapping[str, bytes], current: Mapping[str, CurrentVersion], entered: Mapping[Key, bytes]
) -> dict[str, bytes]:
    """The documents that become a version: those entered now, and those that differ from their current version."""
    return {id: body for id, body in rendered.items() if (type, id) in entered or _differs(current.get(id), body)}


def _new_versions(
    type: RecordType,
    bodies: Mapping[str, bytes],
    current: Mapping[str, CurrentVersion],
    revision: int,
    entered: Mapping[Key, bytes],
) -> list[Row]:
    return [_version((type, id), current.get(id, NEW), body, revision, entered) for id, body in bodies.items()]


def _differs(current: CurrentVersion | None, body: bytes) -> bool:
    return (current or NEW).etag != etag_of(body)


def _end_current(connection: Connection, type: RecordType, ids: Iterable[str], revision: int) -> None:
    """End the current versions of some records of a type at a revision."""
    prepared.execute(connection, _END, *(_key(type, id) | {"until": revision} for id in sorted(ids)))


def _replace(
    connection: Connection,
    bodies: Mapping[Key, bytes],
    current: Mapping[str, CurrentVersion],
    entered: Mapping[Key, bytes],
) -> None:
    """Overwrite versions that this same revision stored before, with the record as entered if it was entered again."""
    rows = {key: _key(*key) | {"tag": etag_of(body), "content": body} for key, body in bodies.items()}
    prepared.execute(connection, _REPLACE, *(row for key, row in rows.items() if key not in entered))
    reentered = [
        rows[key] | {"as_entered": entered[key], "came": _change_of_replacement(current[key[1]])}
        for key in rows
        if key in entered
    ]
    prepared.execute(connection, _REPLACE_ENTERED, *reentered)


def _change_of_replacement(before: CurrentVersion) -> Change | None:
    return "updated" if before.change == "refreshed" else before.change


def _key(type: RecordType, id: str) -> Row:
    return {"of": type, "which": id}


def _change(before: CurrentVersion, *, entered: bool) -> Change:
    if not entered:
        return "refreshed"
    if before is NEW:
        return "created"
    return "restored" if before.revision == NOT_CURRENT else "updated"


def _version(key: Key, before: CurrentVersion, body: bytes, revision: int, entered: Mapping[Key, bytes]) -> Row:
    as_entered = entered.get(key)
    return {
        "type": key[0],
        "id": key[1],
        "version": before.version + 1,
        "change": _change(before, entered=as_entered is not None),
        "revision": revision,
        "etag": etag_of(body),
        "body": body,
        "entered": as_entered,
    }


def store(
    connection: Connection,
    keys: Iterable[Key],
    revision: int,
    entered: Mapping[Key, bytes] | None = None,
    written: Mapping[Key, Rows] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Key]:
    """Render records and store the documents that differ as new versions; return the keys of those stored.

    A record in `entered` (its JSON as entered) gets a version even if its document is unchanged. A version of this
    same revision is replaced. `written` holds rows that were just written and need not be read again. `progress` is
    called with the number of records done.
    """
    changed: list[Key] = []
    for type, some in grouped(keys):
        changed += _store_batch(connection, type, some, revision, entered or {}, written or {})
        progress(len(some))
    return changed


def delete_documents(connection: Connection, keys: Iterable[Key], revision: int) -> None:
    """End the current versions of some records' documents, and add a tombstone after each."""
    for type, ids in grouped(keys):
        current = _current(connection, type, ids)
        prepared.execute(connection, _END, *(_key(type, id) | {"until": revision} for id in sorted(ids)))
        insert(connection, DOCUMENTS, [_tombstone((type, id), current[id], revision) for id in ids])


def _tombstone(key: Key, before: CurrentVersion, revision: int) -> Row:
    version = before.version + 1
    body = orjson.dumps({"id": key[1], "type": key[0], "deleted": True, "version": version})
    return _version(key, before, body, revision, {}) | {"change": "deleted", "until_revision": revision}


def entered_before(connection: Connection, keys: Iterable[Key], revision: int) -> dict[Key, bytes]:
    """The JSON that each record was last entered as before a revision. Records without any are left out."""
    entered: dict[Key, bytes] = {}
    for some in batches(keys):
        last = (
            select(Document.type, Document.id, func.max(Document.version).label("version"))
            .where(among(Document.type, Document.id, some))
            .where(Document.revision < revision, Document.entered.is_not(None))
            .group_by(Document.type, Document.id)
            .subquery()
        )
        query = select(Document.type, Document.id, Document.entered).join(
            last,
            (Document.type == last.c.type) & (Document.id == last.c.id) & (Document.version == last.c.version),
        )
        entered |= {(type, id): content for type, id, content in connection.execute(query) if content is not None}
    return entered
