"""ClinicalTrials.gov: registry records as API v2 serves them, in JSON.

    reading      splits a file into records: one study, lines, an array, a page of the API
    grammar      validates the fields that are read
    mapping      maps one record to a source item, with protocol, linking, arms, outcomes, cells, analyses,
                 adverse_events and flow
    printed, notes, vocabularies, paths    numbers, text, enum values and JSON pointers

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
"""The number of records without any study at which a file is given up."""


def units(file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
    """Yields a source item or a rejection for each record; raises `Unreadable` if the file is not one of studies."""
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
