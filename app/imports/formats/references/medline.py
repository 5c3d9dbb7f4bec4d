"""Reads PubMed's line format (.nbib, `MEDLINE`), and says what became of each line.

    TAG - value
          a line that begins with blanks continues the value

The only parser on PyPI (`nbib`, last released in 2021) gives up a file at the first unknown line.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from app.common.identifiers import issn, pmcid
from app.common.identifiers import pmid as canonical_pmid
from app.common.text import plain
from app.imports.candidates import Json
from app.imports.formats.pubmed.dates import printed_date, revision_date
from app.imports.formats.pubmed.notices import OF_LINES
from app.imports.formats.pubmed.records import (
    MOST_KEYWORDS,
    MOST_MESH,
    MOST_TYPES,
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
from app.imports.formats.references.accounting import Options, Reading, State, rejected, warn_of_lines
from app.imports.formats.references.blocks import Block
from app.imports.formats.references.lines import Line
from app.imports.readers.record_builder import NAME, PROSE, Entry, cut

_LINE = re.compile(r"([A-Z]{2,4})\s*[-‐‑–—]\s?(.*)", re.DOTALL)
_DOI = re.compile(r"(\S+) \[doi\]")
_ISSN = re.compile(r"([0-9]{4}-[0-9]{3}[0-9Xx])(?: \((\w+)\))?")
_CITED = re.compile(r"\s*PMID:\s*([0-9]{1,9})\s*$")
_ET_AL = re.compile(r"(?:and\s+)?(?:et\.? al|others)\.?", re.IGNORECASE)

_USED = frozenset(
    {
        *("PMID", "TI", "BTI", "TT", "JT", "TA", "IS", "DP", "DEP", "VI", "IP", "PG", "LID", "AID", "PMC", "LA", "AU"),
        *("CN", "PT", "MH", "OT", "SI", "AB", "CI"),
        *OF_LINES,
    }
)
_KNOWN = _USED | {
    *("AD", "AUID", "BKDT", "BOOK", "CDAT", "CDRC", "CDRR", "CDT", "CEDI", "CIN", "COI", "COIS", "COL", "CP", "CRDT"),
    *("CRF", "CTDT", "CTI", "DA", "DCOM", "DDIN", "DRIN", "ED", "EDAT", "EDIT", "EN", "FAU", "FED", "FIR", "FPS"),
    *("GN", "GR", "GS", "IR", "IRAD", "ISBN", "JID", "LR", "MHDA", "MID", "NM", "OAB", "OABL", "OCI", "OID", "OTO"),
    *("OWN", "PB", "PHST", "PL", "PMCR", "PS", "PST", "PUBM", "RF", "RN", "SB", "SFM", "SO", "SPIN", "STAT", "VTI"),
}
"""The tags of NLM's list of MEDLINE elements; of those that are not used, nothing has a place in a record."""

Fields = list[tuple[str, str]]


class _Reader:
    """Reads the lines of an entry one after the other."""

    def __init__(self) -> None:
        self.found: list[tuple[str, list[str]]] = []
        self.states: list[tuple[int, State]] = []
        self.unknown: dict[str, list[int]] = {}

    def take(self, line: Line) -> None:
        """Reads a line that is not blank."""
        text = line.text
        name = self.found[-1][0] if self.found else ""
        begun = None if text[:1].isspace() else _LINE.fullmatch(text)
        if begun and (begun[1] in _KNOWN or text[4:5] == "-" or name not in _KNOWN):
            name = begun[1]
            self.found.append((name, [begun[2]]))
        elif self.found:
            self.found[-1][1].append(text)
        self._account(line, name)

    def _account(self, line: Line, name: str) -> None:
        if name not in _KNOWN:
            self.unknown.setdefault(name, []).append(line.number)
        if line.is_counted:
            state: State = "used" if name in _USED else "known" if name in _KNOWN else "refused"
            self.states.append((line.number, state))

    def fields(self) -> Fields:
        """The tags and values in order, each value in one line."""
        return [(tag, plain(" ".join(lines))) for tag, lines in self.found]


def _all(fields: Fields, *tags: str) -> list[str]:
    return [value for tag, value in fields if tag in tags and value]


def _first(fields: Fields, tag: str) -> str:
    return next(iter(_all(fields, tag)), "")


def _add_issn(entry: Entry, fields: Fields) -> None:
    found = [known for value in _all(fields, "IS") if (known := _ISSN.match(value))]
    linking = [known for known in found if known[2] == "Linking"] or found
    entry.identifier("issn", linking[0][1] if linking else "", issn)


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
    known = [pair for pair in named if not _ET_AL.fullmatch(pair[0])]
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
    for other in _all(fields, "TI")[1:]:
        entry.warn("second-title", f"/title: {other}")


def read(block: Block, entry: Entry, options: Options) -> Reading:
    """The publication of an entry, or a rejection if the entry has no PMID."""
    reader = _Reader()
    for line in block.lines:
        if line.text.strip():
            reader.take(line)
    fields = reader.fields()
    stated = _first(fields, "PMID")
    pmid = canonical_pmid(stated)
    if pmid is None:
        return rejected(block.lines, f"{stated[:40]!r} is no PMID" if stated else "the entry has no PMID")
    for name, numbers in reader.unknown.items():
        warn_of_lines(entry, "tag-not-known", numbers, f"{name} is no tag of MEDLINE and was left out")
    _add_all(entry, fields, options.store_abstracts)
    notices = list(_notices(fields))
    add_notices(entry, notices)
    digest = sha256(block.text.strip().encode()).hexdigest()
    revised = revision_date(*(_first(fields, tag) for tag in ("LR", "DCOM", "EDAT", "CRDT")))
    proof = source(pmid, digest, options.day, revised)
    return Reading((unit(pmid, entry, notices, proof),), tuple(reader.states))


def _add_all(entry: Entry, fields: Fields, store_abstracts: bool) -> None:
    _add_titles(entry, fields)
    _add_issn(entry, fields)
    add_dates(entry, _first(fields, "DP"))
    _add_epub_date(entry, _first(fields, "DEP"))
    for field, tag in (("volume", "VI"), ("issue", "IP"), ("pages", "PG")):
        entry.line(field, _first(fields, tag))
    add_doi(entry, [found[1] for value in _all(fields, "LID", "AID") if (found := _DOI.fullmatch(value))])
    entry.identifier("pmcid", _first(fields, "PMC"), pmcid)
    add_languages(entry, _all(fields, "LA"))
    _add_authors(entry, fields)
    entry.lines("publication_types", _all(fields, "PT"), MOST_TYPES)
    entry.put("mesh", [heading for value in _all(fields, "MH") if (heading := _heading(value))["heading"]][:MOST_MESH])
    entry.lines("keywords", [word.lstrip("*") for word in _all(fields, "OT")], MOST_KEYWORDS)
    add_registrations(entry, _accessions(fields))
    if store_abstracts:
        entry.prose("abstract", "\n\n".join(_all(fields, "AB", "CI")))
