"""The reader process's part of the bulk path: it validates candidates and prebuilds their rows and documents."""

import orjson

from app.common.problems import Fault
from app.common.validation_errors import is_clean
from app.imports.candidates import Candidate, Found, PrebuiltCandidate, SourceItem
from app.imports.linkage.assignment import digest_of
from app.imports.linkage.identifiers import linkage_fields
from app.imports.linkage.references import optional_link_fields, without_optional_links
from app.records.base_schemas import RecordIn, as_entered
from app.records.vocabularies import RecordType
from app.store.prebuilt import Prebuilder
from app.store.submission import Read, Submission, own_faults, read_storable


def prebuild(found: Found) -> Found:
    """The item with prebuilt candidates where they are valid by themselves, so that the writer need not check them."""
    if not isinstance(found, SourceItem):
        return found
    prebuilder = Prebuilder()
    return found._replace(candidates=tuple(_prebuilt(candidate, prebuilder) for candidate in found.candidates))


def _prebuilt(candidate: Candidate, prebuilder: Prebuilder) -> Candidate:
    """Prebuilds a candidate. One that is valid but refers to too much is only given its canonical form."""
    json = _sorted_json(candidate)
    record = _valid_record(candidate) if json else None
    if json is None or record is None:
        return candidate
    links = optional_link_fields(candidate.type, candidate.data)
    alone = _without_links(links, candidate.type, record)
    ready = prebuilder.ready(candidate.type, alone) if alone else None
    entered = as_entered(record) if links or ready is None else None
    if ready is None:
        return candidate._replace(prebuilt=PrebuiltCandidate(entered))
    linkless = without_optional_links(candidate.type, candidate.data)
    made = PrebuiltCandidate(entered, ready, digest_of(candidate.type, linkless, None if links else json), json)
    return Candidate(candidate.type, linkage_fields(candidate.data), made)


def _without_links(links: list[str], type: RecordType, record: RecordIn) -> RecordIn | None:
    """The record without some links, or `None` if it is not valid without them."""
    if not links:
        return record
    alone = record.model_copy(update={name: [] for name in links})
    return None if any(own_faults(Read.of(0, type, alone))) else alone


def _sorted_json(candidate: Candidate) -> bytes | None:
    """The candidate's data as JSON with sorted keys, as `digest_of` takes it; `None` if its texts need a look."""
    try:
        json = orjson.dumps(candidate.data, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    return json if is_clean(json) else None


def _valid_record(candidate: Candidate) -> RecordIn | None:
    """The candidate as a record, or `None` if its shape is wrong or it breaks a rule of its own type."""
    faults: list[Fault] = []
    read = read_storable(Submission(0, candidate.type, candidate.data), faults)
    return None if read is None or [*own_faults(read)] else read.record
