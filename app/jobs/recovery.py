"""Recovery: imports that have ended, or whose process has ended, are recorded in the database and removed from disk.

Only a process that holds the queue's worker lock does this, so no import runs meanwhile.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from app.jobs import status as import_rows
from app.jobs.queue import OpenRun, QueueFolder
from app.jobs.schemas import RunStatus
from app.jobs.vocabulary import OVER, RUNNING, RunState

MOST_KEPT = 20
KEPT = timedelta(days=7)
"""How long, and how many at most, imports that stopped can be resumed; then the oldest are removed first."""


def needs_attention(folder: QueueFolder) -> bool:
    """Return whether any import waits to be run or recorded."""
    return any(not run.settled for run in folder.runs())


def _with_final_state(folder: QueueFolder, run: OpenRun) -> OpenRun | None:
    """Return an import with the state that it ended in, or None if it still waits to be run."""
    state: RunState = run.status.state
    if folder.is_cancelled(run.request.id) and state not in OVER:
        state = "cancelled"
    elif state == "queued":
        return None
    elif state in RUNNING:
        state = "interrupted"
    ended_at = run.status.ended_at or datetime.now(UTC)
    return run._replace(status=run.status.model_copy(update={"state": state, "ended_at": ended_at}))


def settle(connection: Connection, folder: QueueFolder, place: str) -> list[OpenRun]:
    """Record in the database all imports that have ended, and return them; `close` follows after the commit."""
    runs = list(folder.runs())
    import_rows.interrupt_lost(connection, place, [run.request.id for run in runs])
    ended = _ended(folder, runs)
    for run in ended:
        id = run.request.id
        if import_rows.store(connection, run, place, report=folder.report(id), answers=folder.answers(id)):
            import_rows.note_end(connection, run)
    over = import_rows.ids_over(connection, [run.request.id for run in ended])
    return [run._replace(status=_status_over(run)) if run.request.id in over else run for run in ended]


def _ended(folder: QueueFolder, runs: list[OpenRun]) -> list[OpenRun]:
    final = (_with_final_state(folder, run) for run in runs if not run.settled)
    return [run for run in final if run]


def _status_over(run: OpenRun) -> RunStatus:
    """Return the status of an import that is over in the database, which counts more than the folder's state."""
    state = run.status.state
    return run.status if state in OVER else run.status.model_copy(update={"state": "done"})


def close(folder: QueueFolder, ended: list[OpenRun]) -> None:
    """Remove from the folder all recorded imports that are over, and keep those that can be resumed, for a while."""
    for run in ended:
        if run.status.state in OVER:
            folder.remove(run.request.id)
        else:
            folder.put(run.request.id, run.status, settled=True)
    folder.sweep(MOST_KEPT, KEPT.total_seconds())


def next_queued(folder: QueueFolder) -> OpenRun | None:
    """Return the waiting import that was requested first, or None if none waits."""
    waiting = [run for run in folder.runs() if run.status.state == "queued"]
    return next((run for run in reversed(waiting) if not folder.is_cancelled(run.request.id)), None)


def begin(connection: Connection, folder: QueueFolder, run: OpenRun, place: str) -> OpenRun:
    """Record in the database that an import runs, and return it with its new status."""
    state = "fetching" if run.request.query else "reading"
    changes = {"state": state, "started_at": datetime.now(UTC), "progress": None}
    begun = run._replace(status=run.status.model_copy(update=changes), settled=False)
    import_rows.store(connection, begun, place, answers=folder.answers(run.request.id))
    return begun
