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

from app.imports.candidates import Found, ImportWarning, Rejection, SourceItem, Unreadable
from app.imports.formats.ctgov.mapping import digest_of, mapped
from app.imports.formats.ctgov.reading import MorePages, Record, records
from app.imports.name_index import Names

__all__ = ["digest_of", "mapped", "units"]

PATIENCE = 20
"""The number of records without any study at which a file is given up."""
MORE_PAGES = ImportWarning("more-pages", "its page names a next one (nextPageToken), which holds more studies")


def units(file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
    """Yields a source item or a rejection for each record; raises `Unreadable` if the file is not one of studies.

    The last one of a page that is not the last page has a warning.
    """
    last: Found | None = None
    try:
        for found in _units(file, name, names):
            if last is not None and not isinstance(found, MorePages):
                yield last
            last = _warned(last) if isinstance(found, MorePages) else found
    except Unreadable:
        yield from filter(None, (last,))
        raise
    yield from filter(None, (last,))


def _warned(last: Found | None) -> Found | None:
    if isinstance(last, SourceItem):
        return last._replace(warnings=(*last.warnings, MORE_PAGES))
    return last._replace(detail=f"{last.detail}; {MORE_PAGES.text}") if last else None


def _units(file: IO[bytes], name: str, names: Names) -> Iterator[Found | MorePages]:
    strange: list[Rejection] = []
    known = False
    for record in records(file):
        if isinstance(record, MorePages):
            yield record
            continue
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
