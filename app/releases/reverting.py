"""Undoing a release: each of its records as it was entered last before it, as new versions."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack

import orjson
from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import aliased

from app.access.audit import Who
from app.checking import Draft, still_referred
from app.db import reading
from app.documents import Document
from app.errors import Problem
from app.nearest import nearest
from app.releases.content import Change, Drafts, Gone
from app.releases.reading import entered_before, entered_or_deleted, found, names
from app.releases.service import Also, Json, Order, conflict, enter, is_name
from app.releases.staging import Staged, staged
from app.rows import batches
from app.versions import Key
from app.writing import Progress, changing

MOST_TOLD = 100


def revert_name(name: str) -> str:
    return f"revert-{name}"


def _release(connection: Connection, name: str) -> Json:
    release = found(connection, name)
    if release is None:
        near = nearest(name, names(connection))
        fault = {"pointer": "", "detail": f"There is no release {name!r}.", "nearest": near}
        raise Problem("not-found", str(fault["detail"]), errors=[fault])
    if release["reverted_by"]:
        by = release["reverted_by"]
        raise conflict(f"The release {name!r} was reverted already, by {by!r}.", f"/v1/releases/{by}")
    return release


def _refuse_later(connection: Connection, revision: int) -> None:
    """Records of the release that somebody changed since: that change would be lost."""
    ours, later = aliased(Document), aliased(Document)
    query = (
        select(later.type, later.id)
        .join(ours, (ours.type == later.type) & (ours.id == later.id))
        .where(ours.revision == revision, ours.change != "refreshed", later.revision > revision)
        .where(later.change != "refreshed")
        .distinct()
        .order_by(later.type, later.id)
        .limit(MOST_TOLD)
    )
    paths = [f"/v1/{type}/{id}" for type, id in connection.execute(query)]
    if paths:
        raise conflict("Records of this release were changed after it.", *paths)


def _refuse_needed(connection: Connection, gone: Collection[Key], but: Collection[Key]) -> None:
    needed = still_referred(connection, gone, but=but)
    if needed:
        by = sorted({other for others in needed.values() for other in others})[:MOST_TOLD]
        detail = "Other records now refer to what this release created."
        raise conflict(detail, *(f"/v1/{type}/{id}" for type, id in by))


def _as_before(connection: Connection, revision: int) -> Iterator[Change]:
    number = 0
    for some in batches(entered_or_deleted(connection, revision)):
        keys: list[Key] = [(row.type, row.id) for row in some if row.change in ("updated", "deleted")]
        before = entered_before(connection, keys, revision)
        for row in some:
            number += 1
            yield _undone(number, (row.type, row.id), row.change, before)


def _undone(number: int, key: Key, change: str, before: dict[Key, bytes]) -> Change:
    if change in ("created", "restored"):
        return Gone(number, *key)
    if key not in before:
        path = f"/v1/{key[0]}/{key[1]}"
        raise conflict(f"{path} is not kept as it was entered before this release.", path)
    return Draft(number, key[0], orjson.loads(before[key]))


def _refuse_unless_free(connection: Connection, name: str, staged: Staged) -> None:
    release = _release(connection, name)
    _refuse_later(connection, release["revision"])
    _refuse_needed(connection, staged.gone.keys(), staged.checking.keys)


def revert(
    engine: Engine,
    name: str,
    *,
    reason: str,
    who: Who,
    new_name: str | None = None,
    progress: Progress = lambda _: None,
    also: Also = lambda _connection, _report: None,
) -> Json:
    """Undoes a release as another one, which can be reverted too; raises a `Problem` where that would lose anything.

    What a release changed is kept for good, so it is read without the writers' lock; whether it may go, with it.
    """
    order = Order(new_name or revert_name(name), reason, who, reverts=name)
    if not is_name(order.name):
        raise conflict(f"{order.name!r} cannot be a release's name; give another.")
    with ExitStack() as stack:
        with reading(engine) as connection:
            release = _release(connection, name)
            _refuse_later(connection, release["revision"])
            content = Drafts(f"revert of {name}", _as_before(connection, release["revision"]))
            read = stack.enter_context(staged(content))
        with changing(engine) as connection:
            _refuse_unless_free(connection, name, read)
            report = enter(connection, read, order, progress)
            also(connection, report)
    return report
