"""Every change to data goes this way: rows first, then the documents they change, then the revision.

lock -> check -> rows -> derived columns -> documents, and those that show them -> revision -> commit
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, select, update

from app.catalogue import RESOURCES
from app.db import table_of, writing
from app.deriving import derive_columns
from app.documents import Revision, State
from app.fields import RecordType
from app.record_schemas import CitedIn, RecordIn
from app.records import Deletion, fold, is_exclusive
from app.rendering import dependents, shapes
from app.requoting import digest_of, replaced, requote
from app.resources import Row, Rows
from app.rows import batches, deleted, known, remove, write_main, write_parts
from app.sources.schemas import SourceIn
from app.versions import Key, bury, grouped, store

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked record, ready to be written; `cited` are its provenance rows.

    `stored`: the digest it is kept under, where it is entered as it was and only its quotes have moved since.
    """

    type: RecordType
    record: RecordIn
    cited: tuple[Row, ...]
    stored: str | None = None

    @property
    def key(self) -> Key:
        return self.type, self.record.id

    @property
    def entered(self) -> bytes:
        return bytes(self.record.__pydantic_serializer__.to_json(self.record))

    @property
    def digest(self) -> str:
        return self.stored or digest_of(self.entered, self.cited)


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


def _name_rows(entry: Entry) -> list[Row]:
    """A record's names, its id first; a name repeated under another kind claims its key once."""
    owner = {"record_type": entry.type, "record_id": entry.record.id}
    seen: set[str] = set()
    rows = []
    for position, (kind, name) in enumerate(names_of(entry.type, entry.record)):
        key = fold(entry.type, name)
        claim = is_exclusive(kind) and key not in seen
        seen.add(key)
        rows.append({**owner, "position": position, "kind": kind, "name": name, "key": key, "exclusive": claim})
    return rows


def names_of(type: RecordType, record: RecordIn) -> list[tuple[str, str]]:
    return [("id", record.id), *RESOURCES[type].names(record)]


def rows_of(entry: Entry) -> Rows:
    owner = {"record_type": entry.type, "record_id": entry.record.id}
    record = entry.record
    flagged = isinstance(record, CitedIn) and record.needs_primary_source
    shared = {
        "type": entry.type,
        "id": record.id,
        "note": record.note,
        "needs_primary_source": flagged,
        "evidence_basis": None if entry.type == "sources" else "secondary",
        "digest": entry.digest,
    }
    main = RESOURCES[entry.type].rows(record)
    main[RESOURCES[entry.type].main.table.name][0]["type"] = entry.type
    return main | {
        "records": [shared],
        "names": _name_rows(entry),
        "absences": [{**owner, "field": name, "reason": why} for name, why in sorted(record.absent.items())],
        "provenance": [{**owner, **row} for row in entry.cited],
    }


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


@dataclass(slots=True)
class _Plan:
    created: list[Entry] = field(default_factory=list)
    updated: list[Entry] = field(default_factory=list)
    restored: list[Entry] = field(default_factory=list)
    unchanged: int = 0

    def add(self, entry: Entry, before: str | None, *, was_deleted: bool) -> None:
        if before == entry.digest:
            self.unchanged += 1
        elif before:
            self.updated.append(entry)
        else:
            (self.restored if was_deleted else self.created).append(entry)

    @property
    def entries(self) -> list[Entry]:
        return [*self.created, *self.updated, *self.restored]


def _plan(connection: Connection, entries: Iterable[Entry]) -> _Plan:
    plan = _Plan()
    for some in batches(entries):
        keys = [entry.key for entry in some]
        digests, gone = known(connection, keys), deleted(connection, keys)
        for entry in some:
            plan.add(entry, digests.get(entry.key), was_deleted=entry.key in gone)
    return plan


def _by_type(entries: Iterable[Entry]) -> Mapping[RecordType, list[Entry]]:
    sorted_out: dict[RecordType, list[Entry]] = {type: [] for type in RESOURCES}
    for entry in entries:
        sorted_out[entry.type].append(entry)
    return sorted_out


class _Prepared(NamedTuple):
    """Rows of one type's records."""

    created: list[Rows]
    updated: dict[str, Rows]
    restored: list[Rows]


def _write_rows(connection: Connection, plan: _Plan) -> None:
    created, updated, restored = _by_type(plan.created), _by_type(plan.updated), _by_type(plan.restored)
    prepared = {
        type: _Prepared(
            [rows_of(e) for e in created[type]],
            {e.record.id: rows_of(e) for e in updated[type]},
            [rows_of(e) for e in restored[type]],
        )
        for type in RESOURCES
    }
    for type, rows in prepared.items():
        write_main(connection, RESOURCES[type], rows.created, list(rows.updated.values()), rows.restored)
    for type, rows in prepared.items():
        write_parts(connection, RESOURCES[type], [*rows.created, *rows.restored], rows.updated)
    _undelete(connection, [entry.key for entry in plan.restored])


def _undelete(connection: Connection, keys: Iterable[Key]) -> None:
    for type, ids in grouped(keys):
        connection.execute(delete(Deletion).where(Deletion.record_type == type, Deletion.record_id.in_(ids)))


def _delete(connection: Connection, keys: Sequence[Key], revision: int) -> None:
    """Who refers to whom is undone in the order of references, latest types first."""
    bury(connection, keys, revision)
    ids = {type: [id for of, id in keys if of == type] for type in RESOURCES}
    for type in reversed(RESOURCES):
        remove(connection, RESOURCES[type], ids[type])
    if keys:
        connection.execute(table_of(Deletion).insert(), [{"record_type": type, "record_id": id} for type, id in keys])


def _shown_in(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    return {key for type, some in grouped(keys) for key in dependents(connection, type, some)}


def write(
    connection: Connection,
    entries: Iterable[Entry],
    *,
    actor: str,
    reason: str,
    gone: Sequence[Key] = (),
    progress: Progress = lambda _: None,
) -> Summary:
    """Makes the records as entered and others gone, in a transaction of `changing`, as one revision.

    What is so already makes none. Nobody else may refer to what goes: see `checking`.
    """
    plan = _plan(connection, entries)
    summary = Summary(len(plan.created), len(plan.updated), plan.unchanged, 0, len(plan.restored), len(gone))
    progress(plan.unchanged)
    if not (plan.entries or gone):
        return summary
    revision = summary.revision = open_revision(connection, actor, reason)
    entered = {entry.key: entry.entered for entry in plan.entries}
    shown = _shown_in(connection, [*(entry.key for entry in plan.updated), *gone]) - set(gone)
    _delete(connection, gone, revision)
    texts = replaced(connection, {e.record.id: e.record.text for e in plan.updated if isinstance(e.record, SourceIn)})
    _write_rows(connection, plan)
    requote(connection, texts, entered.keys())
    derive_columns(connection, entered)
    changed = store(connection, entered, revision, entered, progress)
    refreshed = _refresh(connection, shown | _shown_in(connection, changed), revision)
    summary.refreshed = len(refreshed - entered.keys())
    close_revision(connection, revision)
    return summary


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
