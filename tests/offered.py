"""What importers' tests have in common: everything offered has to be a record that breaks no rule."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from app.imports.candidates import Found, Json, Rejection, SourceItem
from app.records.base_schemas import RecordIn, references
from app.records.fields import RecordType
from app.records.registry import RESOURCES

FIXTURES = Path(__file__).parent / "fixtures/importing"
DATA = Path(__file__).parents[2] / "shared/data"


def records(unit: SourceItem) -> Iterator[tuple[str, RecordIn]]:
    """Each offer as its type's model takes it; raises what the model finds wrong."""
    for offer in unit.offers:
        yield offer.type, RESOURCES[offer.type].entered.model_validate(offer.data)


def faults(unit: SourceItem) -> list[str]:
    """The rules that a unit's records break, and ids that they refer to before these are offered."""
    found: list[str] = []
    known: set[tuple[str, str]] = set()
    for type, record in records(unit):
        own = RESOURCES[record_type(type)].faults(record)
        found += [f"{unit.place} {pointer}: {detail}" for pointer, detail in own]
        missing = [key for pointer, *key in references(record) if tuple(key) not in known]
        found += [f"{unit.place} refers to {key}" for key in missing]
        known.add((type, record.id))
    return found


def record_type(name: str) -> RecordType:
    return next(type for type in RESOURCES if type == name)


def accepted(found: Iterable[Found]) -> list[SourceItem]:
    """All of it, where nothing is refused and every record could be entered as it is."""
    all_ = list(found)
    assert [one for one in all_ if isinstance(one, Rejection)] == []
    units = [one for one in all_ if isinstance(one, SourceItem)]
    assert [fault for unit in units for fault in faults(unit)] == []
    return units


def offered(unit: SourceItem, type: str) -> Json:
    """The one record of a type that a unit offers."""
    (data,) = [offer.data for offer in unit.offers if offer.type == type]
    return data


def damaged(content: bytes, random: Random, pieces: Sequence[bytes]) -> bytes:
    """Some bytes changed, cut out or repeated, and some of the format's own put where they do not belong."""
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
