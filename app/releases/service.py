"""Releases: many changes under one name, applied all or none, which can be previewed and reverted.

content  --staging-->  checked records on disk  --enter-->  one revision  +  a row of `releases`  +  the report
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from sqlite3 import connect
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, select

from app.auth.audit import Event, Who, note
from app.common.problems import conflict
from app.common.strict_json import Json
from app.database.engine import open_engine, table_of
from app.records.fields import SLUG
from app.releases.models import Release
from app.releases.staging import StagedRelease
from app.releases.summary import changed_records
from app.store.revision import Progress, RevisionWriter, Summary, changing
from app.store.versions import Key

LONGEST_NAME = 120

NAME = re.compile(SLUG)


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """The request for a release."""

    name: str
    reason: str
    who: Who
    reverts: str | None = None
    """The name of the release that this one undoes, if any."""


def is_name(name: str) -> bool:
    """Return whether a text may be the name of a release."""
    return len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None


def refuse_taken(connection: Connection, name: str) -> None:
    """Raise a `Problem` (409) if there is a release of this name."""
    if connection.scalars(select(Release.name).where(Release.name == name)).first() is not None:
        raise conflict(f"There is a release {name!r} already; a name is given once.", f"/v1/releases/{name}")


def counts_of(summary: Summary) -> Json:
    """Return the numbers of records by kind of change, as reports show them."""
    return {name: number for name, number in asdict(summary).items() if name != "revision"}


def enter(
    connection: Connection,
    staged: StagedRelease,
    request: ReleaseRequest,
    progress: Progress = lambda _: None,
    refreshed: Collection[Key] = (),
) -> Json:
    """Write a release in a transaction of `changing`, and return its report. If nothing changes, no release is made.

    `refreshed` are records whose imported contributions have changed, as by a revert; their conflicts are derived anew.
    It raises `InvalidContent` with all faults, or a `Problem` if another release has the name.
    """
    refuse_taken(connection, request.name)
    entries = staged.settle(connection)
    revising = RevisionWriter(connection, actor=request.who.actor, reason=request.reason, progress=progress)
    revising.put(entries, list(staged.deletions))
    revising.hear(refreshed)
    summary = revising.close()
    if summary.revision is None:
        return _report(request, summary, [], 0)
    action = "revert release" if request.reverts else "apply release"
    record_release(connection, request.name, summary, request.who, action, request.reason, reverts=request.reverts)
    records, total = changed_records(connection, summary.revision)
    return _report(request, summary, records, total)


def record_release(
    connection: Connection,
    name: str,
    summary: Summary,
    who: Who,
    action: str,
    reason: str,
    *,
    reverts: str | None = None,
) -> None:
    """Record a revision as a release, in the table of releases and in the audit trail."""
    row = {"name": name, "revision": summary.revision, "reverts": reverts, "summary": counts_of(summary)}
    connection.execute(table_of(Release).insert(), row)
    note(connection, [Event(who, action, revision=summary.revision, detail=f"{name}: {reason}")])


def _report(request: ReleaseRequest, summary: Summary, records: list[Json], total: int) -> Json:
    return {
        "name": request.name,
        "revision": summary.revision,
        "actor": request.who.actor,
        "reason": request.reason,
        "reverts": request.reverts,
        "counts": counts_of(summary),
        "records": records,
        "records_total": total,
    }


def apply(
    engine: Engine, staged: StagedRelease, request: ReleaseRequest, *, progress: Progress = lambda _: None
) -> Json:
    """Write a release in a transaction of its own, and return its report; see `enter`."""
    with changing(engine) as connection:
        return enter(connection, staged, request, progress)


def preview(
    engine: Engine, staged: StagedRelease, request: ReleaseRequest, *, progress: Progress = lambda _: None
) -> Json:
    """Return the report of a release that is written and rolled back, so that nothing of it is ever visible."""
    with preview_engine(engine) as there, changing(there) as connection:
        report = enter(connection, staged, request, progress)
        connection.rollback()
    return report | {"revision": None}


@contextmanager
def preview_engine(engine: Engine) -> Iterator[Engine]:
    """Yield the engine that a preview writes with: for SQLite, one of a temporary copy, so that no other writer waits.

    For PostgreSQL, it is `engine` itself; there other writers wait until the preview has ended, and readers do not.
    """
    if engine.dialect.name != "sqlite":
        yield engine
        return
    with TemporaryDirectory(prefix="evidence-") as folder:
        file = Path(folder) / "copy.db"
        _copy(engine, file)
        copied = open_engine(f"sqlite:///{file}")
        try:
            yield copied
        finally:
            copied.dispose()


def _copy(engine: Engine, file: Path) -> None:
    pooled, target = engine.raw_connection(), connect(file)
    try:
        driver: Any = pooled.driver_connection
        driver.backup(target)
    finally:
        target.close()
        pooled.close()
