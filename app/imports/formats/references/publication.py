"""Maps the values of an entry, under the tags of RIS, to a publication; all readers but that of MEDLINE use it."""

import re
from hashlib import sha256
from typing import NamedTuple

from app.common.identifiers import issn
from app.common.text import plain
from app.exports.citation_item import TRUNCATED
from app.imports.candidates import Candidate, Found, ImportWarning, Json, SourceItem
from app.imports.formats.pubmed.records import (
    MOST_KEYWORDS,
    add_authors,
    add_languages,
    add_mark_of_title,
    add_title,
)
from app.imports.formats.pubmed.registrations import add_registrations
from app.imports.formats.references.accounting import Options, Tags
from app.imports.formats.references.dates import PrintedDate, reference_date
from app.imports.formats.references.identifiers import add_identifiers, address, values
from app.imports.formats.references.own_records import can_be_found, own_record
from app.imports.readers.person_names import authors
from app.imports.readers.record_builder import LINE, PROSE, Entry, cut

_IN_JOURNALS = ("JOUR", "EJOUR", "JFULL", "MGZN", "NEWS", "INPR", "ABST")
_TYPES = {
    "thes": "Academic Dissertation",
    "rprt": "Technical Report",
    "data": "Dataset",
    "news": "News",
    "review": "Review",
    "letter": "Letter",
    "editorial": "Editorial",
    "erratum": "Published Erratum",
    "retracted": "Retracted Publication",
    "retracted article": "Retracted Publication",
    "retracted publication": "Retracted Publication",
    "journal article": "Journal Article",
}
"""NLM's publication types for the types that tools print, as far as they certainly mean the same."""

_LANGUAGES = {
    **{"english": "eng", "german": "ger", "french": "fre", "spanish": "spa", "italian": "ita", "chinese": "chi"},
    **{"japanese": "jpn", "russian": "rus", "portuguese": "por", "polish": "pol", "dutch": "dut", "korean": "kor"},
    **{"turkish": "tur", "persian": "per", "swedish": "swe", "danish": "dan", "norwegian": "nor", "czech": "cze"},
    **{"en": "eng", "de": "ger", "fr": "fre", "es": "spa", "it": "ita", "zh": "chi", "ja": "jpn", "ru": "rus"},
    **{"pt": "por", "pl": "pol", "nl": "dut", "ko": "kor", "tr": "tur", "fa": "per", "sv": "swe", "da": "dan"},
}
_REGION = re.compile(r"([A-Za-z]{2})[-_][A-Za-z]{2}")
_DASHES = str.maketrans("‐‑‒–—", "-----")
_ISSN = re.compile(r"(?<![0-9-])[0-9]{4}-?[0-9]{3}[0-9Xx](?![0-9-])")
_HOST = re.compile(r"^https?://([^/?#]+)")
_REGISTRATION = re.compile(r"\b(NCT|ISRCTN)([0-9]{8})\b")
_BANKS = {"NCT": "ClinicalTrials.gov", "ISRCTN": "ISRCTN"}
_TITLES = ("TI", "T1", "CT", "BT")


class Proof(NamedTuple):
    """The text of an entry, and what of it may be stored if the reference has no address."""

    text: str
    storable: str

    @classmethod
    def of_tags(cls, text: str, tags: Tags) -> "Proof":
        """The proof of an entry in a format other than RIS: its facts are stored as lines of RIS."""
        facts = ((tag, value) for tag, some in tags.items() if tag not in ("AB", "N1") for value in some)
        return cls(text, "\n".join(f"{tag}  - {plain(value)}" for tag, value in facts))


def _first(tags: Tags, *names: str) -> str:
    return next(iter(values(tags, *names)), "")


def _add_container(entry: Entry, tags: Tags, kind: str) -> None:
    full = _first(tags, "JF") or _first(tags, "JO", "T2", "JA", "J1", "J2", "BT")
    short = next((name for name in values(tags, "J2", "JA", "JO", "NL", "J1") if name != full), "")
    if kind in _IN_JOURNALS or not kind:
        entry.line("journal", full)
        entry.line("journal_abbreviation", short)
    elif full and full != _first(tags, *_TITLES):
        entry.line("note", f"In: {full}", PROSE)


def _add_pages(entry: Entry, tags: Tags) -> None:
    """Sets the pages as printed, or from the first to the last one: `12-19`, `737-8`, `A-1-A-9`."""
    first, last = (_first(tags, tag).translate(_DASHES) for tag in ("SP", "EP"))
    number = _first(tags, "C7") if "Scopus" in tags.get("DB", ()) else ""
    both = first and last and last != first and not _ends_with(first, last)
    entry.line("pages", f"{first}-{last}" if both else first or last or number)


def _ends_with(pages: str, last: str) -> bool:
    """Whether a range of pages such as `12-19` or `737-8` ends with a page."""
    first, hyphen, end = pages.rpartition("-")
    return bool(hyphen) and last in (end, first[: max(0, len(first) - len(end))] + end)


def _add_dates(entry: Entry, tags: Tags) -> None:
    """Sets date and year. Of `DA` only the year is used, because some tools put the day of online publication there."""
    known = _known_dates(entry, values(tags, "PY", "Y1"))
    known = known or [one.text[:4] for one in map(reference_date, values(tags, "DA")) if one.text]
    if not known:
        return
    entry.data["year"] = int(known[0][:4])
    fitting = [text for text in known if text[:4] == known[0][:4]]
    entry.data["date"] = max(fitting, key=len)
    if len(fitting) < len(known):
        entry.warn("inconsistent-date", f"/date: {', '.join(dict.fromkeys(known))}")


