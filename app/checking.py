"""What must hold before a record is written, whoever writes it; every fault is found at once.

shape -> domain rules -> references, names, quotes against the batch and the database
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from app.catalogue import RESOURCES
from app.entering import Entry, names_of
from app.fields import RecordType
from app.nearest import nearest
from app.quotes import NotQuoted, locate
from app.record_schemas import Cited, ProvenanceIn, RecordIn, references
from app.records import Record, RecordName, fold, is_exclusive
from app.rendering import referrers
from app.requoting import Quoting, standing
from app.resources import Row
from app.rows import IS_DELETED, among, batches, known
from app.rules import broken
from app.shapes import pointer_of, shape_faults, text_faults
from app.sources.models import Source
from app.sources.schemas import SourceIn
from app.versions import Key, grouped


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as somebody wrote it down; `number` is its place in the batch."""

    number: int
    type: RecordType
    data: Any
    entered: bytes | None = None
    """As it is to be kept, where its shape and its own rules were found right before."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a JSON pointer of the batch's record of that number, and the nearest valid values."""

    number: int
    pointer: str
    detail: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A draft whose shape is right."""

    number: int
    type: RecordType
    record: RecordIn
    entered: bytes | None = None
    """As it is to be kept, where it was read and found right before."""

    @property
    def key(self) -> Key:
        return self.type, self.record.id


def _read_before(draft: Draft) -> Read | None:
    if draft.entered is None:
        return None
    record = RESOURCES[draft.type].entered.model_validate_json(draft.entered)
    return Read(draft.number, draft.type, record, draft.entered)


def _read(draft: Draft, faults: list[Fault]) -> Read | None:
    entered: type[RecordIn] = RESOURCES[draft.type].entered
    unstorable = list(text_faults(draft.data))
    if unstorable:
        faults += [Fault(draft.number, pointer, detail) for pointer, detail, _ in unstorable]
        return None
    try:
        return Read(draft.number, draft.type, entered.model_validate(draft.data))
    except ValidationError as error:
        found = shape_faults(entered, error)
        faults += [Fault(draft.number, pointer, detail, tuple(near)) for pointer, detail, near in found]
        return None


@cache
def _fields(shape: type[RecordIn]) -> tuple[str, ...]:
    return tuple(name for name in shape.model_fields if name not in RecordIn.model_fields)


def _absences(record: RecordIn) -> Iterator[tuple[str, str, list[str]]]:
    fields = _fields(type(record)) if record.absent else ()
    for name in record.absent:
        if name not in fields:
            yield f"/absent/{name}", f"there is no field {name!r} to be absent", nearest(name, fields)
        elif getattr(record, name) not in (None, []):
            yield f"/absent/{name}", f"{name} is not absent: it has a value", []


def _paths(record: RecordIn) -> Iterator[tuple[str, str, list[str]]]:
    fields = type(record).model_fields
    cited: list[ProvenanceIn] = record.provenance if isinstance(record, Cited) else []
    for position, item in enumerate(cited):
        for name in item.paths:
            if name.partition("/")[0] not in fields:
                where = f"/provenance/{position}/paths{pointer_of((name,))}"
                yield where, f"there is no field {name!r} to be mapped", nearest(name, fields)


RESERVED = frozenset({"missing", "present"})
"""Words of the filter grammar: a record of this id could not be asked for."""


def _own_faults(read: Read) -> Iterator[Fault]:
    if read.record.id in RESERVED:
        yield Fault(read.number, "/id", f"{read.record.id!r} has a meaning of its own in filters and can be no id")
    for pointer, detail in broken(read.record, RESOURCES[read.type].rules):
        yield Fault(read.number, pointer, detail)
    for pointer, detail, near in (*_absences(read.record), *_paths(read.record)):
        yield Fault(read.number, pointer, detail, tuple(near))


Claim = tuple[RecordType, str]
"""A type, and a folded name that finds one record of it."""


def _claims(read: Read) -> Iterator[tuple[Claim, str]]:
    for kind, name in names_of(read.type, read.record):
        if is_exclusive(kind):
            yield (read.type, fold(read.type, name)), name


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


def _provenance(read: Read) -> list[ProvenanceIn]:
    return read.record.provenance if isinstance(read.record, Cited) else []


def _span(item: ProvenanceIn, text: str | None, at: datetime) -> Row:
    if item.quote is None:
        nowhere = dict.fromkeys(("quote", "start_offset", "end_offset", "prefix", "suffix", "checked_at"))
        return {**nowhere, "status": "unquoted"}
    if text is None:
        raise NotQuoted("the source has no stored text to quote from")
    span = locate(item.quote, text, item.start)
    where = {"start_offset": span.start, "end_offset": span.end, "prefix": span.prefix, "suffix": span.suffix}
    return {"quote": item.quote, **where, "checked_at": at, "status": "ok"}


def _cite(read: Read, texts: Mapping[str, str | None], faults: list[Fault]) -> tuple[Row, ...]:
    now = datetime.now(UTC)
    rows = []
    for position, item in enumerate(_provenance(read)):
        try:
            span = _span(item, texts.get(item.source), now)
        except NotQuoted as fault:
            near = (fault.near,) if fault.near else ()
            faults.append(Fault(read.number, f"/provenance/{position}/quote", fault.detail, near))
        else:
            place = {"source_id": item.source, "section": item.section, "paths": item.paths or None}
            rows.append({"position": position, **place, **span})
    return tuple(rows)


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
            read = _read_before(draft) or _read(draft, self.faults)
            if read:
                self._take_in(read)
                yield read
            elif isinstance(draft.data, dict):
                self._malformed.add((draft.type, str(draft.data.get("id"))))

    def _take_in(self, read: Read) -> None:
        if read.entered is None:
            self.faults += _own_faults(read)
        if read.key in self.keys:
            detail = f"the id {read.record.id!r} is taken by another of the {read.type}"
            self.faults.append(Fault(read.number, "/id", detail))
        self.keys.add(read.key)
        for claim, _ in _claims(read):
            self._first.setdefault(claim, read.record.id)
        if isinstance(read.record, SourceIn):
            self._texts[read.record.id] = read.record.text

    def settle(self, connection: Connection, batch: Sequence[Read]) -> list[Entry]:
        """What was read, ready to be written; all must have been read before."""
        besides = _Either(self.keys, self.gone)
        self.faults += self._dangling(connection, batch)
        self.faults += self._claimed_twice(connection, batch, besides)
        quoted = {item.source for read in batch for item in _provenance(read) if item.quote is not None}
        stored = _texts(connection, quoted - self._texts.keys())
        texts = stored | {id: self._texts[id] for id in quoted & self._texts.keys()}
        sources = {id for type, id in self.keys if type == "sources"}
        as_they_were = standing(connection, {read.key: read.record for read in batch}, sources)
        return [self._entry(read, texts, as_they_were.get(read.key)) for read in batch]

    def _entry(self, read: Read, texts: Mapping[str, str | None], before: Quoting | None) -> Entry:
        if before:
            return Entry.of(read.type, read.record, tuple(before.cited), before.digest)
        return Entry.of(read.type, read.record, _cite(read, texts, self.faults), entered=read.entered)

    def _dangling(self, connection: Connection, batch: Sequence[Read]) -> Iterator[Fault]:
        """References to records that are neither in the change nor stored; malformed ones have faults of their own."""
        here = _Either(self.keys, self._malformed)
        outside = [
            (read.number, pointer, (type, id))
            for read in batch
            for pointer, type, id in references(read.record)
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
            if owner != read.record.id:
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
