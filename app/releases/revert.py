"""Reverting a release: each of its records becomes what was entered last before it, as a new version."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager

import orjson
from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import aliased

from app.common.problems import conflict, not_found
from app.common.strict_json import Json
from app.common.suggestions import nearest
from app.database.engine import reading
from app.releases.content import Change, Deletion, Drafts
from app.releases.service import ReleaseRequest, enter
from app.releases.staging import StagedRelease, staged
from app.releases.summary import entered_or_deleted, find_release, names
from app.store.documents import Document
from app.store.reconciliation.history import mark_undone
from app.store.revision import Progress, changing
from app.store.rows import batches
from app.store.submission import Submission
from app.store.validation import still_referred
from app.store.versions import Key, entered_before

MAX_PATHS = 100


def revert_name(name: str) -> str:
    """Return the name that the revert of a release gets if none is given."""
    return f"revert-{name}"


def revertible(connection: Connection, name: str) -> Json:
    """Return the release with a name; raise a `Problem` if there is none or if it was reverted already."""
    release = find_release(connection, name)
    if release is None:
        raise not_found(f"There is no release {name!r}.", nearest(name, names(connection)))
    if release["reverted_by"]:
        by = release["reverted_by"]
        raise conflict(f"The release {name!r} was reverted already, by {by!r}.", f"/v1/releases/{by}")
    return release


def _refuse_later(connection: Connection, revision: int) -> None:
    """Raise a `Problem` if records of the release were changed after it, because those changes would be lost."""
    ours, later = aliased(Document), aliased(Document)
    query = (
        select(later.type, later.id)
        .join(ours, (ours.type == later.type) & (ours.id == later.id))
        .where(ours.revision == revision, ours.change != "refreshed", later.revision > revision)
        .where(later.change != "refreshed")
        .distinct()
        .order_by(later.type, later.id)
        .limit(MAX_PATHS)
    )
    paths = [f"/v1/{type}/{id}" for type, id in connection.execute(query)]
    if paths:
        raise conflict("Records of this release were changed after it.", *paths)


def _refuse_needed(connection: Connection, gone: Collection[Key], but: Collection[Key]) -> None:
    needed = still_referred(connection, gone, but=but)
    if needed:
        by = sorted({other for others in needed.values() for other in others})[:MAX_PATHS]
        detail = "Other records now refer to what this release created."
        raise conflict(detail, *(f"/v1/{type}/{id}" for type, id in by))


def _inverse_changes(connection: Connection, revision: int) -> Iterator[Change]:
    number = 0
    for some in batches(entered_or_deleted(connection, revision)):
        keys: list[Key] = [(row.type, row.id) for row in some if row.change in ("updated", "deleted")]
        before = entered_before(connection, keys, revision)
        for row in some:
            number += 1
            yield _inverse_change(number, (row.type, row.id), row.change, before)


def _inverse_change(number: int, key: Key, change: str, before: dict[Key, bytes]) -> Change:
    if change in ("created", "restored"):
        return Deletion(number, *key)
    if key not in before:
        path = f"/v1/{key[0]}/{key[1]}"
        raise conflict(f"{path} is not kept as it was entered before this release.", path)
    return Submission(number, key[0], orjson.loads(before[key]))


@contextmanager
def prepared(engine: Engine, name: str) -> Iterator[StagedRelease]:
    """Stage the changes that undo a release. Old versions never change, so they are read without the writers' lock."""
    with ExitStack() as stack:
        with reading(engine) as connection:
            revision = revertible(connection, name)["revision"]
            _refuse_later(connection, revision)
            content = Drafts(f"revert of {name}", _inverse_changes(connection, revision))
            read = stack.enter_context(staged(content))
        yield read


def _first_release(connection: Connection, release: Json) -> tuple[int, bool]:
    """Follow a chain of reverts to the release that it began with.

    Return that release's revision, and whether reverting `release` leaves it undone.
    """
    undone = True
    while release["reverts"]:
        before = find_release(connection, release["reverts"])
        assert before is not None
        release, undone = before, not undone
    return release["revision"], undone


def undo(
    connection: Connection, staged: StagedRelease, request: ReleaseRequest, progress: Progress = lambda _: None
) -> Json:
    """Write the staged revert in a transaction of `changing`, and return its report.

    It raises a `Problem` if later changes would be lost or if references to deleted records would remain.
    """
    assert request.reverts is not None
    release = revertible(connection, request.reverts)
    _refuse_later(connection, release["revision"])
    _refuse_needed(connection, staged.deletions.keys(), staged.checking.keys)
    first, undone = _first_release(connection, release)
    refreshed = mark_undone(connection, first, undone=undone)
    return enter(connection, staged, request, progress, refreshed)


def revert(engine: Engine, request: ReleaseRequest, *, progress: Progress = lambda _: None) -> Json:
    """Undo the release `request.reverts` by another release, which can be reverted too, and return its report."""
    assert request.reverts is not None
    with prepared(engine, request.reverts) as read, changing(engine) as connection:
        return undo(connection, read, request, progress)
