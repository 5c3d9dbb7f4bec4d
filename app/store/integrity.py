"""Integrity: proving that derived rows and documents follow from the rows they are made of, and rebuilding them.

rows --> derived columns, alerts, conflicts --> documents
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, delete, exists, func, select, text

from app.auth.audit_chain import audit_faults
from app.database.engine import reading
from app.records.base_models import Record
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.alerts import records_with_wrong_alerts
from app.store.derived import derive_columns
from app.store.documents import Document, Revision, State
from app.store.quotes.proof import quote_faults
from app.store.reconciliation.history import derive_conflicts, last_entered
from app.store.reconciliation.integrity import conflict_faults, contribution_faults
from app.store.rendering import etag_of, render, shapes
from app.store.revision import Progress, changing, close_revision, open_revision
from app.store.rows import IS_DELETED, batches
from app.store.version_integrity import version_faults
from app.store.versions import Key, store


def _ids(connection: Connection, type: RecordType) -> list[str]:
    return list(connection.scalars(select(Record.id).where(Record.type == type, ~IS_DELETED).order_by(Record.id)))


def _document_faults(connection: Connection, type: RecordType, ids: list[str]) -> Iterator[str]:
    """Faults of documents that are missing or differ from a fresh rendering of their rows."""
    query = select(Document.id, Document.body, Document.etag).where(
        Document.type == type, Document.id.in_(ids), Document.until_revision.is_(None)
    )
    stored = {id: (body, etag) for id, body, etag in connection.execute(query)}
    for id, fresh in render(connection, type, ids).items():
        body, etag = stored.get(id, (None, None))
        if body is None:
            yield f"{type}/{id}: there is no document"
        elif body != fresh:
            yield f"{type}/{id}: the document is not what its rows say"
        elif etag != etag_of(body):
            yield f"{type}/{id}: the document's hash is wrong"


def _alert_faults(connection: Connection, type: RecordType, ids: list[str]) -> Iterator[str]:
    if type != "sources":
        yield from (
            f"{type}/{id}: the alerts are not what its rows say"
            for id in records_with_wrong_alerts(connection, type, ids)
        )


def _orphaned_documents(connection: Connection) -> Iterator[str]:
    there = exists().where(Record.type == Document.type, Record.id == Document.id)
    for type, id in connection.execute(select(Document.type, Document.id).where(~there)):
        yield f"{type}/{id}: a document of no record"


def _revision_faults(connection: Connection) -> Iterator[str]:
    newest = connection.scalars(select(func.max(Document.revision))).one() or 0
    revision = connection.scalars(select(State.revision)).one()
    if newest > revision:
        yield f"a document is of revision {newest}, later than the database's own, {revision}"


def _file_faults(connection: Connection) -> Iterator[str]:
    """What SQLite's own checks of its file, its constraints and its foreign keys find."""
    if connection.dialect.name != "sqlite":
        return
    for row in connection.execute(text("PRAGMA integrity_check")):
        if row[0] != "ok":
            yield f"the database file: {row[0]}"
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"a row of {row[0]} refers to nothing in {row[2]}"


def check(engine: Engine, *, progress: Progress = lambda _: None) -> Iterator[str]:
    """Yield every fault of the database; nothing if all is well. `progress` is called with the number of records done.

    All is read in one transaction, so writers do not disturb it.
    """
    with reading(engine) as connection:
        for proof in (
            _file_faults,
            audit_faults,
            _orphaned_documents,
            _revision_faults,
            version_faults,
            quote_faults,
            contribution_faults,
        ):
            yield from proof(connection)
        for type in RESOURCES:
            for ids in batches(_ids(connection, type)):
                yield from _alert_faults(connection, type, ids)
                yield from conflict_faults(connection, type, ids)
                yield from _document_faults(connection, type, ids)
                progress(len(ids))


def count(engine: Engine) -> int:
    """How many records there are, without the deleted ones."""
    with reading(engine) as connection:
        return connection.scalars(select(func.count()).select_from(Record).where(~IS_DELETED)).one()


def rebuild(engine: Engine, *, actor: str, progress: Progress = lambda _: None) -> int:
    """Derive all derived rows again, render every document, and store those that differ as new versions; return how
    many differ.

    If no document differs, the database's revision does not move, though derived rows may have changed.
    """
    with changing(engine) as connection:
        keys: list[Key] = [(type, id) for type in RESOURCES for id in _ids(connection, type)]
        derive_columns(connection, keys)
        revision = open_revision(connection, actor, "rebuild")
        for some in batches(keys):
            derive_conflicts(connection, last_entered(connection, some), revision - 1)
        changed = store(connection, keys, revision, progress=progress)
        if changed:
            close_revision(connection, revision)
        else:
            connection.execute(delete(Revision).where(Revision.revision == revision))
    return len(changed)


def is_stale(engine: Engine) -> bool:
    """Whether the documents were rendered by schemas other than this code's, or never, and there are any records."""
    with reading(engine) as connection:
        kept = connection.scalars(select(State.shapes)).one()
        some = connection.scalars(select(Record.id).where(~IS_DELETED).limit(1)).first()
    return some is not None and kept != shapes()
