"""What must hold before a record is written, whoever writes it; every fault is found at once.

shape -> domain rules -> references, names, quotes against the batch and the database
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence, Set

from sqlalchemy import Connection, select

from app.common.suggestions import nearest
from app.records.base_models import Record, RecordName
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.records.sources.models import Source
from app.records.sources.schemas import SourceIn
from app.store.entry import Entry
from app.store.quotes.citations import provenance_rows
from app.store.quotes.reanchor import Quoting, standing
from app.store.rendering import referrers
from app.store.rows import IS_DELETED, among, batches, known
from app.store.submission import Draft, Fault, Read, own_faults, read_before, read_now
from app.store.versions import Key, grouped

Claim = tuple[RecordType, str]
"""A type, and a folded name that finds one record of it."""


def _claims(read: Read) -> Iterator[tuple[Claim, str]]:
    yield from (((read.type, key), name) for key, name in read.claims())


def _claimed_elsewhere(connection: Connection, claims: Iterable[Claim], besides: Container[Key]) -> Mapping[Claim, str]:
    taken: dict[Claim, str] = {}
    of = (RecordName.record_type, RecordName.key)
    for some in batches(claims):
        query = select(*of, RecordName.record_id).where(among(*of, some), RecordName.exclusive)
        taken |= {(type, key): id for type, key, id in connection.execute(query) if (type, id) not in besides}
    return taken


def _texts(connection: Connection, ids: Iterable[str]) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for some in batches(ids):
        query = select(Source.id, Source.text).where(Source.id.in_(some))
        texts |= {row.id: row.text for row in connection.execute(query)}
    return texts


def still_referred(connection: Connection, gone: Collection[Key], *, but: Collection[Key] = ()) -> dict[Key, list[Key]]:
    """Records that are to go, and who else refers to them; `but` are entered anew, and speak for themselves."""
    found: dict[Key, list[Key]] = {}
    for type, ids in grouped(gone):
        for id, by_type, by_id in referrers(connection, type, ids):
            by = (by_type, by_id)
            if by not in gone and by not in but:
                found.setdefault((type, id), []).append(by)
    return found


class Checking:
    """A change's drafts, some at a time: first each is read, then what was read is settled, knowing all that there is.

    `gone`: records that the same change deletes, which nobody may refer to then.
    """

    def __init__(self, gone: Collection[Key] = ()) -> None:
        self.gone = gone if isinstance(gone, Set) else frozenset(gone)
        self.faults: list[Fault] = []
        self.keys: set[Key] = set()
        self._malformed: set[Key] = set()
        self._first: dict[Claim, str] = {}
        self._texts: dict[str, str | None] = {}
        self._choices: dict[RecordType, list[str]] = {}

    def read(self, drafts: Iterable[Draft]) -> Iterator[Read]:
        for draft in drafts:
            found = read_before(draft) or read_now(draft, self.faults)
            if found:
                self._take_in(found)
                yield found
            elif isinstance(draft.data, dict):
                self._malformed.add((draft.type, str(draft.data.get("id"))))

    def _take_in(self, read: Read) -> None:
        if read.entered is None and read.ready is None:
            self.faults += own_faults(read)
        if read.key in self.keys:
            detail = f"the id {read.id!r} is taken by another of the {read.type}"
            self.faults.append(Fault(read.number, "/id", detail))
        self.keys.add(read.key)
        for claim, _ in _claims(read):
            self._first.setdefault(claim, read.id)
        if isinstance(read.given, SourceIn):
            self._texts[read.id] = read.given.text

    def settle(self, connection: Connection, batch: Sequence[Read]) -> list[Entry]:
        """What was read, ready to be written; all must have been read before."""
        besides = _Either(self.keys, self.gone)
        self.faults += self._dangling(connection, batch)
        self.faults += self._claimed_twice(connection, batch, besides)
        quoted = {id for read in batch for id in read.quoted()}
        stored = _texts(connection, quoted - self._texts.keys())
        texts = stored | {id: self._texts[id] for id in quoted & self._texts.keys()}
        sources = {id for type, id in self.keys if type == "sources"}
        as_they_were = standing(connection, {read.key: read.record for read in batch if not read.ready}, sources)
        return [self._entry(read, texts, as_they_were.get(read.key)) for read in batch]

    def _entry(self, read: Read, texts: Mapping[str, str | None], before: Quoting | None) -> Entry:
        if before:
            return Entry.of(read.type, read.record, tuple(before.cited), before.digest)
        if read.ready:
            return Entry.ready_made(read.type, read.ready)
        cited, wrong = provenance_rows(read.record, texts)
        self.faults += (Fault(read.number, f"/provenance/{place}/quote", detail, near) for place, detail, near in wrong)
        return Entry.of(read.type, read.record, cited, entered=read.entered)

    def _dangling(self, connection: Connection, batch: Sequence[Read]) -> Iterator[Fault]:
        """References to records that are neither in the change nor stored; malformed ones have faults of their own."""
        here = _Either(self.keys, self._malformed)
        outside = [
            (read.number, pointer, (type, id))
            for read in batch
            for pointer, type, id in read.references()
            if (type, id) not in here
        ]
        stored = known(connection, {key for _, _, key in outside}).keys() - self.gone
        for number, pointer, (type, id) in outside:
            if (type, id) not in stored:
                near = tuple(nearest(id, self._ids(connection, type)))
                yield Fault(number, pointer, f"there is no {id!r} among the {type}", near)

    def _ids(self, connection: Connection, type: RecordType) -> list[str]:
        if type not in self._choices:
            stored = connection.scalars(select(Record.id).where(Record.type == type, ~IS_DELETED).limit(50_000))
            there = [id for id in stored if (type, id) not in self.gone]
            self._choices[type] = [*there, *sorted(id for of, id in self.keys if of == type)]
        return self._choices[type]

    def _claimed_twice(self, connection: Connection, batch: Sequence[Read], besides: Container[Key]) -> Iterator[Fault]:
        """Names that would find two records of a type."""
        claims = [(read, claim, name) for read in batch for claim, name in _claims(read)]
        stored = _claimed_elsewhere(connection, {claim for _, claim, _ in claims}, besides)
        for read, claim, name in claims:
            owner = stored.get(claim, self._first[claim])
            if owner != read.id:
                yield Fault(read.number, "", f"the name {name!r} is claimed by {owner!r} too")


class _Either:
    """Two sets looked into as one."""

    def __init__(self, one: Set[Key], other: Set[Key]) -> None:
        self._one, self._other = one, other

    def __contains__(self, key: object) -> bool:
        return key in self._one or key in self._other


TYPE_ORDER = {type: place for place, type in enumerate(RESOURCES)}


def check(
    connection: Connection, drafts: Iterable[Draft], gone: Collection[Key] = ()
) -> tuple[list[Entry], list[Fault]]:
    """The batch's records in the order in which they can be written, and all that is wrong with them.

    Write them only if nothing is.
    """
    checking = Checking(gone)
    batch = sorted(checking.read(drafts), key=lambda read: TYPE_ORDER[read.type])
    entries = checking.settle(connection, batch)
    return entries, sorted(checking.faults, key=lambda fault: (fault.number, fault.pointer))
