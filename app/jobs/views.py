"""Imports as the API shows them: from the queue folder while they are open, from the database when they are over."""

from typing import NamedTuple

from sqlalchemy import Connection

from app.common.strict_json import Json
from app.jobs import status as import_rows
from app.jobs.queue import OpenRun, QueueFolder
from app.jobs.schemas import ImportOut
from app.jobs.vocabulary import OVER, STOPPED


class ImportView(NamedTuple):
    """An import as it is shown, and where its files are."""

    shown: ImportOut
    is_local: bool
    """Whether this service's folder has the import, or the import is over and needs no folder."""


def of_open(folder: QueueFolder, run: OpenRun, *, with_report: bool = True) -> ImportOut:
    """Return an import of a queue folder as it is shown."""
    fields: Json = run.request.model_dump(exclude={"address", "request_id"}) | run.status.model_dump()
    if fields["state"] == "queued" and folder.is_cancelled(run.request.id):
        fields["state"] = "cancelled"  # no supervisor starts it, but none has recorded that yet
    report = folder.report(run.request.id) if with_report else None
    resumable = run.status.state in STOPPED and run.settled
    return ImportOut.model_validate({**fields, "report": report, "resumable": resumable})


def find_open(folder: QueueFolder, id: str) -> ImportOut | None:
    """Return an import of a queue folder as it is shown, or None if it is not there.

    Call it before reading the row: the row is written before the folder is removed, so one of the two always has it.
    """
    run = folder.find(id)
    return of_open(folder, run) if run else None


def choose(shown: ImportOut | None, row: tuple[ImportOut, str] | None, place: str) -> ImportView | None:
    """Return the newer one of what the folder and the database have of an import; None if neither has it.

    `row` is an import with the name of its folder, and `place` the name of this service's folder.
    """
    if row and (shown is None or row[0].state in OVER):
        return ImportView(row[0], is_local=row[0].state in OVER or row[1] == place)
    return ImportView(shown, is_local=True) if shown else None


def page(
    connection: Connection, before: str | None, limit: int, opens: dict[str, ImportOut]
) -> tuple[list[ImportOut], int]:
    """Return the newest imports before an id, up to one more than the limit, and the number of all imports.

    `opens` are the imports of the queue folder by id.
    """
    rows, known, total = import_rows.page(connection, before, limit + 1, opens.keys())
    waiting = {id: shown for id, shown in opens.items() if before is None or id < before}
    found = waiting | {row.id: _newer(row, waiting.get(row.id)) for row in rows}
    newest = sorted(found.values(), key=lambda shown: shown.id, reverse=True)
    return newest[: limit + 1], total + len(opens.keys() - known)


def _newer(row: ImportOut, shown: ImportOut | None) -> ImportOut:
    return shown if shown and row.state not in OVER else row
