"""Canonical forms of the identifiers of this field: DOI, PMID, PMCID, trial registrations, ISSN, UNII and MeSH.

The same functions serve reading, storing, matching, comparing, look-up and filters, so that two spellings of an
identifier are always one. Every function takes any text and returns the canonical form, or None where the text is no
identifier of its scheme. A text is first freed from what copying leaves in it (`uncopied`).

Sources of the forms: the DOI Handbook (doi.org), NLM's MEDLINE element descriptions (PMID, PMCID, MeSH), ISO 3297
(ISSN), FDA's Substance Registration System (UNII), ClinicalTrials.gov, EMA (EudraCT, CTIS) and the WHO registries.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from app.common.text import INVISIBLE, decoded

DOI_LENGTH = 300

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_HYPHENS = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_WRAPPED = {"<": ">", "(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "“": "”", "‘": "’"}

_DOI = re.compile(r"10\.[0-9]{4,9}/[!-\U0010ffff]+")
"""A divided prefix (`10.1000.10/1`) is none: no registrant has one, but two DOIs that ran together look like one."""
_DOI_LABEL = re.compile(r"(?:info:|urn:)?(?:doi(?:\s*(?:number|no\.?))?)?[\s:/=]*", re.IGNORECASE)
_RESOLVER = re.compile(
    r"(?:https?://)?(?:(?:www|dx|hdl|api)[.\-])?doi[.\-]org(?:[.\-][a-z0-9.\-]*)?(?::[0-9]+)?/+(?:doi:)?", re.IGNORECASE
)
"""The address of the DOI resolver, also behind a library's proxy (`doi-org.proxy.example.edu`)."""
_PAGE = re.compile(r"(?:https?://)?[a-z0-9.\-]+\.[a-z]{2,}(?::[0-9]+)?/[^?#]*?(?=10\.[0-9]{4,9}/)", re.IGNORECASE)
_IN_QUERY = re.compile(r"https?://[^#\s]*?[?&](?:doi|id|url)=(?P<doi>[^&#\s]+)", re.IGNORECASE)
_PAGE_END = re.compile(
    r"(?:/(?:full|abstract|pdf|epdf|pdfdirect|fulltext|full-text|meta|summary|references|html|suppl_file)"
    r"(?:/html|/pdf|/epub)?|\.(?:full|pdf|abstract|full\.pdf)|;jsessionid=.*)$",
    re.IGNORECASE,
)
"""What publishers write behind a DOI in the addresses of their pages."""

_PMID = re.compile(r"0*([1-9][0-9]{0,7})")
_PMID_LABEL = re.compile(
    r"(?:PMID|PubMed(?:\s*ID)?|MEDLINE|MED)[\s:#.]*|info:pmid/|urn:pmid:|"
    r"(?:https?://)?(?:(?:www|m)\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/(?:m/)?pubmed/(?:\?term=)?|"
    r"europepmc\.org/(?:article|abstract)/MED/)",
    re.IGNORECASE,
)
_PMCID = re.compile(r"(?:PMC)?\s*0*([1-9][0-9]{0,9})(?:\.[0-9]+)?", re.IGNORECASE)
_PMCID_LABEL = re.compile(
    r"(?:PMCID|PMC\s*ID)[\s:#.]*|info:pmcid/|(?:https?://)?(?:www\.)?(?:ncbi\.nlm\.nih\.gov/(?:labs/)?pmc/|"
    r"pmc\.ncbi\.nlm\.nih\.gov/|europepmc\.org/(?:article|abstract|articles)/(?:PMC/)?)(?:articles/)?",
    re.IGNORECASE,
)
_ADDRESS_END = re.compile(r"[/?#].*$")

