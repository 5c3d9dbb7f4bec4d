"""One import from its inputs to its release: read in a process of its own, written in one transaction.

inputs -> reader process -> found items -> `import_units` of the format -> revision, release, report
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, Engine, select

from app.auth.audit import Who
from app.common.problems import Problem
from app.database.engine import reading
from app.imports.candidates import Found, Json
from app.imports.name_index import read_names
from app.imports.reader_process import Input, ReadRequest, count_units, read_in_process, start_reading
from app.imports.registry import DEFAULT_READ_SETTINGS, FORMATS, ReadSettings
from app.imports.report import ImportRequest, OnError, Stopped, fault_of
from app.releases.models import Release
from app.releases.service import preview_engine
from app.releases.summary import changed_records
from app.store.revision import changing

Report = Json
"""The report of an import as JSON. `release` is the name of the release that was made, or `None`."""

BeforeCommit = Callable[[Connection, Report], None]
"""Is called with the report, in the import's own transaction, just before it is committed."""


class Job(NamedTuple):
    """What an import is made from, and how."""

    format: str
    inputs: tuple[Input, ...]
    since: str | None
    """If set, items that were last updated before this day (YYYY-MM-DD) are passed over."""
    on_error: OnError
    dry_run: bool
    name: str | None
    """The name of the release, or `None` for the first free `import-FORMAT-YYYY-MM-DD[-n]`."""
    reason: str | None
    who: Who
    settings: ReadSettings = DEFAULT_READ_SETTINGS
    allow_older: bool = False
    """Whether records are imported that are older than what is stored of them."""


class ProgressListener(Protocol):
    """Receives the progress of an import."""

    def read(self, units: int, refused: int) -> None:
        """Takes the number of items and of rejections that were read so far."""

    def applied(self, units: int) -> None:
        """Takes the number of items, rejected ones included, that were processed since the last call."""


def stopped(error: Stopped) -> Report:
    """The report of an import that rejections stopped."""
    return {"release": None, **error.report.as_json()}


def refused(report: Report) -> Problem:
    """The problem for the report of an import that rejections stopped."""
    total = report["units"]["refused"]
    detail = f"{total} refused, so nothing was changed; `on_error` of `skip` takes the others."
    return Problem("invalid-record", detail, errors=map(fault_of, report["refusals"]))


def day(value: str | None) -> date | None:
    """Parses a day such as 2026-11-25; `None` stays `None`."""
    return date.fromisoformat(value) if value else None


def _free_release_name(connection: Connection, format: str) -> str:
    """The first free name among `import-FORMAT-YYYY-MM-DD`, `...-2`, `...-3`."""
    first = f"import-{format}-{datetime.now(UTC):%Y-%m-%d}"
    taken = set(connection.scalars(select(Release.name).where(Release.name.startswith(first, autoescape=True))))
    numbered = (f"{first}-{number}" for number in range(2, len(taken) + 3))
    return first if first not in taken else next(name for name in numbered if name not in taken)


def _release_preview(connection: Connection, revision: int | None) -> Report:
    """What the release of a dry run would show of its records, because it cannot be looked up later."""
    records, total = changed_records(connection, revision) if revision is not None else ([], 0)
    return {"records": records, "records_total": total}


def _do_nothing(_: Connection, __: Report) -> None: ...


@contextmanager
def open_writer(
    engine: Engine, found: Iterator[Found], *, dry_run: bool
) -> Iterator[tuple[Connection, Iterator[Found]]]:
    """Opens the transaction of an import once the first item is read: until then, others can write.

    The transaction of a dry run is made apart from the database where that is possible, and rolled back at its end.
    """
    where = preview_engine(engine) if dry_run else nullcontext(engine)
    with where as there:
        units = start_reading(found)
        with changing(there) as connection:
            yield connection, units
            if dry_run:
                connection.rollback()


def run_import(engine: Engine, job: Job, progress: ProgressListener, done: BeforeCommit = _do_nothing) -> Report:
    """Makes an import, or reports what a dry run would do; raises `Stopped` with a report if items are rejected."""
    format = FORMATS[job.format]
    with reading(engine) as connection:
        names = read_names(connection)
    found = read_in_process(ReadRequest(job.format, job.inputs, names, job.since, job.settings))
    with closing(found), open_writer(engine, found, dry_run=job.dry_run) as (connection, units):
        name = job.name or _free_release_name(connection, job.format)
        reason = job.reason or f"import {name}"
        request = ImportRequest(job.format, name, reason, job.who, job.on_error, job.allow_older)
        imported = format.engine()(connection, count_units(units, progress.read), request, progress.applied)
        report = {"release": None, **imported.as_json()}
        if job.dry_run:
            return report | _release_preview(connection, imported.revision) | {"revision": None}
        if report["revision"] is not None and format.is_release:
            report["release"] = name
        done(connection, report)
    return report
