"""A record as somebody wrote it down, and all that can be said of it without knowing any other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError

from app.common.suggestions import nearest
from app.common.validation_errors import pointer_of, shape_faults, text_faults
from app.records.base_schemas import RecordIn, references
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.records.rules import broken
from app.store.documents import unpacked
from app.store.entry import Claim, Ready, claims_of
from app.store.quotes.citations import cited_by
from app.store.versions import Key


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as somebody wrote it down; `number` is its place in the batch."""

    number: int
    type: RecordType
    data: Any
    entered: bytes | None = None
    """As it is to be kept, where its shape and its own rules were found right before."""
    ready: Ready | None = None
    """All that is to be written of it, where that was made before."""


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
    id: str
    given: RecordIn | None
    entered: bytes | None = None
    """As it is to be kept, where it was read and found right before."""
    ready: Ready | None = None

    @classmethod
    def of(cls, number: int, type: RecordType, record: RecordIn, entered: bytes | None = None) -> "Read":
        return cls(number, type, record.id, record, entered)

    @property
    def key(self) -> Key:
        return self.type, self.id

    @property
    def record(self) -> RecordIn:
        """What is ready need not be read again to be written."""
        if self.given is None:
            assert self.ready is not None
            return RESOURCES[self.type].entered.model_validate_json(unpacked(self.ready.kept))
        return self.given

    def claims(self) -> Iterable[Claim]:
        return claims_of(self.type, self.record) if self.ready is None else self.ready.claims

    def references(self) -> Iterable[tuple[str, RecordType, str]]:
        return references(self.record) if self.ready is None else self.ready.references()

    def quoted(self) -> set[str]:
        """The sources that it quotes; what is ready quotes none."""
        return (
            {item.source for item in cited_by(self.record) if item.quote is not None} if self.ready is None else set()
        )


def read_before(draft: Draft) -> Read | None:
    if draft.ready:
        return Read(draft.number, draft.type, draft.ready.id, None, ready=draft.ready)
    if draft.entered is None:
        return None
    record = RESOURCES[draft.type].entered.model_validate_json(draft.entered)
    return Read.of(draft.number, draft.type, record, draft.entered)


def read_now(draft: Draft, faults: list[Fault]) -> Read | None:
    unstorable = list(text_faults(draft.data))
    if unstorable:
        faults += [Fault(draft.number, pointer, detail) for pointer, detail, _ in unstorable]
        return None
    return read_storable(draft, faults)


def read_storable(draft: Draft, faults: list[Fault]) -> Read | None:
    entered: type[RecordIn] = RESOURCES[draft.type].entered
    try:
        return Read.of(draft.number, draft.type, entered.model_validate(draft.data))
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
    for position, item in enumerate(cited_by(record)):
        for name in item.paths:
            if name.partition("/")[0] not in fields:
                where = f"/provenance/{position}/paths{pointer_of((name,))}"
                yield where, f"there is no field {name!r} to be mapped", nearest(name, fields)


RESERVED = frozenset({"missing", "present"})
"""Words of the filter grammar: a record of this id could not be asked for."""


def own_faults(read: Read) -> Iterator[Fault]:
    if read.id in RESERVED:
        yield Fault(read.number, "/id", f"{read.id!r} has a meaning of its own in filters and can be no id")
    for pointer, detail in broken(read.record, RESOURCES[read.type].rules):
        yield Fault(read.number, pointer, detail)
    for pointer, detail, near in (*_absences(read.record), *_paths(read.record)):
        yield Fault(read.number, pointer, detail, tuple(near))