_LABELS_OF_REGISTRIES = re.compile(
    r"(?:https?://)?(?:(?:www|beta|classic)\.)?(?:clinicaltrials\.gov/(?:ct2/show/|ct2/results\?term=|study/|show/)|"
    r"isrctn\.com/|clinicaltrialsregister\.eu/ctr-search/(?:trial/|search\?query=))|"
    r"(?:ClinicalTrials\.gov|EudraCT|EUCTR|EU[\s-]?CTR?|CTIS|ISRCTN\s+registry)"
    r"(?:\s*(?:identifier|number|no\.?|registration|id))*[\s:#]*(?=[A-Z]*[\s-]?[0-9])",
    re.IGNORECASE,
)
_NCT = re.compile(r"NCT[\s:#-]*([0-9]{8})", re.IGNORECASE)
_ISRCTN = re.compile(r"ISRCTN[\s:#-]*([0-9]{8})", re.IGNORECASE)
_EUROPEAN = re.compile(
    r"((?:19|20)[0-9]{2})[\s-]?([0-9]{6})[\s-]([0-9]{2})(?:-([A-Z]{2}|[0-9]{2}|3RD|Outside-EU/EEA))?"
)
_REGISTRATION = re.compile(r"[!-~]{4,60}")
_UPPER = re.compile(r"(?:ACTRN|DRKS|ChiCTR|CTRI|KCT|IRCT|PACTR|TCTR|SLCTR|RPCEC|JPRN-|UMIN|RBR-|LBCTR)", re.IGNORECASE)

_ISSN = re.compile(r"([0-9]{4})[\s-]?([0-9]{3})([0-9X])", re.IGNORECASE)
_ISSN_LABEL = re.compile(
    r"(?:(?:e-?|p-?|l-?)?ISSN(?:-L)?|urn:issn:|https?://portal\.issn\.org/resource/ISSN/)[\s:]*", re.I
)
_UNII = re.compile(r"[0-9A-Z]{10}")
_UNII_LABEL = re.compile(r"UNII[\s:-]*|https?://[^\s?#]*/(?:unii|srs)/(?:[^\s]*?=)?", re.IGNORECASE)
_MESH = re.compile(r"D[0-9]{6}(?:[0-9]{3})?")
_MESH_LABEL = re.compile(
    r"MeSH(?:\s*(?:UI|ID))?[\s:/]+|https?://(?:id|meshb)\.nlm\.nih\.gov/(?:mesh/|record/ui\?ui=)", re.I
)


class Scheme(NamedTuple):
    """A scheme of identifiers: the function that gives the canonical form, and what such an identifier is, in words."""

    canonical: Callable[[str], str | None]
    description: str


def uncopied(text: str) -> str:
    """Free a text from what copying leaves: entities and percent-encoding (at any depth), invisible characters, quotes.

    Percent signs that encode nothing stay.
    """
    for _ in range(4):
        plain = decoded(text)
        plain = unquote(plain, errors="strict") if _PERCENT.search(plain) else plain
        if plain == text:
            break
        text = plain
    text = " ".join(_INVISIBLE.sub("", text).split())
    while len(text) > 1 and _WRAPPED.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _copied(text: str) -> str | None:
    """Return `uncopied`, or None for a text whose percent-encoding is not UTF-8 or that no identifier is as long as."""
    try:
        return uncopied(text) if len(text) <= 3 * DOI_LENGTH + 300 else None
    except UnicodeDecodeError:
        return None


def _without_end(doi: str) -> str:
    """Drop the punctuation that follows a DOI in a sentence, and closing brackets that no bracket opens."""
    while doi:
        last = doi[-1]
        opening = {")": "(", "]": "[", "}": "{", ">": "<"}.get(last)
        if last not in ".,;:'\"”’" and (opening is None or doi.count(last) <= doi.count(opening)):
            break
        doi = doi[:-1]
    return doi


def _located_doi(text: str) -> str:
    """The part of a text that should be a DOI: what stands behind a label, a resolver or a publisher's path."""
    if resolver := _RESOLVER.match(text):
        return text[resolver.end() :]
    if asked := _IN_QUERY.match(text):
        return _located_doi(asked["doi"])
    if page := _PAGE.match(text):
        return _PAGE_END.sub("", re.split(r"[?#]", text[page.end() :])[0].rstrip("/"))
    label = _DOI_LABEL.match(text)
    return _located_doi(text[label.end() :]) if label and label.end() else text


def doi(text: str) -> str | None:
    """Return a DOI without resolver, in the case in which it is printed; DOIs are compared without case.

    The address of a page of a publisher is read as far as its path shows the DOI. A query or fragment behind a resolver
    is dropped only if it is plainly none of the DOI's own (`?utm_…`, `#page`).
    """
    plain = _copied(re.sub(r"[?&#](?:utm_|fbclid|src=|journalCode=|needAccess=).*$", "", text.strip()))
    found = _without_end(_located_doi(plain)) if plain else ""
    if len(found) > DOI_LENGTH or not _DOI.fullmatch(found) or not found.isprintable():
        return None
    return found


