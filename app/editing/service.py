"""Edits of single records by curators: create, replace, patch, delete and restore.

Edits are validated and written like every load, with the same schemas, rules and provenance, and each makes one
revision. They run in a transaction of `store.revision.changing`, which holds the writers' lock, so a record cannot
change between the comparison with `expected` and the write.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select

from app.auth.audit import Event, Who, note
from app.common.problems import Fault, Problem, conflict, invalid_content
from app.database import prepared
from app.editing.merge_patch import merged
from app.query.pages import StoredDocument, by_id
from app.records.resource import Resource
from app.store.documents import Document
from app.store.revision import Summary, write
from app.store.rows import deleted
from app.store.submission import Submission
from app.store.validation import check, still_referred

MAX_ERRORS = 100
"""The largest number of faults, or of referring records, that one problem lists."""


@dataclass(frozen=True, slots=True)
class Change:
    """The author, the reason and the condition of an edit."""

    who: Who
    reason: str
    expected: frozenset[str] | None = None
    """The entity tags of `If-Match`; None where any current version may be changed."""


@dataclass(frozen=True, slots=True)
class EditResult:
    """The record's stored document after an edit, and the numbers of records that the edit changed."""

    status: int
    id: str
    etag: str
    body: bytes
    summary: Summary


def _invalid(faults: list[Fault]) -> Problem:
    return invalid_content(faults[:MAX_ERRORS], "The record")


def _current(connection: Connection, resource: Resource, id: str, change: Change) -> StoredDocument:
    """The document that is to be changed; raises a `Problem` unless it exists and matches `If-Match`."""
    stored = by_id(connection, resource.type, id)
    if stored is None:
        raise missing(connection, resource, id)
    if change.expected is not None and stored.etag not in change.expected:
        raise Problem(
            "precondition-failed",
            f"{resource.path}/{id} is another version now.",
            headers={"etag": f'"{stored.etag}"'},
        )
    return stored


def missing(connection: Connection, resource: Resource, id: str) -> Problem:
    """The 404 for a record that does not exist, or the 410 for one that was deleted."""
    if (resource.type, id) in deleted(connection, [(resource.type, id)]):
        return Problem("gone", f"{resource.path}/{id} was deleted.")
    return Problem("not-found", f"There is no {resource.path}/{id}; changes go by the id.")


_OF_RECORD = (Document.type == bindparam("of"), Document.id == bindparam("which"))
_ENTERED = (
    select(Document.entered)
    .where(*_OF_RECORD, Document.entered.is_not(None))
    .order_by(Document.version.desc())
    .limit(1)
)


def entered(connection: Connection, resource: Resource, id: str) -> Any:
    """The record as it was last entered, as parsed JSON, even if it was deleted since.

    Raises a `Problem` (conflict) where no version holds what was entered.
    """
    found = prepared.rows(connection, _ENTERED, {"of": resource.type, "which": id})
    if not found:
        raise conflict(f"{resource.path}/{id} is not kept as it was entered; put it whole.")
    return orjson.loads(found[0][0])


def create(connection: Connection, resource: Resource, data: Any, change: Change) -> EditResult:
    """Create a record; raises a `Problem` where it is invalid or its id is or was in use."""
    id = data.get("id") if isinstance(data, dict) else None
    if isinstance(id, str):
        path = f"{resource.path}/{id[:200]}"
        if by_id(connection, resource.type, id) is not None:
            raise conflict(f"There is {path} already.", path)
        if deleted(connection, [(resource.type, id)]):
            raise conflict(f"{path} was deleted; restore it, or take another id.", path)
    return _enter(connection, resource, data, change, "create", 201)


def replace(connection: Connection, resource: Resource, id: str, data: Any, change: Change) -> EditResult:
    """Replace a record by `data`, which may leave out the id; raises a `Problem` where it is missing or invalid."""
    _current(connection, resource, id, change)
    return _enter(connection, resource, _with_id(data, id), change, "replace")


def patch(connection: Connection, resource: Resource, id: str, data: Any, change: Change) -> EditResult:
    """Apply `data`, a JSON Merge Patch (RFC 7396), to the record as it was last entered; raises a `Problem`."""
    _current(connection, resource, id, change)
    if not isinstance(data, dict):
        raise _invalid([Fault("a merge patch is an object")])
    return _enter(connection, resource, _with_id(merged(entered(connection, resource, id), data), id), change, "patch")


def _with_id(data: Any, id: str) -> Any:
    if not isinstance(data, dict):
        return data
    if data.get("id", id) != id:
        raise _invalid([Fault(f"an id is permanent: this is {id!r}", "/id")])
    return {"id": id, **data}


def restore(connection: Connection, resource: Resource, id: str, change: Change) -> EditResult:
    """Restore a deleted record as it was last entered, validated by the present rules; raises a `Problem`."""
    if not deleted(connection, [(resource.type, id)]):
        if by_id(connection, resource.type, id) is None:
            raise missing(connection, resource, id)
        raise conflict(f"{resource.path}/{id} is not deleted.", f"{resource.path}/{id}")
    return _enter(connection, resource, entered(connection, resource, id), change, "restore")


def _enter(
    connection: Connection, resource: Resource, data: Any, change: Change, action: str, status: int = 200
) -> EditResult:
    entries, faults = check(connection, [Submission(0, resource.type, data)])
    if faults:
        raise _invalid(faults)
    summary = write(connection, entries, actor=change.who.actor, reason=change.reason)
    id = entries[0].record.id
    stored = by_id(connection, resource.type, id)
    assert stored is not None
    _note(connection, resource, id, change, action, status, summary)
    return EditResult(status, id, stored.etag, stored.body, summary)


def delete(connection: Connection, resource: Resource, id: str, change: Change) -> EditResult:
    """Delete a record, which leaves a tombstone; raises a `Problem` as long as other records refer to it."""
    _current(connection, resource, id, change)
    key = (resource.type, id)
    referring = still_referred(connection, [key]).get(key, [])
    if referring:
        paths = [f"/v1/{type}/{other}" for type, other in sorted(set(referring))]
        raise conflict(f"{len(paths)} records refer to {resource.path}/{id}.", *paths[:MAX_ERRORS])
    summary = write(connection, [], gone=[key], actor=change.who.actor, reason=change.reason)
    of = (Document.type == resource.type, Document.id == id, Document.revision == summary.revision)
    stone = connection.execute(select(Document.etag, Document.body).where(*of, Document.change == "deleted")).one()
    _note(connection, resource, id, change, "delete", 200, summary)
    return EditResult(200, id, stone.etag, stone.body, summary)


def _note(
    connection: Connection, resource: Resource, id: str, change: Change, action: str, status: int, summary: Summary
) -> None:
    note(connection, [Event(change.who, action, status, resource.type, id, summary.revision, change.reason)])
