"""Reads RIS, which each tool writes in its own way."""

import re
from datetime import date
from hashlib import sha256
from typing import Any

import rispy

from app.imports.candidates import Candidate, Found, Json, Rejection, SourceItem
from app.imports.formats.pubmed.dates import printed_date
from app.imports.formats.pubmed.records import MOST_KEYWORDS, add_authors, add_languages, add_title
from app.imports.formats.pubmed.registrations import add_registrations
from app.imports.formats.references.identifiers import Tags, add_identifiers, address, values
from app.imports.formats.references.people import authors
from app.imports.readers.record_builder import LINE, PROSE, Entry, cut, one_line

_UNKNOWN = "unknown"
_TAGS = [tag for tag in rispy.RisParser.DEFAULT_MAPPING if tag != "UK"]
_NAMES = {**{tag: tag for tag in _TAGS}, _UNKNOWN: _UNKNOWN}

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
_DASHES = str.maketrans("‐‑‒–—", "-----")
_ISSN = re.compile(r"(?<![0-9])([0-9]{4})-?([0-9]{3}[0-9Xx])(?![0-9-])")
_HOST = re.compile(r"^https?://([^/?#]+)")
_REGISTRATION = re.compile(r"\b(NCT|ISRCTN)([0-9]{8})\b")


class _Parser(rispy.RisParser):  # type: ignore[misc]  # rispy has no types
    """Keeps unknown tags under a name that no tag of a file can have."""

    UNKNOWN_TAG = _UNKNOWN


def read_tags(text: str) -> Tags:
    """The values of an entry by tag, in order. A value of two lines counts as two values."""
    found: list[dict[str, Any]] = rispy.loads(
        text, implementation=_Parser, mapping=_NAMES, list_tags=_TAGS, delimiter_tags_mapping={}
    )
    entry = found[0] if found else {}
    every = entry | {str(tag): some for tag, some in entry.pop(_UNKNOWN, {}).items()}
    listed = {tag: [some] if isinstance(some, str) else some for tag, some in every.items()}
    return {tag: some for tag, all_ in listed.items() if (some := [value for value in all_ if value.strip()])}


def _first(tags: Tags, *names: str) -> str:
    return next(iter(values(tags, *names)), "")


def _joined(tags: Tags, *names: str) -> str:
    """The text of the first of some tags that is present, with all its lines joined."""
    return next((" ".join(tags[name]) for name in names if name in tags), "")


def _add_container(entry: Entry, tags: Tags, kind: str) -> None:
    full = _first(tags, "JF") or _first(tags, "JO", "T2", "JA", "J2", "BT")
    short = next((name for name in values(tags, "J2", "JA", "JO", "NL") if name != full), "")
    if kind in _IN_JOURNALS:
        entry.line("journal", full)
        entry.line("journal_abbreviation", short)
    elif full:
        entry.line("note", f"In: {full}", PROSE)


def _is_issn(digits: str) -> bool:
    numbers = [10 if digit == "X" else int(digit) for digit in digits]
    return sum(number * (8 - place) for place, number in enumerate(numbers)) % 11 == 0


def _add_issn(entry: Entry, tags: Tags) -> None:
    found = [f"{a}-{b.upper()}" for value in values(tags, "SN") for a, b in _ISSN.findall(value)]
    entry.put("issn", next((issn for issn in found if _is_issn(issn.replace("-", ""))), None))


def _add_pages(entry: Entry, tags: Tags) -> None:
    first, last = (_first(tags, tag).translate(_DASHES) for tag in ("SP", "EP"))
    number = _first(tags, "C7") if "Scopus" in tags.get("DB", ()) else ""
    both = first and last and last != first and "-" not in first
    entry.line("pages", f"{first}-{last}" if both else first or last or number)


def _date(text: str) -> str | None:
    """The date in a text such as `2010/07/30/`, `2010//` or `2024///`, or as MEDLINE prints it."""
    parts = [part.strip() for part in text.split("/")]
    plain = " ".join(part for part in parts[: 3 if all(parts[:3]) else 2 if all(parts[:2]) else 1])
    return printed_date(plain)[0]


def _add_dates(entry: Entry, tags: Tags) -> None:
    """Sets date and year. Of `DA` only the year is used, because some tools put the day of online publication there."""
    found = [known for text in values(tags, "PY", "Y1") if (known := _date(text))]
    found = found or [known[:4] for text in values(tags, "DA") if (known := _date(text))]
    if not found:
        return
    entry.data["year"] = int(found[0][:4])
    fitting = [known for known in found if known[:4] == found[0][:4]]
    entry.data["date"] = max(fitting, key=len)
    if len(fitting) < len(found):
        entry.warn("inconsistent-date", f"/date: {', '.join(dict.fromkeys(found))}")


