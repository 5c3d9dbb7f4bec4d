"""What all commands share: exit codes, opening the database of the settings, progress bars, error messages."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.common.problems import is_full
from app.database.engine import existing, open_engine, reading, sqlite_file
from app.database.errors import driver_error, explained, is_read_only, is_unreadable
from app.settings import Settings

FAULTS, USAGE, UNUSABLE, ADDRESS_IN_USE, SKIPPED, INTERRUPTED = 1, 2, 3, 4, 5, 130
"""The exit codes, which `evidence --help` explains."""

MOST_FAULTS = 1000
ACTOR = "command line"
"""The actor in the audit and in the versions of records that commands change."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def stop(code: int, message: str) -> typer.Exit:
    """Print an error and return the exception that ends the command with an exit code."""
    errors.print(message, markup=False)
    return typer.Exit(code)


def stop_for_faults(faults: Sequence[object]) -> typer.Exit:
    """Print the faults of content, at most 1,000 of them, and return the exception that ends the command."""
    for fault in faults[:MOST_FAULTS]:
        errors.print(str(fault), markup=False)
    many = f"{MOST_FAULTS} or more" if len(faults) >= MOST_FAULTS else len(faults)
    return stop(FAULTS, f"{many} fault(s); nothing was changed.")


@contextmanager
def database(settings: Settings, *, migrated: bool = True) -> Iterator[Engine]:
    """Open the database of the settings while the block runs.

    An error of the database or a full disk ends the command with a message. `migrated` demands a schema of this
    version.
    """
    from app.query.pages import now

    url = settings.database_url.get_secret_value()
    engine = open_engine(existing(url) if migrated else url, lock_timeout_ms=settings.lock_timeout_ms)
    try:
        if migrated:
            with reading(engine) as connection:
                now(connection)
        yield engine
    except (DBAPIError, sqlite3.OperationalError) as error:
        raise stop(UNUSABLE, f"The database cannot be used: {_why(error, sqlite_file(url))}") from None
    except OSError as error:
        if not is_full(error):
            raise
        raise stop(UNUSABLE, f"The disk is full; nothing was changed ({error.filename or error.strerror}).") from None
    finally:
        engine.dispose()


def _why(error: Exception, file: Path | None) -> str:
    if file is not None and (is_read_only(error) or is_unreadable(file)):
        return f"{explained(error, file).detail} The file is {file}; nothing was changed."
    return hint(str(driver_error(error)))


HINTS = {
    "no such table": "it has no tables yet; run `evidence migrate`.",
    "alembic_version": "it has no tables yet; run `evidence migrate`.",
    "unable to open": "there is no such file, or it cannot be opened; `evidence migrate` makes one.",
    "locked": "another process is writing to it and did not finish in time; nothing was changed.",
    "lock timeout": "another process is writing to it and did not finish in time; nothing was changed.",
    "readonly": "it is read-only; nothing was changed.",
    "disk is full": "the disk is full; nothing was changed.",
    "does not exist": "it has no tables yet, or is not there; `evidence migrate` makes the tables.",
    "disk I/O": "the disk is full or failing; nothing was changed.",
    "No space": "the disk is full; nothing was changed.",
    "not a database": "the file holds something else.",
}


def hint(detail: str) -> str:
    """Return what an error of the database means and what to do about it, with the error's own text."""
    return next((f"{hint} ({detail.strip()})" for sign, hint in HINTS.items() if sign in detail), detail.strip())


@contextmanager
def bar(what: str, total: int | None = None) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Show a progress bar while the block runs; yield a function that sets its total and one that advances it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task(what, total=total)
        yield (
            lambda number: progress.update(task, total=number),
            lambda number: progress.advance(task, number),
        )
