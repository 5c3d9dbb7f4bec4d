"""Recognises what this service exported itself: citations of labels, registry records and web pages.

An article that comes back is found again by its PMID, its DOI or its title. A label or a web page is a record of
another kind, or has a title of our own words; what carries the id of such a record is skipped, so that an export that
is read again changes nothing.
"""

import re

from app.imports.formats.references.accounting import Tags
from app.imports.formats.references.identifiers import values
from app.imports.readers.record_builder import Entry
from app.records.registry import RESOURCES

_ADDRESS = re.compile(rf"https?://[^\s?#]+/v1/(?:{'|'.join(RESOURCES)})/([a-z0-9]+(?:-[a-z0-9]+)*)/?")
_ID = re.compile(
    r"(?:label|ctgov|pubmed|references?|dailymed)-[a-z0-9]+(?:-[a-z0-9]+)*|[a-z0-9]+(?:-[a-z0-9]+){2,}",
)
"""The ids that imports give to sources, and those of at least three words that people give to records."""
_ARTICLES = frozenset({"JOUR", "EJOUR", "JFULL", "MGZN", "NEWS", "INPR", "ABST", "CHAP", "BOOK", "CONF", "CPAPER"})


def own_record(entry: Entry, tags: Tags, kind: str) -> str | None:
    """The id of our record that an entry without a PMID, a DOI and a PMCID cites, or `None`."""
    if entry.data.keys() & {"pmid", "doi", "pmcid"} or kind in _ARTICLES or not kind:
        return None
    addresses = (_ADDRESS.fullmatch(word) for value in values(tags, "UR", "L1", "L2") for word in value.split())
    named = (_ID.fullmatch(value.strip()) for value in values(tags, "ID"))
    found = next(filter(None, addresses), None)
    if found:
        return found[1]
    own = next(filter(None, named), None)
    return own[0] if own else None
