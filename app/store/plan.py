"""The plan of a change: what happens to each of its entries, and the rows of those that change something."""

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection

from app.records.resource import Rows
from app.records.sources.schemas import SourceIn
from app.store.documents import Change, decompress
from app.store.entry import Entry, PrebuiltRecord, rows_of
from app.store.rows import BATCH, batches, deleted, known
from app.store.versions import Key


class Plan:
    """What happens to each record of a change. Records that are stored as entered already are only counted."""

    def __init__(self) -> None:
        self.changes: dict[Key, Change] = {}
        self.prebuilt: dict[Key, PrebuiltRecord] = {}
        """The new records whose rows and documents were prebuilt."""
        self.unchanged = 0

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


EntryWithRows = tuple[Entry, Rows]


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
