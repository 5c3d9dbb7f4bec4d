"""Reads PubMed's line format (.nbib, `MEDLINE`).

    TAG - value
          a line that begins with blanks continues the value

The only parser on PyPI (`nbib`, last released in 2021) gives up a file at the first unknown line.
"""

import re
from collections.abc import Iterator
from datetime import date
from hashlib import sha256

from app.imports.candidates import Found, Json, Rejection
from app.imports.formats.pubmed.dates import printed_date, revision_date
from app.imports.formats.pubmed.notices import OF_LINES
from app.imports.formats.pubmed.records import (
    ISSN,
    MOST_KEYWORDS,
    MOST_MESH,
    MOST_TYPES,
    PMCID,
    PMID,
    add_authors,
    add_dates,
    add_doi,
    add_languages,
    add_notices,
    add_title,
    notice,
    source,
    unit,
)
from app.imports.formats.pubmed.registrations import add_registrations
from app.imports.formats.references.people import ET_AL
from app.imports.readers.record_builder import NAME, PROSE, Entry, cut, one_line

_LINE = re.compile(r"([A-Z]{2,4}) *- ?(.*)")
_DOI = re.compile(r"(\S+) \[doi\]")
_ISSN = re.compile(r"([0-9]{4}-[0-9]{3}[0-9Xx])(?: \((\w+)\))?")
_CITED = re.compile(r"\s*PMID:\s*([0-9]{1,9})\s*$")

Fields = list[tuple[str, str]]


def read_fields(text: str) -> Fields:
    """The tags and values of an entry in order, each value in one line."""
    found: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        begins = None if line[:1].isspace() else _LINE.fullmatch(line)
        if begins:
            found.append((begins[1], [begins[2]]))
        elif found:
            found[-1][1].append(line)
    return [(tag, one_line(" ".join(lines))) for tag, lines in found]


def _all(fields: Fields, *tags: str) -> list[str]:
    return [value for tag, value in fields if tag in tags and value]


def _first(fields: Fields, tag: str) -> str:
    return next(iter(_all(fields, tag)), "")


def _add_issn(entry: Entry, fields: Fields) -> None:
    found = [known for value in _all(fields, "IS") if (known := _ISSN.match(value))]
    linking = [known for known in found if known[2] == "Linking"] or found
    entry.exact("issn", linking[0][1].upper() if linking else None, ISSN)


def _heading(value: str) -> Json:
    heading, *qualifiers = value.split("/")
    return {
        "heading": cut(heading.strip("* "), NAME),
        "major": "*" in value,
        "qualifiers": [cut(name, NAME) for part in qualifiers[:100] if (name := part.strip("* "))],
    }


def _notices(fields: Fields) -> Iterator[Json]:
    for tag, value in fields:
        if tag in OF_LINES:
            pmid = _CITED.search(value)
            yield notice(OF_LINES[tag], pmid[1] if pmid else "", _CITED.sub("", value))


def _accessions(fields: Fields) -> Iterator[tuple[str, str]]:
    for value in _all(fields, "SI"):
        bank, _, number = value.partition("/")
        yield bank, number


def _add_authors(entry: Entry, fields: Fields) -> None:
    named = [(value, tag == "CN") for tag, value in fields if tag in ("AU", "CN") and value]
    known = [pair for pair in named if not ET_AL.fullmatch(pair[0])]
    add_authors(entry, known, False if len(known) < len(named) else None)


def _add_epub_date(entry: Entry, printed: str) -> None:
    if re.fullmatch(r"[0-9]{8}", printed):
        entry.put("epub_date", printed_date(f"{printed[:4]} {printed[4:6]} {printed[6:]}")[0])


def _add_titles(entry: Entry, fields: Fields) -> None:
    title, book = _first(fields, "TI"), _first(fields, "BTI")
    add_title(entry, title or book, _first(fields, "TT"))
    entry.line("journal", _first(fields, "JT") or _first(fields, "TA"))
    entry.line("journal_abbreviation", _first(fields, "TA"))
    if title and book:
        entry.line("note", f"In: {book}", PROSE)


def reference(text: str, place: str, day: date, entry: Entry, *, store_abstracts: bool) -> Found:
    """The source item of an entry, or a rejection if the entry has no PMID."""
    fields = read_fields(text)
    pmid = _first(fields, "PMID")
    if not PMID.fullmatch(pmid):
        return Rejection(place, "", f"{pmid[:40]!r} is no PMID")
    _add_titles(entry, fields)
    _add_issn(entry, fields)
    add_dates(entry, _first(fields, "DP"))
    _add_epub_date(entry, _first(fields, "DEP"))
    for field, tag in (("volume", "VI"), ("issue", "IP"), ("pages", "PG")):
        entry.line(field, _first(fields, tag))
    add_doi(entry, [found[1] for value in _all(fields, "LID", "AID") if (found := _DOI.fullmatch(value))])
    entry.exact("pmcid", _first(fields, "PMC").upper(), PMCID)
    add_languages(entry, _all(fields, "LA"))
    _add_authors(entry, fields)
    entry.lines("publication_types", _all(fields, "PT"), MOST_TYPES)
    entry.put("mesh", [heading for value in _all(fields, "MH") if (heading := _heading(value))["heading"]][:MOST_MESH])
    entry.lines("keywords", [word.lstrip("*") for word in _all(fields, "OT")], MOST_KEYWORDS)
    add_registrations(entry, _accessions(fields))
    if store_abstracts:
        entry.prose("abstract", "\n\n".join(_all(fields, "AB", "CI")))
    notices = list(_notices(fields))
    add_notices(entry, notices)
    revised = revision_date(*(_first(fields, tag) for tag in ("LR", "DCOM", "EDAT", "CRDT")))
    return unit(pmid, entry, notices, source(pmid, sha256(text.encode()).hexdigest(), day, revised))
