"""Explaining database errors as problems: a full disk, a read-only database, an unreadable file, a database that is not
migrated, or one that does not answer.

SQLite errors have a `sqlite_errorname` (sqlite.org/rescode.html), PostgreSQL's a SQLSTATE (PostgreSQL, appendix A).
"""

import os
from pathlib import Path

from app.common.problems import Problem, is_full, no_room

NOT_MIGRATED = ("no such table", "UndefinedTable", "unable to open database file", "does not exist")
"""Parts of the drivers' errors if there is no database, or an empty one."""

FULL_BYTES = 65_536
"""With fewer bytes left on a disk, SQLite cannot extend its shared memory file, which grows by 32 KB."""

DISK_FULL, READ_ONLY = "53100", "25006"
"""SQLSTATE codes: `disk_full` and `read_only_sql_transaction`."""


def driver_error(error: BaseException) -> BaseException:
    """The driver's error that SQLAlchemy wrapped, or the error itself."""
    return getattr(error, "orig", None) or error


def _sqlite_name(error: BaseException) -> str:
    return str(getattr(driver_error(error), "sqlite_errorname", ""))


def _sqlstate(error: BaseException) -> str:
    return str(getattr(driver_error(error), "sqlstate", ""))


def has_no_room(folder: Path) -> bool:
    """Whether a folder's disk has too few bytes or no files left for a database to run."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < FULL_BYTES or (found.f_files > 0 and found.f_favail == 0)


def is_disk_full(error: BaseException, file: Path | None) -> bool:
    """Whether an error is due to a full disk; `file` is the file of a SQLite database.

    SQLite reports a full disk only when it writes to the database or its log. If it cannot create the files that it
    needs for reading, it reports a general input or output error, so the disk itself is examined then.
    """
    name = _sqlite_name(error)
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE") or _sqlstate(error) == DISK_FULL or is_full(error):
        return True
    return file is not None and name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and has_no_room(file.parent)


def is_read_only(error: BaseException) -> bool:
    """Whether an error is due to a database that can only be read."""
    return _sqlite_name(error).startswith("SQLITE_READONLY") or _sqlstate(error) == READ_ONLY


def explained(error: BaseException, file: Path | None) -> Problem:
    """Explain an error as a problem, which names the SQLite database's `file` but not its folder: only the log does."""
    if is_disk_full(error, file):
        return no_room()
    if is_read_only(error):
        return Problem("database-read-only", _why_read_only(error, file))
    driver = driver_error(error)
    if any(sign in f"{type(driver).__name__} {driver}" for sign in NOT_MIGRATED):
        return Problem("database-not-ready", _why_not_ready(file), headers={"retry-after": "5"})
    return Problem("database-unavailable", "The database does not answer just now.", headers={"retry-after": "5"})


def _why_read_only(error: BaseException, file: Path | None) -> str:
    if file is None:
        return "The database takes no changes just now: it is a standby, or set to be read only."
    if _sqlite_name(error) in ("SQLITE_READONLY_DIRECTORY", "SQLITE_READONLY_CANTINIT"):
        return (
            f"The service has no permission to write in the folder of the database file {file.name!r}; SQLite's log "
            "(WAL) needs that even for reading."
        )
    return f"The service has no permission to write to the database file {file.name!r}, so it can only be read."


def is_unreadable(file: Path | None) -> bool:
    """Whether there is a database file that the service has no permission to read."""
    return file is not None and file.exists() and not os.access(file, os.R_OK)


def _why_not_ready(file: Path | None) -> str:
    if file is not None and is_unreadable(file):
        return f"The service has no permission to read the database file {file.name!r}."
    return "There is no migrated database; run `evidence migrate`."
