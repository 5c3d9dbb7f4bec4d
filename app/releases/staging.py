"""Staging: the content of a release is read once and kept on disk until it is written, so it may exceed the memory."""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import Connection

from app.common.problems import Fault
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.releases.content import Content, Deletion
from app.releases.load import InvalidContent, place_of
from app.store.entry import Entry
from app.store.revision import Progress
from app.store.rows import batches, known
from app.store.submission import Read, Submission
from app.store.validation import Validation, still_referred
from app.store.versions import Key

MAX_FAULTS = 1000
"""The number of faults after which content is not checked any further."""


class DiskSpool:
    """Values on disk, by record type. They can be iterated any number of times, in the order of the types."""

    def __init__(self, stack: ExitStack) -> None:
        self._files: dict[RecordType, IO[bytes]] = {}
        for type in RESOURCES:
            self._files[type] = stack.enter_context(TemporaryFile(prefix="evidence-"))  # noqa: SIM115  # the stack closes it

    def put(self, type: RecordType, value: Any) -> None:
        """Append a value, which must be picklable."""
        pickle.dump(value, self._files[type], pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[tuple[RecordType, Any]]:
        for type, file in self._files.items():
            file.seek(0)
            try:
                while True:
                    yield type, pickle.load(file)  # noqa: S301  # only this process can write the unnamed file
            except EOFError:
                file.seek(0, 2)


class _SpooledEntries:
    def __init__(self, spool: DiskSpool) -> None:
        self._spool = spool

    def __iter__(self) -> Iterator[Entry]:
        return (Entry(type, *value) for type, value in self._spool)


class StagedRelease:
    """Content of a release that has been read; its records obey their schemas and the rules of their types."""

    def __init__(self, stack: ExitStack, content: Content) -> None:
        self.content = content
        self.checking = Validation()
        self.deletions: dict[Key, int] = {}
        self._read, self._settled = DiskSpool(stack), DiskSpool(stack)
        self.faults: list[Fault] = []

    @property
    def size(self) -> int:
        """Return the number of records to enter."""
        return len(self.checking.keys)

    def read(self, progress: Progress) -> None:
        """Read and check the content without a database; raise `InvalidContent` with the faults."""
        for some in batches(self.content.changes()):
            self._delete([change for change in some if isinstance(change, Deletion)])
            for record in self.checking.read(change for change in some if isinstance(change, Submission)):
                entered = bytes(record.record.__pydantic_serializer__.to_json(record.record))
                self._read.put(record.type, (record.number, entered))
            progress(len(some))
            if len(self.content.faults) + len(self.faults) + len(self.checking.faults) >= MAX_FAULTS:
                break
        for key in self.checking.keys & self.deletions.keys():
            self.faults.append(Fault(f"{key[1]!r} is both entered and deleted", "/id").at(self.deletions[key]))
        self.checking.gone = self.deletions.keys()
        self._raise_faults()

    def _delete(self, some: Iterable[Deletion]) -> None:
        for change in some:
            key = (change.type, change.id)
            if key in self.deletions:
                self.faults.append(Fault(f"{change.id!r} is deleted twice", "/id").at(change.number))
            self.deletions.setdefault(key, change.number)

    def settle(self, connection: Connection) -> Iterable[Entry]:
        """Check the content against the database, in a transaction of `changing`, and return the records to write.

        It raises `InvalidContent` with all faults. The entries can be iterated any number of times.
        """
        self.faults += self._missing_deletions(connection)
        self.faults += self._still_referred(connection)
        for some in batches(self._reads()):
            for entry in self.checking.settle(connection, some):
                self._settled.put(entry.type, (entry.id, entry.entered, entry.cited))
            if len(self.checking.faults) >= MAX_FAULTS:
                break
        self._raise_faults()
        return _SpooledEntries(self._settled)

    def _reads(self) -> Iterator[Read]:
        for type, (number, entered) in self._read:
            yield Read.of(number, type, RESOURCES[type].entered.model_validate_json(entered))

    def _missing_deletions(self, connection: Connection) -> Iterator[Fault]:
        stored = known(connection, self.deletions)
        for (type, id), number in self.deletions.items():
            if (type, id) not in stored:
                yield Fault(f"there is no {id!r} among the {type} to delete", "/id").at(number)

    def _still_referred(self, connection: Connection) -> Iterator[Fault]:
        for key, by in still_referred(connection, self.deletions.keys(), but=self.checking.keys).items():
            shown = tuple(f"{type}/{id}" for type, id in sorted(set(by))[:3])
            detail = f"{len(set(by))} records still refer to {key[1]!r}"
            yield Fault(detail, "/id", nearest=shown).at(self.deletions[key])

    def _raise_faults(self) -> None:
        faults = [*self.faults, *self.checking.faults]
        found = [*self.content.faults, *(self.content.locate(faults) if faults else ())]
        if found:
            raise InvalidContent(sorted(found, key=place_of))


@contextmanager
def staged(content: Content, progress: Progress = lambda _: None) -> Iterator[StagedRelease]:
    """Read content outside of any transaction; raise `InvalidContent` with faults that need no database."""
    with ExitStack() as stack:
        found = StagedRelease(stack, content)
        found.read(progress)
        yield found
