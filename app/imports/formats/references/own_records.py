"""Recognises what this service exported itself: citations of labels, registry records and web pages.

An article that comes back is found again by its PMID, its DOI or its title and year. A label or a web page is a record
of another kind, or has a title of our own words; an entry that carries the mark of such a record (`sources/label-1`)
is skipped, so that an export that is read again changes nothing. The ids of other people's web pages may look like
ours, so that the mark alone counts, or an address of this service.
"""

import re
from typing import NamedTuple, get_args

from app.imports.formats.references.accounting import Tags
from app.imports.formats.references.identifiers import values
from app.imports.readers.record_builder import Entry
from app.records.vocabularies import RecordType

_RECORD = rf"({'|'.join(get_args(RecordType))})/([a-z0-9]+(?:-[a-z0-9]+)*)"
_MARK = re.compile(_RECORD)
_ADDRESS = re.compile(rf"https?://[^\s?#]+/v1/{_RECORD}/?")


class OwnRecord(NamedTuple):
    """A record of this service that an entry was exported from."""

    id: str
    is_publication: bool


def own_record(tags: Tags) -> OwnRecord | None:
    """The record that an entry was exported from: its mark is in `C8` of RIS, and in `evidence` of BibTeX and of
    CSL-JSON's `custom`.
    """
    marks = (_MARK.fullmatch(value.strip()) for value in values(tags, "C8"))
    pages = (_ADDRESS.fullmatch(word) for value in values(tags, "UR", "L1", "L2") for word in value.split())
    found = next(filter(None, (*marks, *pages)), None)
    return OwnRecord(found[2], found[1] == "publications") if found else None


def can_be_found(entry: Entry) -> bool:
    """Whether a publication can be found again: by a PMID or DOI, or by its whole title with a PMCID or its year."""
    has_whole_title = "title" in entry.data and entry.data.get("title_kind", "printed") == "printed"
    return bool(entry.data.keys() & {"pmid", "doi"} or (has_whole_title and entry.data.keys() & {"pmcid", "year"}))
