"""ClinicalTrials.gov: its records as API v2 serves them, in JSON.

    reading      a file's records: one study, lines, an array, a page of the API
    grammar      what of a record is read, and where it breaks the grammar
    mapping      one record as a source item: protocol, linking, arms, outcomes, cells, analyses, adverse_events, flow
    printed, notes, vocabularies, paths    numbers, text, vocabularies and pointers, as they are mapped

Fields mean what ClinicalTrials.gov's "Study Data Structure", "Protocol Registration Data Element Definitions" and
"Results Data Element Definitions" say. Not mapped: locations, contacts, summaries, eligibility criteria, baseline
characteristics, documents and agreements.
"""

from collections.abc import Iterator
from typing import IO, Any

from app.imports.candidates import Found, Rejection, Unreadable
from app.imports.formats.ctgov.mapping import digest_of, mapped
from app.imports.formats.ctgov.reading import Record, records
from app.imports.name_index import Names

__all__ = ["digest_of", "mapped", "units"]

PATIENCE = 20
"""Records that are no studies, before the first that is one, after which the file is something else."""


def units(file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
    """Each record as a unit or a refusal, in the file's order; raises `Unreadable` where it is no file of studies."""
    strange: list[Rejection] = []
    known = False
    for record in records(file):
        found = record if isinstance(record, Rejection) else mapped(record.value, names, place=record.place)
        if not known and isinstance(found, Rejection) and not (isinstance(record, Record) and _is_study(record.value)):
            strange.append(found)
            if len(strange) == PATIENCE:
                break
            continue
        known = True
        yield from strange
        strange = []
        yield found
    if strange:
        raise Unreadable(f"nothing in {name} is a study: {strange[0].place}: {strange[0].detail}")


def _is_study(value: Any) -> bool:
    return isinstance(value, dict) and "protocolSection" in value
