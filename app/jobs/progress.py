"""The progress of a running import, written to its queue folder.

It is not in the database because the import itself may have that locked (SQLite). Any service that shares the folder
can show it.
"""

import time
from datetime import UTC, datetime

from app.common.problems import Problem
from app.common.strict_json import Json
from app.jobs.queue import OpenRun, QueueFolder
from app.jobs.schemas import Progress, RunProblem, RunStatus
from app.jobs.vocabulary import RunState

EVERY = 0.5
"""Seconds between two writes while the state is the same."""


class Reporter:
    """Counts what a running import does and writes its status to the queue folder."""

    def __init__(self, folder: QueueFolder, run: OpenRun) -> None:
        self._folder, self._id = folder, run.request.id
        self._status = run.status.model_copy(update={"progress": Progress()})
        self._written_at = 0.0

    def _write(self, state: RunState, **numbers: int | None) -> None:
        before, now = self._status, time.monotonic()
        assert before.progress is not None
        progress = before.progress.model_copy(update=numbers)
        self._status = before.model_copy(update={"state": state, "progress": progress})
        if state != before.state or now >= self._written_at + EVERY:
            self._written_at = now
            self._folder.put(self._id, self._status)

    def fetched(self, pages: int, expected: int | None) -> None:
        """Note how many pages of a publisher's service have been fetched, and how many there are if that is known."""
        self._write("fetching", pages=pages, expected=expected)

    def read(self, units: int, refused: int) -> None:
        """Note how many source items have been read and refused so far."""
        self._write("writing" if self._status.state == "writing" else "reading", units=units, refused=refused)

    def applied(self, units: int) -> None:
        """Note that so many more source items have been applied."""
        assert self._status.progress is not None
        self._write("writing", applied=self._status.progress.applied + units)

    def done(self, report: Json) -> RunStatus:
        """Return the status of an import that has ended with this report."""
        changes = {"state": "done", "ended_at": datetime.now(UTC), "release": report["release"]}
        return self._status.model_copy(update=changes)

    @staticmethod
    def failed(run: OpenRun, problem: Problem) -> RunStatus:
        """Return the status of an import that has failed, with the progress that was written last."""
        changes = {"state": "failed", "ended_at": datetime.now(UTC), "problem": RunProblem.of(problem)}
        return run.status.model_copy(update=changes)
