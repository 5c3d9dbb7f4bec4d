"""Finds the PMID, PMCID, DOI and address of a reference among its numbers and links.

Each database has its own accession numbers, and many look like PMIDs. A number counts as a PMID only if it is labelled
as one, or if it is in a tag in which the named database is known to put PMIDs.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from app.imports.formats.pubmed.records import DOI, PMCID, RESOLVER
from app.imports.readers.record_builder import Entry, one_line

Tags = dict[str, list[str]]

_PMID = re.compile(r"[1-9][0-9]{0,7}")
"""PMIDs have at most eight digits so far; numbers of Embase and EPPI-Reviewer have nine."""

_LABELLED_PMID = re.compile(r"(?:PMID|PUBMED)[:\s]\s*([0-9]{1,9})", re.IGNORECASE)
_IN_URL = re.compile(
    r"https?://(?:(?:www\.)?ncbi\.nlm\.nih\.gov/pubmed|pubmed\.ncbi\.nlm\.nih\.gov|"
    r"(?:www\.)?europepmc\.org/(?:article|abstract)/MED)/([0-9]{1,9})/?",
    re.IGNORECASE,
)
_PMC_IN_URL = re.compile(r"https?://[^/\s]*(?:ncbi\.nlm\.nih\.gov|europepmc\.org)/\S*?(PMC[0-9]+)\b", re.IGNORECASE)
_DOI_IN_URL = re.compile(r"https?://(?:dx\.)?doi\.org/(10\.\S+)", re.IGNORECASE)
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
    for value in values(tags, *_LABELLED):
        for part in value.split(","):
            dois = _LABELLED_PMID.fullmatch(part.strip())
            if dois:
                yield dois[1]


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


def _only(entry: Entry, name: str, found: Iterable[str], pattern: re.Pattern[str]) -> None:
    """Sets an identifier if all valid values are the same; else adds a warning."""
    different = dict.fromkeys(value for value in found if pattern.fullmatch(value))
    if len(different) == 1:
        entry.data[name] = next(iter(different))
    elif different:
        entry.warn("inconsistent-identifier", f"/{name}: {', '.join(different)}")


def _plain_doi(text: str) -> str:
    first = RESOLVER.sub("", one_line(text)).partition(" ")[0]
    return first.rstrip(".,;")


def _dois(tags: Tags) -> list[str]:
    dois = [_plain_doi(value) for value in values(tags, "DO")]
    if dois:
        return dois
    if elsewhere := [doi for value in values(tags, "M3") if DOI.fullmatch(doi := _plain_doi(value))]:
        return elsewhere
    return [_plain_doi(unquote(found[1])) for link in _links(tags, *_LINKS) if (found := _DOI_IN_URL.fullmatch(link))]


def _add_doi(entry: Entry, tags: Tags) -> None:
    found = {doi.casefold(): doi for doi in reversed(_dois(tags))}
    _only(entry, "doi", reversed(found.values()), DOI)
    if found and not any(map(DOI.fullmatch, found.values())):
        entry.warn("identifier-not-valid", f"/doi: {', '.join(found.values())}")
    if len(entry.data.get("doi", "")) > 300:
        del entry.data["doi"]


def add_identifiers(entry: Entry, tags: Tags) -> None:
    """Sets the PMID, the PMCID and the DOI."""
    links = _links(tags, *_LINKS)
    in_links = [found[1] for link in links if (found := _IN_URL.fullmatch(link))]
    _only(entry, "pmid", list(_labelled(tags)) + list(_from_known_tags(tags)) or in_links, _PMID)
    pmc = [found[1].upper() for link in links if (found := _PMC_IN_URL.match(link))]
    _only(entry, "pmcid", [*values(tags, "C2"), *pmc], PMCID)
    _add_doi(entry, tags)


def address(entry: Entry, tags: Tags) -> str | None:
    """The address of the reference: preferably the page of its database, because DOI and PubMed are other sources."""
    links = [link for link in _links(tags, "UR", "L2") if _URL.fullmatch(link)]
    database_pages = [link for link in links if not _OWN_PAGE.match(link)]
    if database_pages:
        return database_pages[0]
    if doi := entry.data.get("doi"):
        return doi_address(doi) or (links[0] if links else None)
    return f"https://pubmed.ncbi.nlm.nih.gov/{entry.data['pmid']}/" if "pmid" in entry.data else None


def doi_address(doi: str) -> str | None:
    """The address of a DOI, or `None` if it is not a valid address."""
    url = f"https://doi.org/{doi}"
    return url if _URL.fullmatch(url) else None
