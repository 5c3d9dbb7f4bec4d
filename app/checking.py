"""What must hold before a record is written, whoever writes it; every fault is found at once.

shape -> domain rules -> references, names, quotes against the batch and the database
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from app.catalogue import RESOURCES
from app.fields import RecordType
from app.nearest import nearest
from app.quotes import NotQuoted, locate
from app.record_schemas import Cited, ProvenanceIn, RecordIn, references
from app.records import Record, RecordName, fold, is_exclusive
from app.rendering import referrers
from app.requoting import standing
from app.resources import Row
from app.rows import IS_DELETED, among, batches, known
from app.rules import broken
from app.shapes import shape_faults, text_faults
from app.sources.models import Source
from app.sources.schemas import SourceIn
from app.versions import Key, grouped
from app.writing import Entry, names_of


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as somebody wrote it down; `number` is its place in the batch."""

    number: int
    type: RecordType
    data: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a JSON pointer of the batch's record of that number, and the nearest valid values."""

    number: int
    pointer: str
    detail: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    number: int
    type: RecordType
    record: RecordIn

    @property
    def key(self) -> Key:
        return self.type, self.record.id


def _read(draft: Draft, faults: list[Fault]) -> _Read | None:
    entered: type[RecordIn] = RESOURCES[draft.type].entered
    unstorable = list(text_faults(draft.data))
    if unstorable:
        faults += [Fault(draft.number, pointer, detail) for pointer, detail, _ in unstorable]
        return None
    try:
        return _Read(draft.number, draft.type, entered.model_validate(draft.data))
    except ValidationError as error:
        found = shape_faults(entered, error)
        faults += [Fault(draft.number, pointer, detail, tuple(near)) for pointer, detail, near in found]
        return None


def _absences(record: RecordIn) -> Iterator[tuple[str, str, list[str]]]:
    fields = [name for name in type(record).model_fields if name not in RecordIn.model_fields]
    for name in record.absent:
        if name not in fields:
            yield f"/absent/{name}", f"there is no field {name!r} to be absent", nearest(name, fields)
        elif getattr(record, name) not in (None, []):
            yield f"/absent/{name}", f"{name} is not absent: it has a value", []


RESERVED = frozenset({"missing", "present"})
"""Words of the filter grammar: a record of this id could not be asked for."""


def _own_faults(read: _Read) -> Iterator[Fault]:
    if read.record.id in RESERVED:
        yield Fault(read.number, "/id", f"{read.record.id!r} has a meaning of its own in filters and can be no id")
    for pointer, detail in broken(read.record, RESOURCES[read.type].rules):
        yield Fault(read.number, pointer, detail)
    for pointer, detail, near in _absences(read.record):
        yield Fault(read.number, pointer, detail, tuple(near))


def _duplicates(batch: Sequence[_Read]) -> Iterator[Fault]:
    seen: set[Key] = set()
    for read in batch:
        if read.key in seen:
            yield Fault(read.number, "/id", f"the id {read.record.id!r} is taken by another of the {read.type}")
        seen.add(read.key)


def _ids(connection: Connection, type: RecordType, batch: Sequence[_Read]) -> list[str]:
    stored = connection.scalars(select(Record.id).where(Record.type == type, ~IS_DELETED).limit(50_000))
    return [*stored, *(read.record.id for read in batch if read.type == type)]


def _dangling(
    connection: Connection, batch: Sequence[_Read], malformed: frozenset[Key], gone: Collection[Key]
) -> Iterator[Fault]:
    """References to records that are neither in the batch nor stored."""
    here = {read.key for read in batch} | malformed
    outside = [
        (read.number, pointer, type, id)
        for read in batch
        for pointer, type, id in references(read.record)
        if (type, id) not in here
    ]
    stored = known(connection, {(type, id) for _, _, type, id in outside}).keys() - set(gone)
    choices: dict[RecordType, list[str]] = {}
    for number, pointer, type, id in outside:
        if (type, id) not in stored:
            choices.setdefault(type, _ids(connection, type, batch))
            yield Fault(number, pointer, f"there is no {id!r} among the {type}", tuple(nearest(id, choices[type])))


