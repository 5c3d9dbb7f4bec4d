"""Imports in the database: begun, ended, listed. A row is there from the beginning of an import's first attempt."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from app.auth.audit import Event, note
from app.database.engine import table_of
from app.editing.idempotency import Asked, Given, keep_once
from app.jobs.models import ImportRun
from app.jobs.queue import OpenRun
from app.jobs.schemas import ImportOut, Ordered, Standing
from app.jobs.vocabulary import OVER, RUNNING

Json = dict[str, Any]

_TABLE = table_of(ImportRun)
_ROWS = select(_TABLE)
_BRIEF = select(*[column for column in _TABLE.c if column.name != "report"])
_OF_ORDER = set(ImportRun.__table__.columns.keys()) & set(Ordered.model_fields)


class Superseded(Exception):
    """An import was cancelled, or begun again, while it ran: it must not be committed."""


def _values(run: OpenRun, place: str, report: Json | None) -> Json:
    ordered, standing = run.ordered, run.standing
    upload = {"upload_bytes": ordered.upload.bytes, "upload_sha256": ordered.upload.sha256} if ordered.upload else {}
    said = {name: getattr(ordered, name) for name in _OF_ORDER} | standing.model_dump()
    return said | {"place": place, "upload_bytes": None, "upload_sha256": None, **upload, "report": report}


def store(
    connection: Connection, run: OpenRun, place: str, *, report: Json | None = None, answers: Sequence[Json] = ()
) -> bool:
    """Makes the row as the folder has it; says no where it is over, which nothing can undo."""
    values, id = _values(run, place, report), run.ordered.id
    for answer in answers:
        given = Given(answer["status"], answer["headers"], answer["body"].encode())
        keep_once(connection, Asked(*answer["asked"]), given, datetime.fromisoformat(answer["at"]))
    if connection.scalars(select(ImportRun.id).where(ImportRun.id == id)).first() is None:
        connection.execute(_TABLE.insert(), values)
        return True
    open_still = (ImportRun.id == id, ImportRun.state.not_in(OVER))
    return connection.execute(update(ImportRun).where(*open_still).values(values)).rowcount == 1


def told(connection: Connection, run: OpenRun) -> None:
    """An import that has ended without changing anything, in the audit."""
    standing = run.standing
    detail = f"{run.ordered.id}: {standing.state}" + (f", {standing.problem.detail}" if standing.problem else "")
    note(connection, [Event(run.ordered.who, "import", detail=detail)])


def finish(connection: Connection, run: OpenRun, standing: Standing, report: Json) -> None:
    """Says in the import's own transaction that it is done; raises `Superseded` where it may not be by now."""
    values = standing.model_dump() | {"report": report}
    ours = (ImportRun.id == run.ordered.id, ImportRun.attempt == standing.attempt, ImportRun.state.in_(RUNNING))
    if connection.execute(update(ImportRun).where(*ours).values(values)).rowcount != 1:
        raise Superseded
    if standing.release is None:  # or the release has been noted
        note(connection, [Event(run.ordered.who, "import", detail=f"{run.ordered.id}: nothing to do")])


def give_up(connection: Connection, place: str, kept: Collection[str]) -> None:
    """What is said to run from this folder and is not there any more never will end."""
    lost = (ImportRun.place == place, ImportRun.state.in_(RUNNING), ImportRun.id.not_in(kept))
    connection.execute(update(ImportRun).where(*lost).values(state="interrupted", ended_at=datetime.now(UTC)))


def cancel(connection: Connection, id: str) -> bool:
    """Of another folder's import: it is not committed from now on; says no where it is over already."""
    open_still = (ImportRun.id == id, ImportRun.state.not_in(OVER))
    values = {"state": "cancelled", "ended_at": datetime.now(UTC)}
    return connection.execute(update(ImportRun).where(*open_still).values(values)).rowcount == 1


def shown(row: Json, *, resumable: bool = False) -> ImportOut:
    upload = row["upload_bytes"] is not None and {"bytes": row["upload_bytes"], "sha256": row["upload_sha256"]}
    return ImportOut.model_validate({"report": None, **row, "upload": upload or None, "resumable": resumable})


def one(connection: Connection, id: str) -> tuple[ImportOut, str] | None:
    """With the folder that keeps it."""
    row = connection.execute(_ROWS.where(ImportRun.id == id)).mappings().one_or_none()
    return (shown(dict(row)), row["place"]) if row else None


def page(
    connection: Connection, before: str | None, limit: int, open_ids: Collection[str]
) -> tuple[list[ImportOut], set[str], int]:
    """The newest before an id, which of those open have a row, and how many rows there are."""
    query = _BRIEF if before is None else _BRIEF.where(ImportRun.id < before)
    rows = connection.execute(query.order_by(ImportRun.id.desc()).limit(limit)).mappings()
    found = [shown(dict(row)) for row in rows]
    known = set(connection.scalars(select(ImportRun.id).where(ImportRun.id.in_(open_ids))))
    return found, known, connection.scalars(select(func.count()).select_from(ImportRun)).one()


def over(connection: Connection, ids: Collection[str]) -> set[str]:
    return set(connection.scalars(select(ImportRun.id).where(ImportRun.id.in_(ids), ImportRun.state.in_(OVER))))
