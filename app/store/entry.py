"""A record that was checked, on its way into its tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.records.base_models import fold, is_exclusive
from app.records.base_schemas import CitedIn, RecordIn, as_entered
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.records.resource import Row, Rows
from app.store.bulk_insert import Block
from app.store.documents import unpacked
from app.store.quotes.citations import provenance_rows
from app.store.quotes.reanchor import digest_of
from app.store.versions import Key

Claim = tuple[str, str]
"""A name folded, and as it is written."""


class Ready(NamedTuple):
    """A new record with all that is to be written of it, made before. It shows and quotes nobody, but cites sources."""

    id: str
    kept: bytes
    """As it was entered, packed."""
    digest: str
    claims: tuple[Claim, ...]
    sources: tuple[str, ...]
    """What it cites, in order."""
    may_be_alerted: bool
    """Whether any of that may be a publication."""
    blocks: dict[str, Block]
    """Its rows by table."""
    etag: str
    body: bytes

    def references(self) -> Iterator[tuple[str, RecordType, str]]:
        yield from ((f"/provenance/{place}/source", "sources", id) for place, id in enumerate(self.sources))


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked record, ready to be written, as it was entered; `cited` are its provenance rows.

    `stored`: the digest it is kept under, where it is entered as it was and only its quotes have moved since.
    """

    type: RecordType
    id: str
    entered: bytes
    """Of what is ready, packed."""
    cited: tuple[Row, ...]
    stored: str | None = None
    read: RecordIn | None = None
    """What `entered` says, where it need not be read again."""
    ready: Ready | None = None

    @classmethod
    def ready_made(cls, type: RecordType, ready: Ready) -> "Entry":
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
        return cls(type, record.id, entered or as_entered(record), cited, stored, record)

    @property
    def key(self) -> Key:
        return self.type, self.id

    @property
    def record(self) -> RecordIn:
        return self.read or RESOURCES[self.type].entered.model_validate_json(unpacked(self.entered))

    @property
    def digest(self) -> str:
        return self.stored or digest_of(self.entered, self.cited)


def _name_rows(type: RecordType, record: RecordIn) -> list[Row]:
    """A record's names, its id first; a name repeated under another kind claims its key once."""
    owner = {"record_type": type, "record_id": record.id}
    seen: set[str] = set()
    rows = []
    for position, (kind, name) in enumerate(names_of(type, record)):
        key = fold(type, name)
        claim = is_exclusive(kind) and key not in seen
        seen.add(key)
        rows.append({**owner, "position": position, "kind": kind, "name": name, "key": key, "exclusive": claim})
    return rows


def claims_of(type: RecordType, record: RecordIn) -> Iterator[Claim]:
    """The names that no other record of its type may have."""
    for kind, name in names_of(type, record):
        if is_exclusive(kind):
            yield fold(type, name), name


def names_of(type: RecordType, record: RecordIn) -> list[tuple[str, str]]:
    return [("id", record.id), *RESOURCES[type].names(record)]


def rows_of(entry: Entry) -> Rows:
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
