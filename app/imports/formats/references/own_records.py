"""Recognises what this service exported itself: citations of labels, registry records and web pages.

An article that comes back is found again by its PMID, its DOI or its title. A label or a web page is a record of
another kind, or has a title of our own words; what carries the id of such a record is skipped, so that an export that
is read again changes nothing.
"""

import re
from typing import get_args

from app.imports.formats.references.accounting import Tags
from app.imports.formats.references.identifiers import values
from app.imports.readers.record_builder import Entry
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType

_ADDRESS = re.compile(rf"https?://[^\s?#]+/v1/(?:{'|'.join(RESOURCES)})/([a-z0-9]+(?:-[a-z0-9]+)*)/?")
_ID = re.compile(
    r"(?:label|ctgov|pubmed|references?|dailymed)-[a-z0-9]+(?:-[a-z0-9]+)*|[a-z0-9]+(?:-[a-z0-9]+){2,}",
)
"""The ids that imports give to sources, and those of at least three words that people give to records."""
_ARTICLES = frozenset({"JOUR", "EJOUR", "JFULL", "MGZN", "NEWS", "INPR", "ABST", "CHAP", "BOOK", "CONF", "CPAPER"})


_MARK = re.compile(rf"({'|'.join(get_args(RecordType))})/([a-z0-9]+(?:-[a-z0-9]+)*)")


def _marked_record(tags: Tags) -> str | None:
    marks = (_MARK.fullmatch(value.strip()) for value in values(tags, "C8"))
    return next((mark[2] for mark in marks if mark and mark[1] != "publications"), None)


def own_record(entry: Entry, tags: Tags, kind: str) -> str | None:
    """The id of our record that an entry cites, or `None`; entries with a PMID, a DOI or a PMCID are publications.

    Our RIS says it in `C8` (`sources/label-botox`). Other formats have the bare id, which is looked at in entries of no
    article alone.
    """
    if marked := _marked_record(tags):
        return marked
    if entry.data.keys() & {"pmid", "doi", "pmcid"} or kind in _ARTICLES or not kind:
        return None
    addresses = (_ADDRESS.fullmatch(word) for value in values(tags, "UR", "L1", "L2") for word in value.split())
    named = (_ID.fullmatch(value.strip()) for value in values(tags, "ID"))
    found = next(filter(None, addresses), None)
    if found:
        return found[1]
    own = next(filter(None, named), None)
    return own[0] if own else None
