"""A revision: the one way in which data changes.

lock -> validation -> rows -> derived columns -> documents, and those that show them -> revision -> commit
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, update

from app.database import prepared
from app.database.engine import table_of, writing
from app.records.base_models import Deletion
from app.records.registry import RESOURCES
from app.records.resource import Resource, Rows
from app.store.bulk_insert import AnalyzeAfterBulk
from app.store.derived import derive_columns
from app.store.documents import Change, Document, Revision, State
from app.store.entry import Entry, PrebuiltRecord
from app.store.plan import EntriesWithRows, Plan, rows_by_type
from app.store.prebuilt import insert_prebuilt_main, insert_prebuilt_parts, insertable, store_prebuilt
from app.store.quotes.reanchor import reanchor_quotes, replaced_texts
from app.store.reconciliation.history import derive_conflicts, last_entered
from app.store.rendering import dependents, shapes
from app.store.rows import (
    batches,
    clear_all_parts,
    clear_parts,
    delete_main,
    deleted,
    insert_main,
    insert_parts,
    update_main,
)
from app.store.versions import Key, delete_documents, grouped, store

Progress = Callable[[int], None]
"""Is called with how many more records are done."""


@dataclass(slots=True)
class Summary:
    """How many records a revision changed, and in which way."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refreshed: int = 0
    restored: int = 0
    deleted: int = 0
    revision: int | None = None
    """The revision's number, or nothing if nothing was changed."""


_NEWEST, _CHANGED_AT = select(State.revision), select(State.changed_at)
_LOCK = _NEWEST.with_for_update()
_OPEN = table_of(Revision).insert()
_COMMITTED = update(Revision).where(Revision.revision == bindparam("of")).values(committed_at=bindparam("at"))
_MOVE = update(State).values(revision=bindparam("of"), changed_at=bindparam("at"), shapes=bindparam("by"))


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the writers' lock from its start, so what it validates is still true when it commits."""
    with writing(engine) as connection:
        prepared.rows(connection, _LOCK, {})
        yield connection


def open_revision(connection: Connection, actor: str, reason: str) -> int:
    """Insert the row of the next revision and return its number. `close_revision` must follow in the transaction."""
    [[before]] = prepared.rows(connection, _NEWEST, {})
    revision: int = before + 1
    row = {"revision": revision, "committed_at": datetime.now(UTC), "actor": actor, "reason": reason}
    prepared.execute(connection, _OPEN, row)
    return revision


def close_revision(connection: Connection, revision: int) -> None:
    """Move the database to a revision, as the last statements of its transaction.

    The revision's time is set here and not when it was opened, since readers see it from now on. It is always later
    than that of the revision before, even if the clock was set back.
    """
    [[before]] = prepared.rows(connection, _CHANGED_AT, {})
    at = max(datetime.now(UTC), before + timedelta(microseconds=1))
    prepared.execute(connection, _COMMITTED, {"of": revision, "at": at})
    prepared.execute(connection, _MOVE, {"of": revision, "at": at, "by": shapes()})


def _write_rows(
    connection: Connection, plan: Plan, entries: EntriesWithRows, prebuilt: Mapping[Key, PrebuiltRecord]
) -> None:
    """Write all main rows before all parts, since any part may refer to any main row.

    The parts of updated records are cleared with the main rows, so that no new part meets an old one. Rows that are
    the same as before stay.
    """
    insert_prebuilt_main(connection, prebuilt)
    for some in entries:
        for resource, rows in rows_by_type(some):
            _write_main(connection, plan, resource, rows)
    for some in entries:
        for resource, rows in rows_by_type(some):
            insert_parts(connection, resource, [plan.changed_rows(resource.type, id, rows[id]) for id in rows])
    insert_prebuilt_parts(connection, prebuilt)
    restored = plan.keys("restored")
    for type, ids in grouped(restored):
        connection.execute(delete(Deletion).where(Deletion.record_type == type, Deletion.record_id.in_(ids)))


def _write_main(connection: Connection, plan: Plan, resource: Resource, rows: Mapping[str, Rows]) -> None:
    by_change: dict[Change, dict[str, Rows]] = defaultdict(dict)
    for id, some in rows.items():
        by_change[plan.changes[resource.type, id]][id] = plan.changed_rows(resource.type, id, some)
    insert_main(connection, resource, [*by_change["created"].values()], [*by_change["restored"].values()])
    update_main(connection, resource, [*by_change["updated"].values()])
    clear_parts(connection, resource, by_change["updated"])


def _remove(connection: Connection, keys: Sequence[Key]) -> None:
    """Delete records, the types in the reverse of the order in which they refer to each other."""
    for type in reversed(RESOURCES):
        delete_main(connection, RESOURCES[type], [id for of, id in keys if of == type])
    if keys:
        connection.execute(table_of(Deletion).insert(), [{"record_type": type, "record_id": id} for type, id in keys])


def _shown_in(connection: Connection, keys: Iterable[Key], *, new: bool = False) -> set[Key]:
    return {key for type, some in grouped(keys) for key in dependents(connection, type, some, new=new)}