def _known_dates(entry: Entry, texts: list[str]) -> list[str]:
    found = list(map(reference_date, texts))
    for text, one in zip(texts, found, strict=True):
        _warn_of_date(entry, text, one)
    return [one.text for one in found if one.text]


def _warn_of_date(entry: Entry, printed: str, found: PrintedDate) -> None:
    if found.text is None:
        entry.warn("date-not-read", f"/date: {printed}")
    elif found.is_guessed:
        entry.warn("date-guessed", f"/date: {printed} was read as {found.text}")
    elif not found.is_whole:
        entry.warn("date-kept-less-precisely", f"/date: {printed}")


def _add_types(entry: Entry, tags: Tags, kind: str) -> None:
    types = [kind, *values(tags, "M3", "PT")]
    entry.lines("publication_types", [_TYPES[one] for text in types if (one := text.casefold()) in _TYPES], 100)
    if "Retracted Publication" in entry.data.get("publication_types", ()):
        entry.data["retraction_state"] = "retracted"


def _add_text(entry: Entry, tags: Tags, store_abstracts: bool) -> None:
    entry.lines("keywords", values(tags, "KW"), MOST_KEYWORDS)
    if store_abstracts:
        entry.prose("abstract", plain(" ".join(tags.get("AB") or tags.get("N2") or ())))


def _add_titles(entry: Entry, tags: Tags) -> None:
    titles = list(dict.fromkeys(map(plain, values(tags, *_TITLES[:3]) or values(tags, "BT"))))
    add_title(entry, next(iter(titles), ""), _first(tags, "TT"))
    for other in titles[1:]:
        entry.warn("second-title", f"/title: {other}")
    if _first(tags, "M3").casefold() == "trial registry record" and "title" in entry.data:
        entry.data["title_kind"] = "registry-record"
    elif "title" in entry.data and any(TRUNCATED in note for note in values(tags, "N1")):
        entry.data["title_kind"] = "truncated"


def _add_authors(entry: Entry, tags: Tags) -> None:
    found = authors(values(tags, "AU", "A1"))
    add_authors(entry, found.authors, found.complete)
    for text in found.unrecognised:
        entry.warn("author-not-recognised", f"/authors: {text}")


def _languages(tags: Tags) -> list[str]:
    printed = [plain(name).casefold() for value in values(tags, "LA") for name in re.split(r"[,;/]", value)]
    return [_LANGUAGES.get(_REGION.sub(r"\1", name), name) for name in printed]


def _add_all(entry: Entry, tags: Tags, kind: str, store_abstracts: bool) -> None:
    add_identifiers(entry, tags)
    _add_titles(entry, tags)
    _add_container(entry, tags, kind)
    numbers = (issn(found) for value in values(tags, "SN") for found in _ISSN.findall(value))
    entry.put("issn", next(filter(None, numbers), None))
    _add_dates(entry, tags)
    entry.line("volume", _first(tags, "VL"))
    entry.line("issue", _first(tags, "IS"))
    _add_pages(entry, tags)
    _add_authors(entry, tags)
    _add_types(entry, tags, kind)
    add_mark_of_title(entry)
    add_languages(entry, _languages(tags))
    # Cochrane's register of trials puts registrations into `C3`.
    registrations = (found for value in values(tags, "C3") for found in _REGISTRATION.findall(value))
    add_registrations(entry, ((_BANKS[bank], bank + number) for bank, number in registrations))
    _add_text(entry, tags, store_abstracts)


def _source(entry: Entry, tags: Tags, proof: Proof, options: Options) -> Json:
    digest = sha256(proof.text.encode()).hexdigest()
    url = address(entry, tags)
    databases = list(dict.fromkeys(values(tags, "DB", "DP")))
    return {
        "id": f"references-{digest[:16]}",
        "kind": "bibliographic-record",
        "tier": "aggregator",
        "title": cut(plain(", ".join(databases)) or (_HOST.findall(url or "") or [options.name])[0], LINE),
        **({"url": url} if url else {"text": proof.storable}),
        "retrieved_on": options.day.isoformat(),
        "sha256": digest if url else sha256(proof.storable.encode()).hexdigest(),
    }


def _id(entry: Entry, proof: Json) -> str:
    if "pmid" in entry.data:
        return f"pmid-{entry.data['pmid']}"
    slug = "doi-" + re.sub(r"[^a-z0-9]+", "-", entry.data.get("doi", "").casefold()).strip("-")
    return slug if 4 < len(slug) <= 120 else str(proof["id"]).replace("references-", "reference-")


def reference(tags: Tags, proof: Proof, place: str, entry: Entry, options: Options) -> Found | str:
    """The source item of an entry, or the reason why it is none: it has neither a title nor a PMID nor a DOI.

    An entry that cites a record of this service becomes an item without records, with a warning.
    """
    kind = plain(_first(tags, "TY")).upper()
    own = own_record(tags)
    # the address in our export is that of the page that a statement was read on, which may be another article's
    _add_all(entry, {**tags, "UR": []} if own else tags, kind, options.store_abstracts)
    if own and not (own.is_publication and can_be_found(entry)):
        skipped = ImportWarning("own-record-skipped", f"{own.id} is a record of this service and no publication")
        return SourceItem(place, (), warnings=(skipped,))
    if not entry.data.keys() & {"title", "pmid", "doi"}:
        return "it has neither a title nor a PMID nor a DOI"
    source = _source(entry, tags, proof, options)
    publication = {"id": _id(entry, source), **entry.data, "provenance": [{"source": source["id"]}]}
    candidates = (Candidate("sources", source), Candidate("publications", publication))
    return SourceItem(place, candidates, warnings=tuple(entry.warnings), exported=own.id if own else None)
