"""Why an import failed, in the words of problems."""

import structlog
from sqlalchemy.exc import DBAPIError

from app.errors import KINDS, Problem, is_full, no_room
from app.importing.offers import Unreadable
from app.importing.runs.schemas import RunProblem

log = structlog.get_logger("evidence.imports")

MOST_TOLD = 1000


def _told(problem: Problem) -> RunProblem:
    kind, errors = problem.kind, [dict(error) for error in problem.errors[:MOST_TOLD]]
    return RunProblem(type=f"/problems/{kind}", title=KINDS[kind].title, detail=problem.detail, errors=errors)


def _is_full(error: BaseException | None) -> bool:
    """As SQLite and PostgreSQL say it."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(error, "sqlstate", "") == "53100"


def problem_of(error: Exception) -> RunProblem:
    if isinstance(error, Problem):
        return _told(error)
    if isinstance(error, Unreadable):
        return _told(Problem("malformed-content", f"{error}; nothing was changed."))
    if is_full(error) or (isinstance(error, DBAPIError) and _is_full(error.orig)):
        return _told(no_room())
    if isinstance(error, DBAPIError):
        log.warning("an import broke off", error=str(error.orig))
        detail = "Another change is under way, or the database does not answer; nothing was changed."
        return _told(Problem("database-unavailable", detail))
    log.error("an import broke off", exc_info=error)
    return _told(Problem("internal-error", "The import broke off; nothing was changed."))
