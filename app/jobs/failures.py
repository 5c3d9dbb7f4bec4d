"""Exceptions that ended a job, translated to problems (RFC 9457)."""

from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from app.common.problems import MOST_SUMMED_UP, Fault, Problem
from app.database.errors import driver_error, explained, is_disk_full, is_read_only
from app.imports.candidates import Unreadable
from app.jobs.schemas import MOST_ERRORS
from app.releases.load import InvalidContent

log = structlog.get_logger("evidence.jobs")


def _sendable(fault: Fault) -> Fault:
    """Return a fault whose texts UTF-8 can encode, with the file by its name alone."""
    location, near = fault.location, tuple(map(_encodable, fault.nearest))
    where = replace(location, file=Path(location.file).name, record=_encodable(location.record))
    return Fault(_encodable(fault.detail), _encodable(fault.pointer), nearest=near, location=where)


def _encodable(text: str) -> str:
    """Escape lone surrogates, which content may hold and UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def _invalid(faults: list[Fault]) -> Problem:
    """Return the problem (422) for the faults of a release, each with its file and line."""
    found = [_sendable(fault) for fault in faults[:MOST_ERRORS]]
    places = (f"{fault.location.file}:{fault.location.line}" for fault in found)
    shown = " ".join(f"{place}: {fault.detail}." for place, fault in zip(places, found[:MOST_SUMMED_UP], strict=False))
    return Problem("invalid-record", shown, errors=found)


def _database_problem(error: Exception, file: Path | None) -> Problem | None:
    if is_disk_full(error, file) or is_read_only(error):
        return explained(error, file)
    if isinstance(error, (OperationalError, InterfaceError)):
        detail = "Another change is under way, or the database does not answer; nothing was changed."
        return Problem("database-unavailable", detail, headers={"retry-after": "5"})
    return None


def problem_of(error: Exception, kind: str, file: Path | None) -> Problem:
    """Return the problem for an exception that ended a job of a kind, and log one that no client has caused.

    `file` is the SQLite database's, or None for PostgreSQL.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unreadable):
        return Problem("malformed-content", f"{error}; nothing was changed.")
    if isinstance(error, InvalidContent):
        return _invalid(error.faults)
    problem = _database_problem(error, file)
    if problem:
        log.warning("a job broke off", kind=kind, error=str(driver_error(error)))
        return problem
    log.error("a job broke off", kind=kind, exc_info=error)
    return Problem("internal-error", f"The {kind} broke off; nothing was changed.")
