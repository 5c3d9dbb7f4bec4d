"""Entries: validated records, and the rows of all tables that an entry becomes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.records.base_models import fold, is_exclusive
from app.records.base_schemas import CitedIn, RecordIn, as_entered
from app.records.registry import RESOURCES
from app.records.resource import Row, Rows
from app.records.vocabularies import RecordType
from app.store.bulk_insert import Block
from app.store.documents import decompress
from app.store.quotes.citations import provenance_rows
from app.store.quotes.reanchor import digest_of
from app.store.versions import Key

NameClaim = tuple[str, str]
"""`(folded name, name as written)`: a name that no other record of the type may have."""


class PrebuiltRecord(NamedTuple):
    """A new record with its prebuilt rows and document (see `app.store.prebuilt`).

    It refers to no records but sources, which it cites without quotes.
    """

    id: str
    kept: bytes
    """The record as entered, as JSON, compressed."""
    digest: str
    claims: tuple[NameClaim, ...]
    sources: tuple[str, ...]
    """Ids of the sources that it cites, in order."""
    may_be_alerted: bool
    """Whether any cited source has the identifier of a publication, which may be retracted or corrected."""
    blocks: dict[str, Block]
    """The record's rows by table name."""
    etag: str
    body: bytes

    def references(self) -> Iterator[tuple[str, RecordType, str]]:
        """The sources that it cites: `(JSON pointer, "sources", id)`."""
        yield from ((f"/provenance/{place}/source", "sources", id) for place, id in enumerate(self.sources))


@dataclass(frozen=True, slots=True)
class Entry:
    """A validated record that can be written."""

    type: RecordType
    id: str
    entered: bytes
    """The record as JSON; compressed if it is prebuilt."""
    cited: tuple[Row, ...]
    """Its provenance rows, without the columns that name their owner; empty if it is prebuilt."""
    stored: str | None = None
    """The digest to store, if it is known: of a prebuilt record, or of one that is entered again unchanged."""
    read: RecordIn | None = None
    """The parsed record, if it is at hand."""
    ready: PrebuiltRecord | None = None
    """The prebuilt rows and document, if there are any."""

    @classmethod
    def of_prebuilt(cls, type: RecordType, ready: PrebuiltRecord) -> "Entry":
        """Make the entry of a prebuilt record."""
        return cls(type, ready.id, ready.kept, (), ready.digest, ready=ready)

    @classmethod
    def of(
        cls,
        type: RecordType,
        record: RecordIn,
        cited: tuple[Row, ...],
        stored: str | None = None,
        entered: bytes | None = None,
    ) -> "Entry":
        """Make the entry of a parsed record; `entered` is its JSON, if it was serialized before."""
        return cls(type, record.id, entered or as_entered(record), cited, stored, record)

    @property
    def key(self) -> Key:
        """The record's type and id."""
        return self.type, self.id

    @property
    def record(self) -> RecordIn:
        """The parsed record; it is parsed from `entered` if it is not at hand."""
        return self.read or RESOURCES[self.type].entered.model_validate_json(decompress(self.entered))

    @property
    def digest(self) -> str:
        """The digest of the record and of where its quotes are, by which an unchanged record is recognized."""
        return self.stored or digest_of(self.entered, self.cited)


def _name_rows(type: RecordType, record: RecordIn) -> list[Row]:
    """The rows of a record's names, its id first.

    A name is marked exclusive if its kind is and no name before it has the same key.
    """
    owner = {"record_type": type, "record_id": record.id}
    seen: set[str] = set()
    rows = []
    for position, (kind, name) in enumerate(names_of(type, record)):
        key = fold(type, name)
        claim = is_exclusive(kind) and key not in seen
        seen.add(key)
        rows.append({**owner, "position": position, "kind": kind, "name": name, "key": key, "exclusive": claim})
    return rows


def claims_of(type: RecordType, record: RecordIn) -> Iterator[NameClaim]:
    """The exclusive names of a record, which no other record of its type may have."""
    for kind, name in names_of(type, record):
        if is_exclusive(kind):
            yield fold(type, name), name


def names_of(type: RecordType, record: RecordIn) -> list[tuple[str, str]]:
    """All names of a record as `(kind, name)`, its id first."""
    return [("id", record.id), *RESOURCES[type].names(record)]


def rows_of(entry: Entry) -> Rows:
    """The rows of all tables that an entry becomes, by table name."""
    owner = {"record_type": entry.type, "record_id": entry.id}
    record = entry.record
    cited = entry.cited if entry.ready is None else provenance_rows(record, {})[0]
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
        "names": _name_rows(entry.type, record),
        "absences": [{**owner, "field": name, "reason": why} for name, why in sorted(record.absent.items())],
        "provenance": [{**owner, **row} for row in cited],
    }
