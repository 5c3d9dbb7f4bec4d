"""Integrity of versions: they follow each other without a gap, and a deleted record's last one is a tombstone."""

from collections.abc import Iterator

from sqlalchemy import Connection, and_, exists, or_, select
from sqlalchemy.orm import aliased

from app.records.base_models import Deletion
from app.store.documents import Document

_NEXT = aliased(Document)
_IS_NEXT = and_(_NEXT.type == Document.type, _NEXT.id == Document.id, _NEXT.version == Document.version + 1)
_ENDS = Document.until_revision

_GAPS = (
    select(Document.type, Document.id, Document.version)
    .outerjoin(_NEXT, _IS_NEXT)
    .where(
        or_(
            and_(_ENDS.is_(None), _NEXT.version.is_not(None)),
            and_(_ENDS.is_not(None), _NEXT.version.is_(None), Document.change != "deleted"),
            and_(_NEXT.revision != _ENDS, Document.change != "deleted"),
            and_(_NEXT.revision <= _ENDS, Document.change == "deleted"),
        )
    )
)
_DELETED = exists().where(Deletion.record_type == Document.type, Deletion.record_id == Document.id)
_TOMBSTONE_FAULTS = (
    select(Document.type, Document.id)
    .outerjoin(_NEXT, _IS_NEXT)
    .where(_NEXT.version.is_(None), or_(and_(Document.change == "deleted", ~_DELETED), and_(_ENDS.is_(None), _DELETED)))
)


def version_faults(connection: Connection) -> Iterator[str]:
    """Yield the versions that do not end where the next begins, and the records that are only half deleted."""
    for type, id, version in connection.execute(_GAPS):
        yield f"{type}/{id}: version {version} does not end where the next begins"
    for type, id in connection.execute(_TOMBSTONE_FAULTS):
        yield f"{type}/{id}: it is deleted by its last version or by its rows, but not by both"
