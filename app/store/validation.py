"""Validation of submitted records: what must hold before a record is written. All faults are reported together.

Draft --shape, domain rules--> Read --references, names, quotes against batch and database--> Entry
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from app.common.problems import Fault
from app.common.suggestions import nearest
from app.database import prepared
from app.records.base_models import Record, RecordName
from app.records.registry import RESOURCES
from app.records.sources.models import Source
from app.records.sources.schemas import SourceIn
from app.records.vocabularies import RecordType
from app.store.entry import Entry
from app.store.quotes.citations import provenance_rows
from app.store.quotes.reanchor import QuotingRecord, reentered_with_moved_quotes
from app.store.rendering import referrers
from app.store.rows import IS_DELETED, among_types, batches, ids_by_type, known
from app.store.submission import Read, Submission, own_faults, prevalidated, validate_draft
from app.store.versions import Key, grouped

ClaimedName = tuple[RecordType, str]
"""`(type, folded name)` of an exclusive name, which finds one record."""


def _claimed_names(read: Read) -> Iterator[tuple[ClaimedName, str]]:
    yield from (((read.type, key), name) for key, name in read.claims())


def _stored_owners(
    connection: Connection, claims: Iterable[ClaimedName], ignored: Container[Key]
) -> Mapping[ClaimedName, str]:
    taken: dict[ClaimedName, str] = {}
    for some in batches(claims):
        keys = ids_by_type(some)
        rows = prepared.rows(connection, _owners(tuple(keys)), keys)
        taken |= {(type, key): id for type, key, id in rows if (type, id) not in ignored}
    return taken


@cache
def _owners(types: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    of = (RecordName.record_type, RecordName.key)
    return select(*of, RecordName.record_id).where(among_types(*of, types), RecordName.exclusive)


def _texts(connection: Connection, ids: Iterable[str]) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for some in batches(ids):
        query = select(Source.id, Source.text).where(Source.id.in_(some))
        texts |= {row.id: row.text for row in connection.execute(query)}
    return texts


def still_referred(connection: Connection, gone: Collection[Key], *, but: Collection[Key] = ()) -> dict[Key, list[Key]]:
    """The records of `gone`, which are to be deleted, that other records still refer to, each with these others.

    The records of `but` are left out as referrers: they are written in the same change, where their references are
    validated.
    """
    found: dict[Key, list[Key]] = {}
    for type, ids in grouped(gone):
        for id, by_type, by_id in referrers(connection, type, ids):
            by = (by_type, by_id)
            if by not in gone and by not in but:
                found.setdefault((type, id), []).append(by)
    return found


class Validation:
    """Validates the drafts of one change, which may come in several batches. Faults are collected in `faults`.

    All drafts go through `read` before any is given to `settle`, since a record may refer to any other of the change.
    `gone` are the records that the same change deletes, to which no record may refer.
    """

    def __init__(self, gone: Collection[Key] = ()) -> None:
        self.gone = gone if isinstance(gone, Set) else frozenset(gone)
        self.faults: list[Fault] = []
        self.keys: set[Key] = set()
        self._malformed: set[Key] = set()
        self._first: dict[ClaimedName, str] = {}
        self._texts: dict[str, str | None] = {}
        self._ids_by_type: dict[RecordType, list[str]] = {}

    def read(self, drafts: Iterable[Submission]) -> Iterator[Read]:
        """Validate each draft by itself and yield those whose shape is valid."""
        for draft in drafts:
            found = prevalidated(draft) or validate_draft(draft, self.faults)
            if found:
                self._register(found)
                yield found
            elif isinstance(draft.data, dict):
                self._malformed.add((draft.type, str(draft.data.get("id"))))

    def _register(self, read: Read) -> None:
        if read.entered is None and read.ready is None:
            self.faults += own_faults(read)
        if read.key in self.keys:
            detail = f"the id {read.id!r} is taken by another of the {read.type}"
            self.faults.append(Fault(detail, "/id").at(read.number))
        self.keys.add(read.key)
        for claim, _ in _claimed_names(read):
            self._first.setdefault(claim, read.id)
        if isinstance(read.given, SourceIn):
            self._texts[read.id] = read.given.text

    def settle(self, connection: Connection, batch: Sequence[Read]) -> list[Entry]:
        """Validate references, names and quotes of a batch, and return its entries. They may be written only if
        `faults` is empty then.
        """
        ignored = _Union(self.keys, self.gone)
        self.faults += self._unresolved_references(connection, batch)
        self.faults += self._contested_names(connection, batch, ignored)
        quoted = {id for read in batch for id in read.quoted_sources()}
        stored = _texts(connection, quoted - self._texts.keys())
        texts = stored | {id: self._texts[id] for id in quoted & self._texts.keys()}
        sources = {id for type, id in self.keys if type == "sources"}
        reentered = reentered_with_moved_quotes(
            connection, {read.key: read.record for read in batch if not read.ready}, sources
        )
        return [self._entry(read, texts, reentered.get(read.key)) for read in batch]

    def _entry(self, read: Read, texts: Mapping[str, str | None], before: QuotingRecord | None) -> Entry:
        if before:
            return Entry.of(read.type, read.record, tuple(before.cited), before.digest)
        if read.ready:
            return Entry.of_prebuilt(read.type, read.ready)
        cited, wrong = provenance_rows(read.record, texts)
        self.faults += (fault.at(read.number) for fault in wrong)
        return Entry.of(read.type, read.record, cited, entered=read.entered)

    def _unresolved_references(self, connection: Connection, batch: Sequence[Read]) -> Iterator[Fault]:
        """Faults for references to records that are neither in the change nor stored.

        A malformed record of the change counts as being there, since it has faults of its own.
        """
        here = _Union(self.keys, self._malformed)
        outside = [
            (read.number, pointer, (type, id))
            for read in batch
            for pointer, type, id in read.references()
            if (type, id) not in here
        ]
        stored = known(connection, {key for _, _, key in outside}).keys() - self.gone
        for number, pointer, (type, id) in outside:
            if (type, id) not in stored:
                near = tuple(nearest(id, self._known_ids(connection, type)))
                yield Fault(f"there is no {id!r} among the {type}", pointer, nearest=near).at(number)

    def _known_ids(self, connection: Connection, type: RecordType) -> list[str]:
        if type not in self._ids_by_type:
            stored = connection.scalars(select(Record.id).where(Record.type == type, ~IS_DELETED).limit(50_000))
            there = [id for id in stored if (type, id) not in self.gone]
            self._ids_by_type[type] = [*there, *sorted(id for of, id in self.keys if of == type)]
        return self._ids_by_type[type]

    def _contested_names(
        self, connection: Connection, batch: Sequence[Read], ignored: Container[Key]
    ) -> Iterator[Fault]:
        """Faults for exclusive names that another record of the type has."""
        claims = [(read, claim, name) for read in batch for claim, name in _claimed_names(read)]
        stored = _stored_owners(connection, {claim for _, claim, _ in claims}, ignored)
        for read, claim, name in claims:
            owner = stored.get(claim, self._first[claim])
            if owner != read.id:
                yield Fault(f"the name {name!r} is claimed by {owner!r} too").at(read.number)


class _Union:
    """The union of two sets, for membership tests without copying either."""

    def __init__(self, one: Set[Key], other: Set[Key]) -> None:
        self._one, self._other = one, other

    def __contains__(self, key: object) -> bool:
        return key in self._one or key in self._other


TYPE_ORDER = {type: place for place, type in enumerate(RESOURCES)}
"""The order in which records of the types can be written: each type after those that it refers to."""


def check(
    connection: Connection, drafts: Iterable[Submission], gone: Collection[Key] = ()
) -> tuple[list[Entry], list[Fault]]:
    """Validate a whole change: return its entries in the order in which they can be written, and its faults.

    The entries may be written only if there are no faults.
    """
    checking = Validation(gone)
    batch = sorted(checking.read(drafts), key=lambda read: TYPE_ORDER[read.type])
    entries = checking.settle(connection, batch)
    return entries, sorted(checking.faults, key=lambda fault: (fault.number, fault.pointer))
