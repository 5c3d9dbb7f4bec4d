"""Every change to data goes this way: rows first, then the documents they change, then the revision.

lock -> check -> rows -> derived columns -> documents, and those that show them -> revision -> commit
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, select, update

from app.database.engine import table_of, writing
from app.records.base_models import Deletion
from app.records.registry import RESOURCES
from app.records.resource import Resource, Rows
from app.records.sources.schemas import SourceIn
from app.store.analyze import AnalyzeAfterBulk
from app.store.derived import derive_columns
from app.store.documents import Change, Document, Revision, State, unpacked
from app.store.entry import Entry, Ready, rows_of
from app.store.prebuilt import insert_prebuilt_main, insert_prebuilt_parts, insertable, store_prebuilt
from app.store.quotes.reanchor import reanchor_quotes, replaced_texts
from app.store.reconciliation.history import derive_conflicts, last_entered
from app.store.rendering import dependents, shapes
from app.store.rows import BATCH, batches, clear_parts, deleted, insert_parts, known, remove, write_main
from app.store.versions import Key, delete_documents, grouped, store

Progress = Callable[[int], None]


@dataclass(slots=True)
class Summary:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refreshed: int = 0
    restored: int = 0
    deleted: int = 0
    revision: int | None = None
    """Nothing was changed where there is none."""


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the writers' lock from its start: what is checked in it is so when it is written."""
    with writing(engine) as connection:
        connection.execute(select(State.revision).with_for_update())
        yield connection


def open_revision(connection: Connection, actor: str, reason: str) -> int:
    """The next revision; it is there with all it changes or not at all. `close_revision` ends it."""
    revision = connection.scalars(select(State.revision)).one() + 1
    row = {"revision": revision, "committed_at": datetime.now(UTC), "actor": actor, "reason": reason}
    connection.execute(table_of(Revision).insert(), row)
    return revision


def close_revision(connection: Connection, revision: int) -> None:
    """The last statements of a change: its time is when it can be seen, not when it began."""
    before = connection.scalars(select(State.changed_at)).one()
    at = max(datetime.now(UTC), before + timedelta(microseconds=1))
    connection.execute(update(Revision).where(Revision.revision == revision).values(committed_at=at))
    connection.execute(update(State).values(revision=revision, changed_at=at, shapes=shapes()))


class _Plan:
    """What becomes of each record; those that are so already are left out."""

    def __init__(self) -> None:
        self.changes: dict[Key, Change] = {}
        self.ready: dict[Key, Ready] = {}
        self.unchanged = 0

    def add(self, entry: Entry, before: str | None, *, was_deleted: bool) -> None:
        if before == entry.digest:
            self.unchanged += 1
        else:
            self.changes[entry.key] = "updated" if before else "restored" if was_deleted else "created"
            if entry.ready and self.changes[entry.key] == "created":
                self.ready[entry.key] = entry.ready

    def keys(self, change: Change) -> list[Key]:
        return [key for key, planned in self.changes.items() if planned == change]

    def batches(self, entries: Iterable[Entry]) -> Iterator[list[Entry]]:
        yield from batches(entry for entry in entries if entry.key in self.changes)


def _plan(connection: Connection, entries: Iterable[Entry]) -> _Plan:
    plan = _Plan()
    for some in batches(entries):
        keys = [entry.key for entry in some]
        digests, gone = known(connection, keys), deleted(connection, keys)
        for entry in some:
            plan.add(entry, digests.get(entry.key), was_deleted=entry.key in gone)
    return plan


def _source_texts(plan: _Plan, entries: Iterable[Entry]) -> dict[str, str | None]:
    """The texts of sources that are entered again with what may be another one."""
    sources = (entry for entry in entries if plan.changes.get(entry.key) == "updated" and entry.type == "sources")
    records = ((entry.id, entry.record) for entry in sources)
    return {id: record.text for id, record in records if isinstance(record, SourceIn)}


_EntryWithRows = tuple[Entry, Rows]


class _EntriesWithRows:
    """Entries that change something with their rows, a batch at a time; where there is but one batch, it is kept.

    Those of `ready` are left out.
    """

    def __init__(self, plan: _Plan, entries: Iterable[Entry], ready: Collection[Key]) -> None:
        self._plan, self._entries, self._ready = plan, entries, ready
        self._only = [*self._each()] if len(plan.changes) <= 2 * BATCH else None

    def _each(self) -> Iterator[list[_EntryWithRows]]:
        return map(_with_rows, self._plan.batches(entry for entry in self._entries if entry.key not in self._ready))

    def __iter__(self) -> Iterator[list[_EntryWithRows]]:
        return iter(self._only) if self._only is not None else self._each()


def _with_rows(entries: Iterable[Entry]) -> list[_EntryWithRows]:
    return [(entry, rows_of(entry)) for entry in entries]


def _entered_again(plan: _Plan, entries: Iterable[Entry]) -> dict[Key, bytes]:
    """What was known before is entered anew: it may differ from what imports have offered of it."""
    changed = {key for key, change in plan.changes.items() if change != "created"}
    return {entry.key: unpacked(entry.entered) for entry in entries if entry.key in changed} if changed else {}


def _write_rows(connection: Connection, plan: _Plan, prepared: _EntriesWithRows, ready: Mapping[Key, Ready]) -> None:
    """All main rows first, for any part may refer to any of them; and all that goes before anything that comes."""
    insert_prebuilt_main(connection, ready)
    for some in prepared:
        for resource, rows in _rows_by_type(some):
            _write_main(connection, plan, resource, rows)
    for some in prepared:
        for resource, rows in _rows_by_type(some):
            insert_parts(connection, resource, rows.values())
    insert_prebuilt_parts(connection, ready)
    restored = plan.keys("restored")
    for type, ids in grouped(restored):
        connection.execute(delete(Deletion).where(Deletion.record_type == type, Deletion.record_id.in_(ids)))


