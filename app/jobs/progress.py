"""How far an import is, written beside it on disk: the database may be locked by the import itself (SQLite).

Whatever service shares the folder can tell it; readers of the database are not disturbed.
"""

import time
from datetime import UTC, datetime
from typing import Any

from app.jobs.queue import Folder, OpenRun
from app.jobs.schemas import Progress, RunProblem, Standing
from app.jobs.vocabulary import RunState

EVERY = 0.5
"""Seconds between two tellings of the same state."""

Json = dict[str, Any]


class Reporter:
    def __init__(self, folder: Folder, run: OpenRun) -> None:
        self._folder, self._id = folder, run.ordered.id
        self._standing = run.standing.model_copy(update={"progress": Progress()})
        self._told_at = 0.0

    def _tell(self, state: RunState, **numbers: int | None) -> None:
        before, now = self._standing, time.monotonic()
        assert before.progress is not None
        progress = before.progress.model_copy(update=numbers)
        self._standing = before.model_copy(update={"state": state, "progress": progress})
        if state != before.state or now >= self._told_at + EVERY:
            self._told_at = now
            self._folder.put(self._id, self._standing)

    def fetched(self, pages: int, expected: int | None) -> None:
        self._tell("fetching", pages=pages, expected=expected)

    def read(self, units: int, refused: int) -> None:
        self._tell("writing" if self._standing.state == "writing" else "reading", units=units, refused=refused)

    def taken(self, units: int) -> None:
        """So many more."""
        assert self._standing.progress is not None
        self._tell("writing", applied=self._standing.progress.applied + units)

    def done(self, report: Json) -> Standing:
        said = {"state": "done", "ended_at": datetime.now(UTC), "release": report["release"]}
        return self._standing.model_copy(update=said)

    @staticmethod
    def failed(folder: Folder, run: OpenRun, problem: RunProblem) -> Standing:
        last = folder.find(run.ordered.id) or run
        said = {"state": "failed", "ended_at": datetime.now(UTC), "problem": problem}
        return last.standing.model_copy(update=said)
