"""The plan of a change: what happens to each of its entries, and the rows of those that change something."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import Connection

from app.records.registry import RESOURCES
from app.records.resource import Resource, Rows
from app.records.sources.schemas import SourceIn
from app.records.vocabularies import RecordType
from app.store.documents import Change, decompress
from app.store.entry import Entry, PrebuiltRecord, rows_of
from app.store.rendering import embedded_records
from app.store.row_changes import RowChange, embedded_digest, row_changes
from app.store.rows import BATCH, batches, deleted, known
from app.store.versions import Key, grouped


class Plan:
    """What happens to each record of a change. Records that are stored as entered already are only counted."""

    def __init__(self) -> None:
        self.changes: dict[Key, Change] = {}
        self.prebuilt: dict[Key, PrebuiltRecord] = {}
        """The new records whose rows and documents were prebuilt."""
        self.unchanged = 0
        self.row_changes: dict[Key, RowChange] = {}
        """What differs in the stored rows of the updated records."""

    @classmethod
    def of(cls, connection: Connection, entries: Iterable[Entry]) -> "Plan":
        """Compare entries with what is stored."""
        plan = cls()
        for some in batches(entries):
            keys = [entry.key for entry in some]
            digests, gone = known(connection, keys), deleted(connection, keys)
            for entry in some:
                plan._add(entry, digests.get(entry.key), was_deleted=entry.key in gone)
        return plan

    def _add(self, entry: Entry, before: str | None, *, was_deleted: bool) -> None:
        if before == entry.digest:
            self.unchanged += 1
        else:
            self.changes[entry.key] = "updated" if before else "restored" if was_deleted else "created"
            if entry.ready and self.changes[entry.key] == "created":
                self.prebuilt[entry.key] = entry.ready

    def keys(self, change: Change) -> list[Key]:
        """The records to which one kind of change happens."""
        return [key for key, planned in self.changes.items() if planned == change]

    def batches(self, entries: Iterable[Entry]) -> Iterator[list[Entry]]:
        """The entries that change something, in batches."""
        yield from batches(entry for entry in entries if entry.key in self.changes)

    def source_texts(self, entries: Iterable[Entry]) -> dict[str, str | None]:
        """The texts of the sources that are updated, which may be other texts than before."""
        sources = (entry for entry in entries if entry.type == "sources" and self.changes.get(entry.key) == "updated")
        records = ((entry.id, entry.record) for entry in sources)
        return {id: record.text for id, record in records if isinstance(record, SourceIn)}

    def entered_again(self, entries: Iterable[Entry]) -> dict[Key, bytes]:
        """The JSON of the updated and restored records, which may conflict with what imports contributed to them."""
        changed = {key for key, change in self.changes.items() if change != "created"}
        return {entry.key: decompress(entry.entered) for entry in entries if entry.key in changed} if changed else {}

    def compare(self, connection: Connection, entries: Iterable[Sequence["EntryWithRows"]]) -> None:
        """Compare the rows of the updated records with the stored ones."""
        if "updated" not in self.changes.values():
            return
        for some in entries:
            for resource, rows in rows_by_type(some):
                updated = {id: rows[id] for id in rows if self.changes[resource.type, id] == "updated"}
                self.row_changes |= row_changes(connection, resource, updated)

    def changed_rows(self, type: RecordType, id: str, rows: Rows) -> Rows:
        """Those of a record's rows that are to be written: of an updated one the tables that differ."""
        change = self.row_changes.get((type, id))
        if change is None:
            return rows
        [shared] = rows["records"]
        entered = {name: value for name, value in shared.items() if name != "evidence_basis"}  # which is derived
        return {name: some for name, some in rows.items() if name in change.tables} | {"records": [entered]}

    def with_other_derived_columns(self) -> set[Key]:
        """The records whose derived columns and alerts may be others now."""
        same = {key for key, change in self.row_changes.items() if not change.is_derived}
        return self.changes.keys() - same

    def seen(self) -> list[Key]:
        """The updated records that other records' documents may show differently, whatever their embedded form is."""
        return [key for key, change in self.row_changes.items() if change.is_seen]

    def seen_now(self, connection: Connection, keys: Iterable[Key]) -> set[Key]:
        """Those of some updated records that other records' documents may show differently as they are now."""
        changes = {key: self.row_changes[key] for key in keys}
        found = {key for key, change in changes.items() if change.is_seen}
        for type, ids in grouped(key for key, change in changes.items() if change.embedded and key not in found):
            embedded = embedded_records(connection, type, ids)
            found |= {(type, id) for id in ids if changes[type, id].embedded != embedded_digest(embedded[id])}
        return found


EntryWithRows = tuple[Entry, Rows]


def rows_by_type(entries: Sequence[EntryWithRows]) -> Iterator[tuple[Resource, dict[str, Rows]]]:
    """The rows of some entries by type, in the order in which they can be inserted, and id."""
    for type, resource in RESOURCES.items():
        rows = {entry.id: of for entry, of in entries if entry.type == type}
        if rows:
            yield resource, rows


class EntriesWithRows:
    """The entries that change something, each with its rows, in batches; without those that are inserted as prebuilt.

    They are iterated several times. Up to two batches are kept in memory; the rows of more are made again each time,
    so that memory does not grow with the change.
    """

    def __init__(self, plan: Plan, entries: Iterable[Entry], prebuilt: Collection[Key]) -> None:
        self._plan, self._entries, self._prebuilt = plan, entries, prebuilt
        self._kept = [*self._batches()] if len(plan.changes) <= 2 * BATCH else None

    def _batches(self) -> Iterator[list[EntryWithRows]]:
        others = (entry for entry in self._entries if entry.key not in self._prebuilt)
        return ([(entry, rows_of(entry)) for entry in some] for some in self._plan.batches(others))

    def __iter__(self) -> Iterator[list[EntryWithRows]]:
        return iter(self._kept) if self._kept is not None else self._batches()
