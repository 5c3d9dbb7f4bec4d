"""Finds the PMID, PMCID, DOI and address of a reference among its numbers and links.

Each database has its own accession numbers, and many look like PMIDs. A number counts as a PMID only if it is labelled
as one, or if it is in a tag in which the named database is known to put PMIDs.
"""

import re
from collections.abc import Iterable, Iterator

from app.common.identifiers import doi, pmcid, pmid
from app.imports.formats.references.accounting import Tags
from app.imports.readers.record_builder import Entry

_LABEL = re.compile(r"(?:PMID|PUBMED)[\s:#]+(.+)", re.IGNORECASE)
_DOI_LABEL = re.compile(r"\W*(?:doi\b|https?://(?:dx\.)?doi\.org/|10\.[0-9]{4,9}/)", re.IGNORECASE)
_PART = re.compile(r"[;\n]|\s{2,}|\.\s+(?=doi)", re.IGNORECASE)
_URL = re.compile(r"https?://[!-~]{1,1990}")
_OWN_PAGE = re.compile(r"https?://(?:dx\.)?doi\.org/|https?://pubmed\.ncbi\.nlm\.nih\.gov/", re.IGNORECASE)
_MEDLINE = re.compile(r"pubmed|medline", re.IGNORECASE)
_LINKS = ("UR", "L1", "L2", "LK")
_LABELLED = ("AN", "ID", "N1", "M1", "M2", *(f"C{n}" for n in range(1, 9)), *(f"U{n}" for n in range(1, 6)))


def values(tags: Tags, *names: str) -> list[str]:
    """The values of some tags in order."""
    return [value for name in names for value in tags.get(name, ())]


def _links(tags: Tags, *names: str) -> list[str]:
    """The addresses in some tags. Some tools put several addresses or another tag in one line."""
    return [token for value in values(tags, *names) for token in value.split() if "://" in token]


def _labelled(tags: Tags) -> Iterator[str]:
    """Yields labelled PMIDs: `PMID: 123`, Cochrane's `PUBMED 123,EMBASE 456`. A PMID in a sentence does not count."""
    yield from values(tags, "PMID")
    for value in values(tags, *_LABELLED):
        for part in re.split("[,;]", value):
            if found := _LABEL.fullmatch(part.strip()):
                yield found[1]


def _from_embase(tags: Tags) -> bool:
    """Whether the reference comes from embase.com, which serves records of MEDLINE under its own numbers."""
    named = any(name.startswith("Embase") for name in values(tags, "DB", "DP"))
    return named or any("embase.com/" in link for link in _links(tags, "UR"))


def _from_known_tags(tags: Tags) -> Iterator[str]:
    """Yields the numbers in the tags in which the named database puts PMIDs."""
    databases = values(tags, "DB", "DP")
    in_medline = [name for name in databases if _MEDLINE.search(name)]
    if in_medline and _from_embase(tags):
        yield from values(tags, "C5")
    elif in_medline and in_medline == databases:
        yield from values(tags, "AN", "ID")
    if "Scopus" in databases:
        yield from values(tags, "C2")


def _only(entry: Entry, name: str, found: Iterable[str | None]) -> None:
    """Sets an identifier if all values that have a canonical form are the same; else adds a warning."""
    different = list({value.casefold(): value for value in reversed([*filter(None, found)])}.values())[::-1]
    if len(different) == 1:
        entry.data[name] = different[0]
    elif different:
        entry.warn("inconsistent-identifier", f"/{name}: {', '.join(different)}")


def _printed_doi(text: str) -> str | None:
    """The DOI that a value is, or that its first word is."""
    return doi(text) or doi(text.split()[0] if text.split() else "")


def _noted_dois(tags: Tags) -> Iterator[str]:
    """Yields the DOIs of notes, where a part of the note is nothing but a DOI: `Source Info: ...; DOI: 10.1000/1`."""
    for note in values(tags, "N1"):
        parts = [note, *_PART.split(note)] if "10." in note else []
        yield from (found for part in parts if _DOI_LABEL.match(part) and (found := doi(part.strip())))


def _dois(tags: Tags) -> list[str]:
    """The DOIs in the first place that has any: its own tag, the tags of databases, the links."""
    links = _links(tags, *_LINKS)
    for found in (
        map(_printed_doi, values(tags, "DO")),
        map(_printed_doi, values(tags, "M3", "L3")),
        _noted_dois(tags),
        map(doi, links),
    ):
        if some := [*filter(None, found)]:
            return some
    return []


def _add_doi(entry: Entry, tags: Tags) -> None:
    found = _dois(tags)
    _only(entry, "doi", found)
    if wrong := [value for value in values(tags, "DO") if not _printed_doi(value)]:
        entry.warn("identifier-not-valid", f"/doi: {', '.join(wrong)}")


def add_identifiers(entry: Entry, tags: Tags) -> None:
    """Sets the PMID, the PMCID and the DOI."""
    links = _links(tags, *_LINKS)
    stated = [found for text in (*_labelled(tags), *_from_known_tags(tags)) if (found := pmid(text))]
    _only(entry, "pmid", stated or map(pmid, links))
    named = [value for value in values(tags, "C2", "PMCID") if "pmc" in value.casefold()]
    _only(entry, "pmcid", map(pmcid, [*named, *(link for link in links if "PMC" in link)]))
    _add_doi(entry, tags)


def address(entry: Entry, tags: Tags) -> str | None:
    """The address of the reference: preferably the page of its database, because DOI and PubMed are other sources."""
    links = [link for link in _links(tags, "UR", "L2") if _URL.fullmatch(link)]
    database_pages = [link for link in links if not _OWN_PAGE.match(link)]
    if database_pages:
        return database_pages[0]
    if stated := entry.data.get("doi"):
        return doi_address(stated) or (links[0] if links else None)
    return f"https://pubmed.ncbi.nlm.nih.gov/{entry.data['pmid']}/" if "pmid" in entry.data else None


def doi_address(stated: str) -> str | None:
    """The address of a DOI, or `None` if it is not a valid address."""
    url = f"https://doi.org/{stated}"
    return url if _URL.fullmatch(url) else None
