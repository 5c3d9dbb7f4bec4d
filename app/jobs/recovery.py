"""What was left by whoever ran it last; done by whoever has the turn, and so knows that nothing runs."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from app.jobs import status as records
from app.jobs.queue import Folder, OpenRun
from app.jobs.schemas import Standing
from app.jobs.vocabulary import OVER, RUNNING, RunState

MOST_KEPT = 20
KEPT = timedelta(days=7)
"""Imports that stopped may be gone on with so long; of more than so many the oldest may not."""


def needs_attention(folder: Folder) -> bool:
    return any(not run.settled for run in folder.runs())


def _ended(folder: Folder, run: OpenRun) -> OpenRun | None:
    """What a run has come to; nothing for one that waits for its turn."""
    state: RunState = run.standing.state
    if folder.is_cancelled(run.ordered.id) and state not in OVER:
        state = "cancelled"
    elif state == "queued":
        return None
    elif state in RUNNING:
        state = "interrupted"
    ended_at = run.standing.ended_at or datetime.now(UTC)
    return run._replace(standing=run.standing.model_copy(update={"state": state, "ended_at": ended_at}))


def settle(connection: Connection, folder: Folder, place: str) -> list[OpenRun]:
    """Writes down what has ended; `close` follows when that is committed."""
    runs = list(folder.runs())
    records.give_up(connection, place, [run.ordered.id for run in runs])
    ended = [run for run in (_ended(folder, run) for run in runs if not run.settled) if run]
    for run in ended:
        id = run.ordered.id
        if records.store(connection, run, place, report=folder.report(id), answers=folder.answers(id)):
            records.told(connection, run)
    done = records.over(connection, [run.ordered.id for run in ended])
    return [run._replace(standing=_over(run)) if run.ordered.id in done else run for run in ended]


def _over(run: OpenRun) -> Standing:
    """Whatever the folder says of it, the database has the last word."""
    state = run.standing.state
    return run.standing if state in OVER else run.standing.model_copy(update={"state": "done"})


def close(folder: Folder, ended: list[OpenRun]) -> None:
    for run in ended:
        if run.standing.state in OVER:
            folder.remove(run.ordered.id)
        else:
            folder.put(run.ordered.id, run.standing, settled=True)
    folder.sweep(MOST_KEPT, KEPT.total_seconds())


def next_one(folder: Folder) -> OpenRun | None:
    """The one that has waited longest since it was asked for first."""
    waiting = [run for run in folder.runs() if run.standing.state == "queued"]
    return next((run for run in reversed(waiting) if not folder.is_cancelled(run.ordered.id)), None)


def begin(connection: Connection, folder: Folder, run: OpenRun, place: str) -> OpenRun:
    """Its row says from now on that it runs."""
    state = "fetching" if run.ordered.query else "reading"
    begun = {"state": state, "started_at": datetime.now(UTC), "progress": None}
    found = run._replace(standing=run.standing.model_copy(update=begun), settled=False)
    records.store(connection, found, place, answers=folder.answers(run.ordered.id))
    return found
