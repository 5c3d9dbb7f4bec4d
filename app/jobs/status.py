"""Imports in the database: recording and listing them. An import has a row from its first attempt on, not before."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, update

from app.auth.audit import Event, note
from app.common.strict_json import Json
from app.database.engine import table_of
from app.editing.idempotency import keep_once
from app.jobs.models import ImportRun
from app.jobs.queue import OpenRun
from app.jobs.schemas import ImportOut, ImportSubmission, KeptAnswer, RunStatus
from app.jobs.vocabulary import OVER, RUNNING

_TABLE = table_of(ImportRun)
_ROWS = select(_TABLE)
_WITHOUT_REPORT = select(*[column for column in _TABLE.c if column.name != "report"])
_REQUEST_COLUMNS = set(ImportRun.__table__.columns.keys()) & set(ImportSubmission.model_fields)


class Superseded(Exception):
    """Raised where an import was cancelled, or started again, while it ran, so that it must not be committed."""


def _values(run: OpenRun, place: str, report: Json | None) -> Json:
    request, status = run.request, run.status
    upload = {"upload_bytes": request.upload.bytes, "upload_sha256": request.upload.sha256} if request.upload else {}
    values = {name: getattr(request, name) for name in _REQUEST_COLUMNS} | status.model_dump()
    return values | {"place": place, "upload_bytes": None, "upload_sha256": None, **upload, "report": report}


def store(
    connection: Connection, run: OpenRun, place: str, *, report: Json | None = None, answers: Sequence[KeptAnswer] = ()
) -> bool:
    """Insert or update the row of an import, and keep the answers to its requests.

    Return False, without a change to the row, if the import is over in the database.
    """
    values, id = _values(run, place, report), run.request.id
    for answer in answers:
        keep_once(connection, answer.asked, answer.given, answer.at)
    if connection.scalars(select(ImportRun.id).where(ImportRun.id == id)).first() is None:
        connection.execute(_TABLE.insert(), values)
        return True
    open_still = (ImportRun.id == id, ImportRun.state.not_in(OVER))
    return connection.execute(update(ImportRun).where(*open_still).values(values)).rowcount == 1


def note_end(connection: Connection, run: OpenRun) -> None:
    """Note in the audit that an import has ended without changing anything."""
    status = run.status
    detail = f"{run.request.id}: {status.state}" + (f", {status.problem.detail}" if status.problem else "")
    note(connection, [Event(run.request.who, "import", detail=detail)])


def finish(connection: Connection, run: OpenRun, status: RunStatus, report: Json) -> None:
    """Record, in the transaction of the import, that it is done; raise `Superseded` if it must not be committed."""
    values = status.model_dump() | {"report": report}
    ours = (ImportRun.id == run.request.id, ImportRun.attempt == status.attempt, ImportRun.state.in_(RUNNING))
    if connection.execute(update(ImportRun).where(*ours).values(values)).rowcount != 1:
        raise Superseded
    if status.release is None:  # a release is noted in the audit by itself
        note(connection, [Event(run.request.who, "import", detail=f"{run.request.id}: nothing to do")])


def interrupt_lost(connection: Connection, place: str, kept: Collection[str]) -> None:
    """Mark as interrupted all running imports of a folder that are not among those it still has."""
    lost = (ImportRun.place == place, ImportRun.state.in_(RUNNING), ImportRun.id.not_in(kept))
    connection.execute(update(ImportRun).where(*lost).values(state="interrupted", ended_at=datetime.now(UTC)))


def cancel(connection: Connection, id: str) -> bool:
    """Cancel an import that another folder has, so that it is not committed; return False if it is over already."""
    open_still = (ImportRun.id == id, ImportRun.state.not_in(OVER))
    values = {"state": "cancelled", "ended_at": datetime.now(UTC)}
    return connection.execute(update(ImportRun).where(*open_still).values(values)).rowcount == 1


def shown(row: Json, *, resumable: bool = False) -> ImportOut:
    """Return an import as the API shows it, from its row."""
    upload = row["upload_bytes"] is not None and {"bytes": row["upload_bytes"], "sha256": row["upload_sha256"]}
    return ImportOut.model_validate({"report": None, **row, "upload": upload or None, "resumable": resumable})


def one(connection: Connection, id: str) -> tuple[ImportOut, str] | None:
    """Return an import and the name of the folder that has it, or None if there is no row."""
    row = connection.execute(_ROWS.where(ImportRun.id == id)).mappings().one_or_none()
    return (shown(dict(row)), row["place"]) if row else None


def page(
    connection: Connection, before: str | None, limit: int, open_ids: Collection[str]
) -> tuple[list[ImportOut], set[str], int]:
    """Return the newest imports before an id, those of the open ids that have a row, and the number of all rows."""
    query = _WITHOUT_REPORT if before is None else _WITHOUT_REPORT.where(ImportRun.id < before)
    rows = connection.execute(query.order_by(ImportRun.id.desc()).limit(limit)).mappings()
    found = [shown(dict(row)) for row in rows]
    known = set(connection.scalars(select(ImportRun.id).where(ImportRun.id.in_(open_ids))))
    return found, known, connection.scalars(select(func.count()).select_from(ImportRun)).one()


def ids_over(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return those of some ids whose imports are over in the database."""
    return set(connection.scalars(select(ImportRun.id).where(ImportRun.id.in_(ids), ImportRun.state.in_(OVER))))
