"""One record as of a moment: its newest version at that moment."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from app.common.problems import not_found
from app.database.engine import UtcDateTime
from app.database.lookup import Lookup
from app.database.migrations import head
from app.database.schema_version import VERSION
from app.query import name_resolution
from app.query.deleted_records import gone_problem
from app.query.pages import StoredDocument, other_version
from app.records.resource import Resource
from app.store.documents import Document, Revision, State


class Found(NamedTuple):
    """The version of a record that was the newest one at some moment; it may be a tombstone."""

    stored: StoredDocument
    change: str
    """What made the version (see `store.documents.Change`); `deleted` for a tombstone."""
    version: int
    changed_at: datetime
    """When the database last changed. An answer as of an earlier moment can never change."""


def _checked_version(
    id: str, etag: str, at: datetime, body: bytes, change: str, version: int, changed_at: datetime, schema: str
) -> Found:
    if schema != head():
        raise other_version()
    return Found(StoredDocument(id, etag, at, body), change, version, changed_at)


# A version is valid until the next one begins, and a tombstone is a version too. So the version that was valid at a
# moment is the last one that had begun.
_VERSION_AT = (
    select(
        Document.id,
        Document.etag,
        Revision.committed_at,
        Document.body,
        Document.change,
        Document.version,
        select(State.changed_at).scalar_subquery().label("changed_at"),
        select(VERSION.c.version_num).scalar_subquery().label("schema"),
    )
    .where(
        Document.type == bindparam("type"),
        Document.id == bindparam("id"),
        Revision.revision == Document.revision,
        Revision.committed_at <= bindparam("moment", type_=UtcDateTime()),
    )
    .order_by(Document.version.desc())
    .limit(1)
)
RECORD_AS_OF = Lookup(_VERSION_AT, _checked_version, "type", "id", "moment")


def is_there(resource: Resource, found: Found) -> bool:
    """Return True, or raise a `Problem` (gone) where the record was deleted by then."""
    if found.change == "deleted":
        raise gone_problem(resource, found.stored.id, found.version)
    return True


def by_name_as_of(connection: Connection, resource: Resource, name: str, moment: datetime) -> Found:
    """The record that has a name now, as of a moment.

    An id is looked up first, so that a record that was deleted since is found too. Raises a `Problem` where the record
    did not exist at the moment or was deleted by then.
    """
    found = RECORD_AS_OF.by(connection, resource.type, name, moment)
    if found is None and not _is_id(connection, resource, name):
        found = RECORD_AS_OF.by(connection, resource.type, name_resolution.id_of(connection, resource, name), moment)
    if found is None or not is_there(resource, found):
        detail = f"There was no {name!r} among the {resource.title} at {moment:%Y-%m-%dT%H:%M:%SZ}."
        raise not_found(detail)
    return found


def _is_id(connection: Connection, resource: Resource, id: str) -> bool:
    """Whether this is the id of any record, even of one that was created later."""
    versions = select(Document.version).where(Document.type == resource.type, Document.id == id)
    return connection.scalars(versions.limit(1)).first() is not None
