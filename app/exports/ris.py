"""Citations as RIS, with the tags where Zotero and EndNote look for them.

Each value is one line, and no part of it has the two blanks that make a tag. The id of the record is in `ID`, and with
its type in `C8`.
"""

import re
from collections.abc import Iterable, Iterator

from app.common.page_range import page_range
from app.exports.citation_item import Citation, Person, one_line

_TYPES = {"article": "JOUR", "registration": "DATA", "web-page": "ELEC", "document": "GEN"}
_BLANKS = re.compile(r" {2,}")
Line = tuple[str, str | None]


def _name(author: Person) -> str:
    """Return a name in the order family, given, suffix; a comma at its end marks a group, as EndNote reads it."""
    return f"{author.family}," if author.is_group else ", ".join(filter(None, author[:3]))


def _date(date: str | None) -> str | None:
    """Return a partial date as `YYYY/MM/DD/`, in which what is not known is empty."""
    if date is None:
        return None
    year, month, day = (*date.split("-"), "", "")[:3]
    return f"{year}/{month}/{day}/"


def _identity(citation: Citation) -> Iterator[Line]:
    yield from (("ID", citation.key), ("C8", citation.record))
    yield from (("TI", citation.title), ("TT", citation.vernacular_title))
    yield from (("AU", _name(author)) for author in citation.authors)
    yield "AU", "et al." if citation.is_incomplete else None


def _place(citation: Citation) -> Iterator[Line]:
    first, last = page_range(citation.pages) if citation.pages else (None, None)
    yield from (("T2", citation.container), ("J2", citation.abbreviation), ("SN", citation.issn))
    yield "PY", citation.issued[:4] if citation.issued else None
    if citation.date and len(citation.date) > len("2010"):
        yield from ((tag, _date(citation.date)) for tag in ("Y1", "DA"))
    yield from (("VL", citation.volume), ("IS", citation.issue), ("SP", first), ("EP", last))
    edition = citation.epub_date if citation.kind == "article" else citation.version
    yield from (("ET", edition), ("PB", citation.publisher), ("Y2", _date(citation.accessed)))


def _access(citation: Citation) -> Iterator[Line]:
    yield from (("DO", citation.doi), ("AN", citation.pmid), ("DB", "PubMed" if citation.pmid else None))
    yield from (("C2", citation.pmcid), ("C3", "; ".join(citation.registrations)), ("UR", citation.url))
    yield from (("M3", citation.genre), ("LA", ", ".join(citation.languages)))
    yield from (("KW", keyword) for keyword in citation.keywords)
    yield "AB", citation.abstract
    yield from (("N1", note) for note in citation.notes)


def ris_entry(citation: Citation) -> str:
    """Return the lines of a citation, and the blank one after it."""
    every = (("TY", _TYPES[citation.kind]), *_identity(citation), *_place(citation), *_access(citation))
    lines = [f"{tag}  - {_BLANKS.sub(' ', one_line(value))}\n" for tag, value in every if value]
    return "".join([*lines, "ER  - \n\n"])


def ris_of(citations: Iterable[Citation]) -> str:
    """Return citations as RIS."""
    return "".join(map(ris_entry, citations))