def _labelled(label: re.Pattern[str], text: str) -> str | None:
    plain = _copied(text)
    if plain is None:
        return None
    found = label.match(plain)
    return _ADDRESS_END.sub("", plain[found.end() :]).strip() if found else plain


def pmid(text: str) -> str | None:
    """Return a PubMed id: one to eight digits without leading zeros."""
    plain = _labelled(_PMID_LABEL, text)
    found = _PMID.fullmatch(plain.rstrip(".,;")) if plain else None
    return found[1] if found else None


def pmcid(text: str) -> str | None:
    """Return a PubMed Central id: `PMC` and one to ten digits, without the number of a version."""
    plain = _labelled(_PMCID_LABEL, text)
    found = _PMCID.fullmatch(plain.rstrip(".,;")) if plain else None
    return f"PMC{found[1]}" if found else None


def _european(year: str, number: str, check: str, end: str | None) -> str:
    """A EudraCT number without the country of its protocol; a CTIS number keeps its two last digits."""
    base = f"{year}-{number}-{check}"
    return f"{base}-{end}" if end and end.isdigit() else base


def _unlabelled_registration(text: str) -> str:
    plain = _copied(text) or ""
    label = _LABELS_OF_REGISTRIES.match(plain)
    return _HYPHENS.sub("-", plain[label.end() :] if label else plain).rstrip(".,;:")


def known_registration(text: str) -> str | None:
    """Return an NCT, ISRCTN, EudraCT or CTIS number in its form, and nothing for the numbers of other registries."""
    bare = re.split(r"[?#]", _unlabelled_registration(text))[0].rstrip("/")
    if found := _NCT.fullmatch(bare):
        return f"NCT{found[1]}"
    if found := _ISRCTN.fullmatch(bare):
        return f"ISRCTN{found[1]}"
    if found := _EUROPEAN.fullmatch(bare.replace("/", "-").removeprefix("EUCTR") if "EEA" not in bare else bare):
        return _european(*found.groups())
    return None


def registration(text: str) -> str | None:
    """Return a trial registration: `known_registration`, or the number of another registry as it is printed.

    A registration has 4 to 60 visible ASCII characters.
    """
    if known := known_registration(text):
        return known
    plain = _unlabelled_registration(text)
    if not _REGISTRATION.fullmatch(plain):
        return None
    return plain.upper() if _UPPER.match(plain) and not plain.lower().startswith("chictr") else plain


def issn(text: str) -> str | None:
    """Return an ISSN as `1234-567X`. Its check digit must be right (ISO 3297, modulus 11)."""
    plain = _labelled(_ISSN_LABEL, text)
    found = _ISSN.fullmatch(_HYPHENS.sub("-", plain)) if plain else None
    if not found:
        return None
    digits, check = found[1] + found[2], found[3].upper()
    rest = -sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=True)) % 11
    return f"{found[1]}-{found[2]}{check}" if "0123456789X"[rest] == check else None


def unii(text: str) -> str | None:
    """Return a Unique Ingredient Identifier: ten capital letters and digits."""
    plain = _labelled(_UNII_LABEL, text)
    found = _UNII.fullmatch(plain.upper()) if plain else None
    return found[0] if found else None


def mesh(text: str) -> str | None:
    """Return the id of a MeSH descriptor: `D` and six or nine digits."""
    plain = _labelled(_MESH_LABEL, text)
    found = _MESH.fullmatch(plain.upper()) if plain else None
    return found[0] if found else None


def publication_id(text: str) -> str | None:
    """Return the DOI, PMID or PMCID that a text is, tried in this order; a bare number is a PMID."""
    if "10." in text and (found := doi(text)):
        return found
    return pmid(text) or (pmcid(text) if "pmc" in text.lower() else None)


SCHEMES: Mapping[str, Scheme] = {
    "doi": Scheme(doi, "a DOI such as 10.1177/0333102410364676"),
    "pmid": Scheme(pmid, "a PubMed id of one to eight digits such as 20647170"),
    "pmcid": Scheme(pmcid, "a PubMed Central id such as PMC5799088"),
    "registration": Scheme(registration, "a trial registration such as NCT00156910"),
    "issn": Scheme(issn, "an ISSN with a valid check digit such as 0333-1024"),
    "unii": Scheme(unii, "a UNII of ten letters and digits such as E211KPY694"),
    "mesh": Scheme(mesh, "the id of a MeSH descriptor such as D008881"),
}
"""The schemes by name."""
