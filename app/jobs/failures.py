"""Why an import failed, in the words of problems."""

from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

from app.common.problems import KINDS, Problem, no_room
from app.database.errors import explained, is_disk_full, is_read_only
from app.imports.candidates import Unreadable
from app.jobs.schemas import RunProblem

log = structlog.get_logger("evidence.imports")

MOST_TOLD = 1000


def _told(problem: Problem) -> RunProblem:
    kind, errors = problem.kind, [dict(error) for error in problem.errors[:MOST_TOLD]]
    return RunProblem(type=f"/problems/{kind}", title=KINDS[kind].title, detail=problem.detail, errors=errors)


def problem_of(error: Exception, file: Path | None) -> RunProblem:
    """Why an import failed; `file` is the SQLite database's, if it is one."""
    if isinstance(error, Problem):
        return _told(error)
    if isinstance(error, Unreadable):
        return _told(Problem("malformed-content", f"{error}; nothing was changed."))
    if is_disk_full(error, file):
        return _told(no_room())
    if is_read_only(error):
        return _told(explained(error, file))
    if isinstance(error, DBAPIError):
        log.warning("an import broke off", error=str(error.orig))
        detail = "Another change is under way, or the database does not answer; nothing was changed."
        return _told(Problem("database-unavailable", detail))
    log.error("an import broke off", exc_info=error)
    return _told(Problem("internal-error", "The import broke off; nothing was changed."))