def _add_types(entry: Entry, tags: Tags, kind: str) -> None:
    types = [kind, *values(tags, "M3", "PT")]
    entry.lines("publication_types", [_TYPES[one] for text in types if (one := text.casefold()) in _TYPES], 100)
    if "Retracted Publication" in entry.data.get("publication_types", ()):
        entry.data["retraction_state"] = "retracted"


def _add_text(entry: Entry, tags: Tags, store_abstracts: bool) -> None:
    entry.lines("keywords", values(tags, "KW"), MOST_KEYWORDS)
    if store_abstracts:
        entry.prose("abstract", one_line(_joined(tags, "AB", "N2")))


def _add_all(entry: Entry, tags: Tags, store_abstracts: bool) -> None:
    kind = one_line(_first(tags, "TY")).upper()
    add_identifiers(entry, tags)
    add_title(entry, _joined(tags, "TI", "T1", "CT", "BT"), _joined(tags, "TT"))
    if _first(tags, "M3").casefold() == "trial registry record" and "title" in entry.data:
        entry.data["title_kind"] = "registry-record"
    _add_container(entry, tags, kind)
    _add_issn(entry, tags)
    _add_dates(entry, tags)
    entry.line("volume", _first(tags, "VL"))
    entry.line("issue", _first(tags, "IS"))
    _add_pages(entry, tags)
    add_authors(entry, *authors(values(tags, "AU", "A1")))
    _add_types(entry, tags, kind)
    languages = (name for value in values(tags, "LA") for name in re.split(r"[,;/]", value))
    add_languages(entry, (_LANGUAGES.get(one_line(name).casefold(), name) for name in languages))
    # Cochrane's register of trials puts registrations into `C3`.
    registrations = (found for value in values(tags, "C3") for found in _REGISTRATION.findall(value))
    add_registrations(entry, ((_BANKS[bank], bank + number) for bank, number in registrations))
    _add_text(entry, tags, store_abstracts)


_BANKS = {"NCT": "ClinicalTrials.gov", "ISRCTN": "ISRCTN"}


def _without_abstract(text: str) -> str:
    """The lines of an entry that may be stored: facts, but no abstract, notes or addresses of authors."""
    kept: list[str] = []
    keep = True
    for line in text.split("\n"):
        if line[2:5] == "  -":
            keep = line[:2] not in ("AB", "N2", "N1", "AD", "M1", "M2")
        if keep:
            kept.append(line)
    return "\n".join(kept)


def _source(entry: Entry, tags: Tags, text: str, name: str, day: date) -> Json:
    digest = sha256(text.encode()).hexdigest()
    url = address(entry, tags)
    databases = list(dict.fromkeys(values(tags, "DB", "DP")))
    stored = {} if url else {"text": _without_abstract(text)}
    return {
        "id": f"references-{digest[:16]}",
        "kind": "bibliographic-record",
        "tier": "aggregator",
        "title": cut(one_line(", ".join(databases)) or (_HOST.findall(url or "") or [name])[0], LINE),
        **({"url": url} if url else stored),
        "retrieved_on": day.isoformat(),
        "sha256": digest if url else sha256(stored["text"].encode()).hexdigest(),
    }


def _id(entry: Entry, proof: Json) -> str:
    if "pmid" in entry.data:
        return f"pmid-{entry.data['pmid']}"
    slug = "doi-" + re.sub(r"[^a-z0-9]+", "-", entry.data.get("doi", "").casefold()).strip("-")
    return slug if 4 < len(slug) <= 120 else str(proof["id"]).replace("references-", "reference-")


def reference(text: str, place: str, name: str, day: date, entry: Entry, *, store_abstracts: bool) -> Found:
    """The source item of an entry, or a rejection if the entry has neither a title nor a PMID nor a DOI."""
    tags = read_tags(text)
    _add_all(entry, tags, store_abstracts)
    if not entry.data.keys() & {"title", "pmid", "doi"}:
        return Rejection(place, "", "it has neither a title nor a PMID nor a DOI")
    proof = _source(entry, tags, text, name, day)
    publication = {"id": _id(entry, proof), **entry.data, "provenance": [{"source": proof["id"]}]}
    return SourceItem(
        place, (Candidate("sources", proof), Candidate("publications", publication)), warnings=tuple(entry.warnings)
    )
