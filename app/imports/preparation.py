"""What the process that reads does for the one that writes: each offer is looked over by itself, and made ready."""

import orjson

from app.common.validation_errors import is_storable
from app.imports.candidates import Found, Offer, Prepared, Unit
from app.imports.linkage.assignment import digest_of
from app.imports.linkage.identifiers import head_of
from app.imports.linkage.references import linked, unlinked
from app.records.base_schemas import RecordIn, as_entered
from app.records.fields import RecordType
from app.store.prebuild import Readying
from app.store.submission import Draft, Fault, Read, own_faults, read_storable


def prepared(found: Found) -> Found:
    """With what is right in itself as it would be written, so that whoever writes need not look again."""
    if not isinstance(found, Unit):
        return found
    readying = Readying()
    return found._replace(offers=tuple(_prepared(offer, readying) for offer in found.offers))


def _prepared(offer: Offer, readying: Readying) -> Offer:
    said = _said(offer)
    record = _read(offer) if said else None
    if said is None or record is None:
        return offer
    links = linked(offer.type, offer.data)
    alone = _without(links, offer.type, record)
    ready = readying.ready(offer.type, alone) if alone else None
    entered = as_entered(record) if links or ready is None else None
    if ready is None:
        return offer._replace(entered=entered)
    made = Prepared(ready, digest_of(offer.type, unlinked(offer.type, offer.data), None if links else said), said)
    return Offer(offer.type, head_of(offer.data), entered, made)


def _without(links: list[str], type: RecordType, record: RecordIn) -> RecordIn | None:
    """The record as it is without some links, if it may be so."""
    if not links:
        return record
    alone = record.model_copy(update={name: [] for name in links})
    return None if any(own_faults(Read.of(0, type, alone))) else alone


def _said(offer: Offer) -> bytes | None:
    """All of it, as `digest_of` writes it down; nothing where no database could keep it."""
    try:
        said = orjson.dumps(offer.data, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    return said if is_storable(said) else None


def _read(offer: Offer) -> RecordIn | None:
    """What is offered as a record, if its shape and its own rules are right."""
    faults: list[Fault] = []
    read = read_storable(Draft(0, offer.type, offer.data), faults)
    return None if read is None or [*own_faults(read)] else read.record