def _claims(read: _Read) -> Iterator[tuple[tuple[RecordType, str], str]]:
    for kind, name in names_of(read.type, read.record):
        if is_exclusive(kind):
            yield (read.type, fold(read.type, name)), name


def _claimed_twice(connection: Connection, batch: Sequence[_Read]) -> Iterator[Fault]:
    """Names that would find two records of a type."""
    claims = [(read, claim, name) for read in batch for claim, name in _claims(read)]
    first: dict[tuple[RecordType, str], str] = {}
    for read, claim, _ in claims:
        first.setdefault(claim, read.record.id)
    stored = _claimed_elsewhere(connection, first, {read.key for read in batch})
    for read, claim, name in claims:
        owner = stored.get(claim, first[claim])
        if owner != read.record.id:
            yield Fault(read.number, "", f"the name {name!r} is claimed by {owner!r} too")


def _claimed_elsewhere(
    connection: Connection, claims: Iterable[tuple[RecordType, str]], batch: set[Key]
) -> Mapping[tuple[RecordType, str], str]:
    taken: dict[tuple[RecordType, str], str] = {}
    of = (RecordName.record_type, RecordName.key)
    for some in batches(claims):
        query = select(*of, RecordName.record_id).where(among(*of, some), RecordName.exclusive)
        taken |= {(type, key): id for type, key, id in connection.execute(query) if (type, id) not in batch}
    return taken


def _texts(connection: Connection, batch: Sequence[_Read]) -> Mapping[str, str | None]:
    """The stored texts of the sources that the batch quotes."""
    here = {read.record.id: read.record.text for read in batch if isinstance(read.record, SourceIn)}
    quoted = {item.source for read in batch for item in _provenance(read) if item.quote is not None}
    texts: dict[str, str | None] = dict(here)
    for some in batches(quoted - here.keys()):
        query = select(Source.id, Source.text).where(Source.id.in_(some))
        texts |= {row.id: row.text for row in connection.execute(query)}
    return texts


def _provenance(read: _Read) -> list[ProvenanceIn]:
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


def _cite(read: _Read, texts: Mapping[str, str | None], faults: list[Fault]) -> tuple[Row, ...]:
    now = datetime.now(UTC)
    rows = []
    for position, item in enumerate(_provenance(read)):
        try:
            span = _span(item, texts.get(item.source), now)
        except NotQuoted as fault:
            near = (fault.near,) if fault.near else ()
            faults.append(Fault(read.number, f"/provenance/{position}/quote", fault.detail, near))
        else:
            rows.append({"position": position, "source_id": item.source, "section": item.section, **span})
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


def check(
    connection: Connection, drafts: Iterable[Draft], gone: Collection[Key] = ()
) -> tuple[list[Entry], list[Fault]]:
    """The batch's records ready to be written, and all that is wrong with them; write them only if nothing is.

    `gone`: records that the same change deletes, which nobody may refer to then.
    """
    faults: list[Fault] = []
    drafts = list(drafts)
    batch = [read for draft in drafts if (read := _read(draft, faults))]
    malformed = _malformed(drafts, batch)
    for read in batch:
        faults += _own_faults(read)
    faults += _duplicates(batch)
    faults += _dangling(connection, batch, malformed, gone)
    faults += _claimed_twice(connection, batch)
    entries = _entries(connection, batch, faults)
    return entries, sorted(faults, key=lambda fault: (fault.number, fault.pointer))


def _entries(connection: Connection, batch: Sequence[_Read], faults: list[Fault]) -> list[Entry]:
    texts = _texts(connection, batch)
    sources = {read.record.id for read in batch if read.type == "sources"}
    as_they_were = standing(connection, {read.key: read.record for read in batch}, sources)
    entries = []
    for read in batch:
        before = as_they_were.get(read.key)
        cited = tuple(before.cited) if before else _cite(read, texts, faults)
        entries.append(Entry(read.type, read.record, cited, before.digest if before else None))
    return entries


def _malformed(drafts: Sequence[Draft], batch: Sequence[_Read]) -> frozenset[Key]:
    """Ids of records with a fault of shape: who refers to them has no fault of his own."""
    numbers = {read.number for read in batch}
    rest = (draft for draft in drafts if draft.number not in numbers and isinstance(draft.data, dict))
    return frozenset((draft.type, str(draft.data.get("id"))) for draft in rest)
