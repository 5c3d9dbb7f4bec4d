"""Exceptions of an import, translated to the problem (RFC 9457) that its status shows."""

from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

from app.common.problems import KINDS, Problem, no_room
from app.database.errors import explained, is_disk_full, is_read_only
from app.imports.candidates import Unreadable
from app.jobs.schemas import RunProblem

log = structlog.get_logger("evidence.imports")

MOST_ERRORS = 1000
"""The most errors of a problem that are kept with an import."""


def _run_problem(problem: Problem) -> RunProblem:
    kind, errors = problem.kind, [fault.as_json() for fault in problem.errors[:MOST_ERRORS]]
    return RunProblem(type=f"/problems/{kind}", title=KINDS[kind].title, detail=problem.detail, errors=errors)


def problem_of(error: Exception, file: Path | None) -> RunProblem:
    """Return the problem for an exception that ended an import, and log one that is unexpected.

    `file` is the SQLite database's, or None for PostgreSQL.
    """
    if isinstance(error, Problem):
        return _run_problem(error)
    if isinstance(error, Unreadable):
        return _run_problem(Problem("malformed-content", f"{error}; nothing was changed."))
    if is_disk_full(error, file):
        return _run_problem(no_room())
    if is_read_only(error):
        return _run_problem(explained(error, file))
    if isinstance(error, DBAPIError):
        log.warning("an import broke off", error=str(error.orig))
        detail = "Another change is under way, or the database does not answer; nothing was changed."
        return _run_problem(Problem("database-unavailable", detail))
    log.error("an import broke off", exc_info=error)
    return _run_problem(Problem("internal-error", "The import broke off; nothing was changed."))