def _rows_by_type(entries: Sequence[_EntryWithRows]) -> Iterator[tuple[Resource, dict[str, Rows]]]:
    for type, resource in RESOURCES.items():
        rows = {entry.id: of for entry, of in entries if entry.type == type}
        if rows:
            yield resource, rows


def _write_main(connection: Connection, plan: _Plan, resource: Resource, rows: Mapping[str, Rows]) -> None:
    by_change: dict[Change, list[Rows]] = defaultdict(list)
    for id, some in rows.items():
        by_change[plan.changes[resource.type, id]].append(some)
    write_main(connection, resource, by_change["created"], by_change["updated"], by_change["restored"])
    clear_parts(connection, resource, [id for id in rows if plan.changes[resource.type, id] == "updated"])


def _remove(connection: Connection, keys: Sequence[Key]) -> None:
    """Who refers to whom is undone in the order of references, latest types first."""
    for type in reversed(RESOURCES):
        remove(connection, RESOURCES[type], [id for of, id in keys if of == type])
    if keys:
        connection.execute(table_of(Deletion).insert(), [{"record_type": type, "record_id": id} for type, id in keys])


def _shown_in(connection: Connection, keys: Iterable[Key], *, new: bool = False) -> set[Key]:
    return {key for type, some in grouped(keys) for key in dependents(connection, type, some, new=new)}


class Revising:
    """One revision, filled by any number of `put`s in a transaction of `changing`, and ended by `close`.

    It opens with the first thing that changes, so that what is so already makes none.
    """

    def __init__(self, connection: Connection, *, actor: str, reason: str, progress: Progress = lambda _: None) -> None:
        self.summary = Summary()
        self._connection, self._actor, self._reason, self._progress = connection, actor, reason, progress
        self._shown: set[Key] = set()
        self._analyze = AnalyzeAfterBulk(connection)
        self._has_changed_conflicts = False
        """Whether documents show other conflicts."""

    def put(self, entries: Iterable[Entry], gone: Sequence[Key] = ()) -> None:
        """Makes some records as entered, and others gone; all that they refer to is among them or there.

        Nobody else may refer to what goes: see `checking`. `entries` are gone through several times, in the order of
        their types.
        """
        plan = _plan(self._connection, entries)
        self._count(plan, gone)
        if not (plan.changes or gone):
            return
        connection, revision = self._connection, self.opened()
        shown = _shown_in(connection, [*plan.keys("updated"), *gone]) - set(gone)
        delete_documents(connection, gone, revision)
        for type, ids in grouped(gone):
            clear_parts(connection, RESOURCES[type], ids)
        texts = replaced_texts(connection, _source_texts(plan, entries))
        ready = insertable(plan.ready, entries)
        prepared = _EntriesWithRows(plan, entries, ready.keys())
        _write_rows(connection, plan, prepared, ready)
        _remove(connection, gone)
        reanchor_quotes(connection, texts, plan.changes.keys())
        derive_columns(connection, plan.changes.keys() - ready.keys())
        derive_conflicts(connection, _entered_again(plan, entries), revision)
        shown |= store_prebuilt(connection, ready, revision)
        shown |= self._store(plan, prepared, revision)
        self._analyze.by(len(plan.changes))
        # what was entered now was rendered from what is there now
        self._shown = (self._shown | shown) - plan.changes.keys()

    def hear(self, keys: Iterable[Key]) -> None:
        """Imports say something else of some records now: their conflicts are made anew, and shown."""
        for some in batches(keys):
            there = set(some) - deleted(self._connection, some)
            changed = derive_conflicts(self._connection, last_entered(self._connection, there), self.opened())
            shown = sorted(key for key in changed if key[0] != "sources")
            self._has_changed_conflicts |= bool(store(self._connection, shown, self.opened()))

    def _count(self, plan: _Plan, gone: Sequence[Key]) -> None:
        for change in plan.changes.values():
            setattr(self.summary, change, getattr(self.summary, change) + 1)
        self.summary.unchanged += plan.unchanged
        self.summary.deleted += len(gone)
        self._progress(plan.unchanged)

    def opened(self) -> int:
        """Its number; opens it if nothing has changed yet."""
        if self.summary.revision is None:
            self.summary.revision = open_revision(self._connection, self._actor, self._reason)
        return self.summary.revision

    def _store(self, plan: _Plan, prepared: _EntriesWithRows, revision: int) -> set[Key]:
        shown: set[Key] = set()
        for some in prepared:
            entered = {entry.key: entry.entered for entry, _ in some}
            written = {entry.key: rows for entry, rows in some}
            stored = store(self._connection, entered, revision, entered, written, self._progress)
            updated = {key for key in stored if plan.changes[key] == "updated"}
            shown |= _shown_in(self._connection, updated)
            shown |= _shown_in(self._connection, set(stored) - updated, new=True)
        return shown

    def close(self) -> Summary:
        """Renders whatever shows what was changed, and moves the database's revision."""
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
    """A revision of one `put`."""
    revising = Revising(connection, actor=actor, reason=reason, progress=progress)
    revising.put(entries, gone)
    return revising.close()


ROUNDS = 20
"""How far a change can travel from document to document; the types refer to each other less deeply than this."""


def _refresh(connection: Connection, shown: set[Key], revision: int) -> set[Key]:
    """Renders anew the documents that show changed ones, and those that show these, until none changes."""
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
    """How many documents are new in a revision though nothing was entered."""
    query = select(func.count()).where(Document.revision == revision, Document.change == "refreshed")
    return connection.scalars(query).one()
