"""Helpers for tests of readers: every candidate must be a record that breaks no rule."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from app.imports.candidates import Found, Json, Rejection, SourceItem
from app.records.base_schemas import RecordIn, references
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType

FIXTURES = Path(__file__).parent / "fixtures/importing"
DATA = Path(__file__).parents[2] / "shared/data"


def records(unit: SourceItem) -> Iterator[tuple[str, RecordIn]]:
    """Yields the type and the validated record of each candidate; raises the error of the model."""
    for candidate in unit.candidates:
        yield candidate.type, RESOURCES[candidate.type].entered.model_validate(candidate.data)


def faults(unit: SourceItem) -> list[str]:
    """The rules that the records of an item break, and the references to records that do not come before them."""
    found: list[str] = []
    known: set[tuple[str, str]] = set()
    for type, record in records(unit):
        own = RESOURCES[record_type(type)].faults(record)
        found += [f"{unit.place} {fault.pointer}: {fault.detail}" for fault in own]
        missing = [key for pointer, *key in references(record) if tuple(key) not in known]
        found += [f"{unit.place} refers to {key}" for key in missing]
        known.add((type, record.id))
    return found


def record_type(name: str) -> RecordType:
    return next(type for type in RESOURCES if type == name)


def accepted(found: Iterable[Found]) -> list[SourceItem]:
    """All items; fails if anything is rejected or if a record could not be entered as it is."""
    all_ = list(found)
    assert [one for one in all_ if isinstance(one, Rejection)] == []
    units = [one for one in all_ if isinstance(one, SourceItem)]
    assert [fault for unit in units for fault in faults(unit)] == []
    return units


def offered(unit: SourceItem, type: str) -> Json:
    """The data of the only candidate of a type in an item."""
    (data,) = [candidate.data for candidate in unit.candidates if candidate.type == type]
    return data


def damaged(content: bytes, random: Random, pieces: Sequence[bytes]) -> bytes:
    """The content with some bytes changed, removed or repeated, and with pieces of the format inserted at random."""
    some = bytearray(content)
    for _ in range(random.randrange(1, 8)):
        at = random.randrange(len(some))
        match random.randrange(4):
            case 0:
                some[at] = random.randrange(256)
            case 1:
                del some[at : at + random.randrange(1, 200)]
            case 2:
                some[at:at] = random.choice(pieces)
            case _:
                start = random.randrange(len(some))
                some[at:at] = some[start : start + random.randrange(300)]
    return bytes(some)
