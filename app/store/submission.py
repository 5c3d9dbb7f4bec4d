"""A submission: a record as it was sent, and the checks that need no other record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError

from app.common.problems import Fault
from app.common.suggestions import nearest
from app.common.validation_errors import pointer_of, shape_faults, text_faults
from app.records.base_schemas import RecordIn, references
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.documents import decompress
from app.store.entry import NameClaim, PrebuiltRecord, claims_of
from app.store.quotes.citations import cited_by
from app.store.versions import Key


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted record that is not validated yet; `number` is its place in the batch and names it in faults."""

    number: int
    type: RecordType
    data: Any
    entered: bytes | None = None
    """The record as JSON to be stored, if its shape and its own rules were validated before."""
    ready: PrebuiltRecord | None = None
    """The prebuilt rows and document, if they were made before."""


@dataclass(frozen=True, slots=True)
class Read:
    """A draft whose shape is valid. `given` is the parsed record, or nothing if the record is prebuilt (`ready`)."""

    number: int
    type: RecordType
    id: str
    given: RecordIn | None
    entered: bytes | None = None
    """The record as JSON to be stored, if it was validated before."""
    ready: PrebuiltRecord | None = None

    @classmethod
    def of(cls, number: int, type: RecordType, record: RecordIn, entered: bytes | None = None) -> "Read":
        """Make one from a parsed record, whose id it takes."""
        return cls(number, type, record.id, record, entered)

    @property
    def key(self) -> Key:
        """The record's type and id."""
        return self.type, self.id

    @property
    def record(self) -> RecordIn:
        """The parsed record. A prebuilt one is parsed only when it is needed here, since it can be written without."""
        if self.given is None:
            assert self.ready is not None
            return RESOURCES[self.type].entered.model_validate_json(decompress(self.ready.kept))
        return self.given

    def claims(self) -> Iterable[NameClaim]:
        """The names that no other record of the type may have."""
        return claims_of(self.type, self.record) if self.ready is None else self.ready.claims

    def references(self) -> Iterable[tuple[str, RecordType, str]]:
        """The other records that this one refers to: `(JSON pointer, type, id)`."""
        return references(self.record) if self.ready is None else self.ready.references()

    def quoted_sources(self) -> set[str]:
        """The ids of the sources that the record quotes. A prebuilt record quotes none."""
        return (
            {item.source for item in cited_by(self.record) if item.quote is not None} if self.ready is None else set()
        )


def prevalidated(draft: Submission) -> Read | None:
    """Return a draft that was validated or prebuilt before, without validating it again; nothing for any other."""
    if draft.ready:
        return Read(draft.number, draft.type, draft.ready.id, None, ready=draft.ready)
    if draft.entered is None:
        return None
    record = RESOURCES[draft.type].entered.model_validate_json(draft.entered)
    return Read.of(draft.number, draft.type, record, draft.entered)


def validate_draft(draft: Submission, faults: list[Fault]) -> Read | None:
    """Check that a draft's text can be stored and that its shape is valid; append to `faults` what is wrong."""
    unstorable = list(text_faults(draft.data))
    if unstorable:
        faults += [fault.at(draft.number) for fault in unstorable]
        return None
    return read_storable(draft, faults)


def read_storable(draft: Submission, faults: list[Fault]) -> Read | None:
    """Parse a draft whose text can be stored; where its shape is invalid, append to `faults` and return nothing."""
    entered: type[RecordIn] = RESOURCES[draft.type].entered
    try:
        return Read.of(draft.number, draft.type, entered.model_validate(draft.data))
    except ValidationError as error:
        faults += [fault.at(draft.number) for fault in shape_faults(entered, error)]
        return None


@cache
def _own_fields(shape: type[RecordIn]) -> tuple[str, ...]:
    return tuple(name for name in shape.model_fields if name not in RecordIn.model_fields)


def _absence_faults(record: RecordIn) -> Iterator[Fault]:
    fields = _own_fields(type(record)) if record.absent else ()
    for name in record.absent:
        if name not in fields:
            near = tuple(nearest(name, fields))
            yield Fault(f"there is no field {name!r} to be absent", f"/absent/{name}", nearest=near)
        elif getattr(record, name) not in (None, []):
            yield Fault(f"{name} is not absent: it has a value", f"/absent/{name}")


def _path_faults(record: RecordIn) -> Iterator[Fault]:
    fields = type(record).model_fields
    for position, item in enumerate(cited_by(record)):
        for name in item.paths:
            if name.partition("/")[0] not in fields:
                where = f"/provenance/{position}/paths{pointer_of((name,))}"
                yield Fault(f"there is no field {name!r} to be mapped", where, nearest=tuple(nearest(name, fields)))


RESERVED = frozenset({"missing", "present"})
"""Words of the filter grammar. A filter could not name a record that has one of them as its id."""


def own_faults(read: Read) -> Iterator[Fault]:
    """What is wrong with a record by itself: its id, its type's domain rules, its absences and its source paths."""
    if read.id in RESERVED:
        yield Fault(f"{read.id!r} has a meaning of its own in filters and can be no id", "/id").at(read.number)
    record = read.record
    for fault in (*RESOURCES[read.type].faults(record), *_absence_faults(record), *_path_faults(record)):
        yield fault.at(read.number)
