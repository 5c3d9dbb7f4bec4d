"""What is told of an import: what its folder says while it is open, and what its row says once it is over."""

from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.jobs import status as records
from app.jobs.queue import Folder, OpenRun
from app.jobs.schemas import ImportOut
from app.jobs.vocabulary import OVER, STOPPED

Json = dict[str, Any]


class Seen(NamedTuple):
    shown: ImportOut
    is_here: bool
    """Its folder is this one, or it is over and needs none."""


def of_open(folder: Folder, run: OpenRun, *, whole: bool = True) -> ImportOut:
    said: Json = run.ordered.model_dump(exclude={"address", "request_id"}) | run.standing.model_dump()
    if said["state"] == "queued" and folder.is_cancelled(run.ordered.id):
        said["state"] = "cancelled"  # nobody begins it any more, and nobody has written it down yet
    report = folder.report(run.ordered.id) if whole else None
    resumable = run.standing.state in STOPPED and run.settled
    return ImportOut.model_validate({**said, "report": report, "resumable": resumable})


def look(folder: Folder, id: str) -> ImportOut | None:
    """What the folder says; to be asked before the row is, which is written before the folder goes."""
    run = folder.find(id)
    return of_open(folder, run) if run else None


def choose(shown: ImportOut | None, row: tuple[ImportOut, str] | None, place: str) -> Seen | None:
    if row and (shown is None or row[0].state in OVER):
        return Seen(row[0], is_here=row[0].state in OVER or row[1] == place)
    return Seen(shown, is_here=True) if shown else None


def page(
    connection: Connection, before: str | None, limit: int, opens: dict[str, ImportOut]
) -> tuple[list[ImportOut], int]:
    """The newest before an id, and how many there are at all; one more than the limit where there are more."""
    rows, known, total = records.page(connection, before, limit + 1, opens.keys())
    waiting = {id: shown for id, shown in opens.items() if before is None or id < before}
    found = waiting | {row.id: _truer(row, waiting.get(row.id)) for row in rows}
    newest = sorted(found.values(), key=lambda shown: shown.id, reverse=True)
    return newest[: limit + 1], total + len(opens.keys() - known)


def _truer(row: ImportOut, shown: ImportOut | None) -> ImportOut:
    return shown if shown and row.state not in OVER else row