class RevisionWriter:
    """Writes one revision by any number of `put`s, in a transaction of `changing`; `close` ends it.

    The revision is opened by the first change, so that a change without effect makes none.
    """

    def __init__(self, connection: Connection, *, actor: str, reason: str, progress: Progress = lambda _: None) -> None:
        self.summary = Summary()
        self._connection, self._actor, self._reason, self._progress = connection, actor, reason, progress
        self._shown: set[Key] = set()
        self._analyze = AnalyzeAfterBulk(connection)
        self._has_changed_conflicts = False
        """Whether documents were rendered again because their conflicts changed."""

    def put(self, entries: Iterable[Entry], gone: Sequence[Key] = ()) -> None:
        """Write entries and delete the records of `gone`.

        All must be validated: entries refer only to each other and to stored records, and no other record refers to a
        deleted one. `entries` come in the order of their types and are iterated several times.
        """
        plan = Plan.of(self._connection, entries)
        self._count(plan, gone)
        if not (plan.changes or gone):
            return
        connection, revision = self._connection, self.opened()
        prebuilt = insertable(plan.prebuilt, entries)
        with_rows = EntriesWithRows(plan, entries, prebuilt.keys())
        plan.compare(connection, with_rows)
        shown = _shown_in(connection, [*plan.seen(), *gone]) - set(gone)
        delete_documents(connection, gone, revision)
        for type, ids in grouped(gone):
            clear_all_parts(connection, RESOURCES[type], ids)
        texts = replaced_texts(connection, plan.source_texts(entries))
        _write_rows(connection, plan, with_rows, prebuilt)
        _remove(connection, gone)
        reanchor_quotes(connection, texts, plan.changes.keys())
        derive_columns(connection, plan.with_other_derived_columns() - prebuilt.keys())
        derive_conflicts(connection, plan.entered_again(entries), revision)
        shown |= store_prebuilt(connection, prebuilt, revision)
        shown |= self._store(plan, with_rows, revision)
        self._analyze.add(len(plan.changes))
        # records that were entered now were rendered from the present rows already
        self._shown = (self._shown | shown) - plan.changes.keys()

    def hear(self, keys: Iterable[Key]) -> None:
        """Derive the conflicts of records again, whose contributions by imports have changed, and render those whose
        conflicts differ.
        """
        for some in batches(keys):
            there = set(some) - deleted(self._connection, some)
            changed = derive_conflicts(self._connection, last_entered(self._connection, there), self.opened())
            shown = sorted(key for key in changed if key[0] != "sources")
            self._has_changed_conflicts |= bool(store(self._connection, shown, self.opened()))

    def _count(self, plan: Plan, gone: Sequence[Key]) -> None:
        for change in plan.changes.values():
            setattr(self.summary, change, getattr(self.summary, change) + 1)
        self.summary.unchanged += plan.unchanged
        self.summary.deleted += len(gone)
        self._progress(plan.unchanged)

    def opened(self) -> int:
        """Return the revision's number, and open the revision if nothing has changed yet."""
        if self.summary.revision is None:
            self.summary.revision = open_revision(self._connection, self._actor, self._reason)
        return self.summary.revision

    def _store(self, plan: Plan, entries: EntriesWithRows, revision: int) -> set[Key]:
        shown: set[Key] = set()
        for some in entries:
            entered = {entry.key: entry.entered for entry, _ in some}
            written = {entry.key: rows for entry, rows in some}
            stored = store(self._connection, entered, revision, entered, written, self._progress)
            updated = {key for key in stored if plan.changes[key] == "updated"}
            shown |= _shown_in(self._connection, plan.seen_now(self._connection, updated))
            shown |= _shown_in(self._connection, set(stored) - updated, new=True)
        return shown

    def close(self) -> Summary:
        """Render the documents that show changed records, move the database to the revision, and sum it up."""
        if self.summary.revision is not None:
            if _refresh(self._connection, self._shown, self.summary.revision) or self._has_changed_conflicts:
                self.summary.refreshed = _count_refreshed(self._connection, self.summary.revision)
            close_revision(self._connection, self.summary.revision)
        return self.summary


def write(
    connection: Connection,
    entries: Iterable[Entry],
    *,
    actor: str,
    reason: str,
    gone: Sequence[Key] = (),
    progress: Progress = lambda _: None,
) -> Summary:
    """Write a revision that consists of one `put`."""
    revising = RevisionWriter(connection, actor=actor, reason=reason, progress=progress)
    revising.put(entries, gone)
    return revising.close()


ROUNDS = 20
"""The most steps that a change can take from document to document. The types refer to each other less deeply."""


def _refresh(connection: Connection, shown: set[Key], revision: int) -> set[Key]:
    """Render the documents of `shown`, then those that show the ones that changed, until none changes."""
    refreshed: set[Key] = set()
    for _ in range(ROUNDS):
        if not shown:
            break
        derive_columns(connection, shown)
        changed = store(connection, sorted(shown), revision)
        refreshed.update(changed)
        shown = _shown_in(connection, changed)
    return refreshed


def _count_refreshed(connection: Connection, revision: int) -> int:
    """The number of documents that have a new version in a revision though their records were not entered."""
    query = select(func.count()).where(Document.revision == revision, Document.change == "refreshed")
    return connection.scalars(query).one()
