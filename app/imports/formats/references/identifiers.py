"""Which of a reference's many numbers are a PMID, a DOI or an address.

Each database has accession numbers of its own, and many look like PMIDs. A number is taken for one only where it says
so itself, or stands where the database that is named is known to put PMIDs.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from app.imports.formats.pubmed.records import DOI, PMCID, RESOLVER
from app.imports.readers.record_builder import Entry, one_line

Tags = dict[str, list[str]]

_PMID = re.compile(r"[1-9][0-9]{0,7}")
"""What PMIDs will be for long; Embase and EPPI-Reviewer have numbers of nine digits."""

_SAID = re.compile(r"(?:PMID|PUBMED)[:\s]\s*([0-9]{1,9})", re.IGNORECASE)
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
    return [value for name in names for value in tags.get(name, ())]


def _links(tags: Tags, *names: str) -> list[str]:
    """Addresses; some tools put several in one line, or another tag behind the first."""
    return [token for value in values(tags, *names) for token in value.split() if "://" in token]


def _labelled(tags: Tags) -> Iterator[str]:
    """`PMID: 123`, or Cochrane's `PUBMED 123,EMBASE 456`; not a remark that has a PMID somewhere in it."""
    for value in values(tags, *_LABELLED):
        for part in value.split(","):
            said = _SAID.fullmatch(part.strip())
            if said:
                yield said[1]


def _from_embase(tags: Tags) -> bool:
    """embase.com hands out MEDLINE's records too, under numbers of its own."""
    named = any(name.startswith("Embase") for name in values(tags, "DB", "DP"))
    return named or any("embase.com/" in link for link in _links(tags, "UR"))


def _placed(tags: Tags) -> Iterator[str]:
    """Numbers that stand where the database named puts PMIDs."""
    databases = values(tags, "DB", "DP")
    in_medline = [name for name in databases if _MEDLINE.search(name)]
    if in_medline and _from_embase(tags):
        yield from values(tags, "C5")
    elif in_medline and in_medline == databases:
        yield from values(tags, "AN", "ID")
    if "Scopus" in databases:
        yield from values(tags, "C2")


def _only(entry: Entry, name: str, found: Iterable[str], pattern: re.Pattern[str]) -> None:
    """The one identifier that is named; where there are several, none can be told to be the right one."""
    different = dict.fromkeys(value for value in found if pattern.fullmatch(value))
    if len(different) == 1:
        entry.data[name] = next(iter(different))
    elif different:
        entry.warn("inconsistent-identifier", f"/{name}: {', '.join(different)}")


def _plain_doi(text: str) -> str:
    first = RESOLVER.sub("", one_line(text)).partition(" ")[0]
    return first.rstrip(".,;")


def _dois(tags: Tags) -> list[str]:
    said = [_plain_doi(value) for value in values(tags, "DO")]
    if said:
        return said
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
    links = _links(tags, *_LINKS)
    in_links = [found[1] for link in links if (found := _IN_URL.fullmatch(link))]
    _only(entry, "pmid", list(_labelled(tags)) + list(_placed(tags)) or in_links, _PMID)
    pmc = [found[1].upper() for link in links if (found := _PMC_IN_URL.match(link))]
    _only(entry, "pmcid", [*values(tags, "C2"), *pmc], PMCID)
    _add_doi(entry, tags)


def address(entry: Entry, tags: Tags) -> str | None:
    """Where the reference is: the database's page of it rather than the publication's own, which is another source."""
    links = [link for link in _links(tags, "UR", "L2") if _URL.fullmatch(link)]
    theirs = [link for link in links if not _OWN_PAGE.match(link)]
    if theirs:
        return theirs[0]
    if doi := entry.data.get("doi"):
        return doi_address(doi) or (links[0] if links else None)
    return f"https://pubmed.ncbi.nlm.nih.gov/{entry.data['pmid']}/" if "pmid" in entry.data else None


def doi_address(doi: str) -> str | None:
    url = f"https://doi.org/{doi}"
    return url if _URL.fullmatch(url) else None
