"""Releases: many changes that come together under a name, all of them or none, told beforehand and undone together."""

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
from app.common.problems import Problem
from app.database.engine import open_engine, table_of
from app.records.fields import SLUG
from app.releases.models import Release
from app.releases.staging import Staged
from app.releases.summary import told
from app.store.revision import Progress, Revising, Summary, changing
from app.store.versions import Key

Json = dict[str, Any]

LONGEST_NAME = 120

NAME = re.compile(SLUG)


@dataclass(frozen=True, slots=True)
class Order:
    """What a release says of itself."""

    name: str
    reason: str
    who: Who
    reverts: str | None = None


def conflict(detail: str, *paths: str) -> Problem:
    return Problem("conflict", detail, errors=[{"pointer": "", "detail": path, "nearest": [path]} for path in paths])


def is_name(name: str) -> bool:
    return len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None


def refuse_taken(connection: Connection, name: str) -> None:
    if connection.scalars(select(Release.name).where(Release.name == name)).first() is not None:
        raise conflict(f"There is a release {name!r} already; a name is given once.", f"/v1/releases/{name}")


def counts_of(summary: Summary) -> Json:
    return {name: number for name, number in asdict(summary).items() if name != "revision"}


def enter(
    connection: Connection,
    staged: Staged,
    order: Order,
    progress: Progress = lambda _: None,
    refreshed: Collection[Key] = (),
) -> Json:
    """Makes a release in a transaction of `changing`, and reports what it did; nothing to do makes none.

    `said`: records of which imports say something else now, which is something to do.
    """
    refuse_taken(connection, order.name)
    entries = staged.settle(connection)
    revising = Revising(connection, actor=order.who.actor, reason=order.reason, progress=progress)
    revising.put(entries, list(staged.gone))
    revising.hear(refreshed)
    summary = revising.close()
    if summary.revision is None:
        return _report(order, summary, [], 0)
    action = "revert release" if order.reverts else "apply release"
    record_release(connection, order.name, summary, order.who, action, order.reason, reverts=order.reverts)
    records, total = told(connection, summary.revision)
    return _report(order, summary, records, total)


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
    """Says that a revision is a release, here and in the audit."""
    row = {"name": name, "revision": summary.revision, "reverts": reverts, "summary": counts_of(summary)}
    connection.execute(table_of(Release).insert(), row)
    note(connection, [Event(who, action, revision=summary.revision, detail=f"{name}: {reason}")])


def _report(order: Order, summary: Summary, records: list[Json], total: int) -> Json:
    refreshed = {"name": order.name, "revision": summary.revision, "actor": order.who.actor, "reason": order.reason}
    more = {"reverts": order.reverts, "counts": counts_of(summary)}
    return {**refreshed, **more, "records": records, "records_total": total}


def apply(engine: Engine, staged: Staged, order: Order, *, progress: Progress = lambda _: None) -> Json:
    with changing(engine) as connection:
        return enter(connection, staged, order, progress)


def preview(engine: Engine, staged: Staged, order: Order, *, progress: Progress = lambda _: None) -> Json:
    """The very release, and then undone before anybody could see it."""
    with apart(engine) as there, changing(there) as connection:
        report = enter(connection, staged, order, progress)
        connection.rollback()
    return report | {"revision": None}


@contextmanager
def apart(engine: Engine) -> Iterator[Engine]:
    """Where a preview keeps nobody waiting: a copy of the SQLite file, as of now.

    PostgreSQL has no such copy: there other writers wait for the end of the preview, and readers do not.
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
