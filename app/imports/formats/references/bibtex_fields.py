"""Maps the fields of an entry of BibTeX to the tags of RIS."""

import re
from collections.abc import Mapping

from app.imports.formats.references.accounting import Tags
from app.imports.formats.references.latex import bare, decode
from app.imports.readers.name_words import GROUP_WORDS

_TYPES = {
    **{"article": "JOUR", "book": "BOOK", "booklet": "BOOK", "inbook": "CHAP", "incollection": "CHAP"},
    **{"inproceedings": "CPAPER", "conference": "CPAPER", "proceedings": "CONF", "phdthesis": "THES"},
    **{"mastersthesis": "THES", "thesis": "THES", "techreport": "RPRT", "report": "RPRT", "online": "ELEC"},
    **{"electronic": "ELEC", "www": "ELEC", "webpage": "ELEC", "dataset": "DATA", "unpublished": "UNPB"},
    **{"patent": "PAT", "legislation": "LEGAL", "manual": "GEN", "misc": "GEN"},
}
_TEXTS = {
    **{"journal": "JF", "journaltitle": "JF", "booktitle": "T2", "shortjournal": "J2", "abstract": "AB"},
    **{"language": "LA", "langid": "LA", "note": "N1", "annote": "N1", "annotation": "N1", "type": "M3"},
}
_NUMBERS = {
    **{"volume": "VL", "number": "IS", "issue": "IS", "pages": "SP", "doi": "DO", "issn": "SN", "url": "UR"},
    **{"pmid": "PMID", "pmcid": "PMCID", "pmc": "PMCID", "evidence": "C8"},
}
FIELDS = frozenset(
    {
        *(*_TEXTS, *_NUMBERS, "title", "subtitle", "author", "keywords", "keyword", "year", "month", "day", "date"),
        *("eprint", "eprinttype", "archiveprefix", "crossref"),
    }
)
"""The fields of which a publication is made."""
KNOWN_FIELDS = FIELDS | {
    *("address", "location", "publisher", "editor", "edition", "series", "chapter", "school", "institution", "file"),
    *("organization", "howpublished", "key", "isbn", "urldate", "timestamp", "owner", "groups", "shorttitle", "lccn"),
    *("copyright", "mendeley-tags", "bdsk-url-1", "bdsk-url-2", "date-added", "date-modified", "numpages", "eid"),
    *(
        "primaryclass",
        "adsurl",
        "adsnote",
        "eprintclass",
        "pubstate",
        "issue_date",
        "source",
        "affiliation",
        "unique-id",
    ),
    *("researcherid-numbers", "orcid-numbers", "times-cited", "keywords-plus", "author_keywords", "document_type"),
    *("abbrev_source_title", "art_number", "coden", "references", "correspondence_address1", "funding_details"),
    *("publication_stage", "open_access", "rights", "translator", "editora", "maintitle", "issuetitle", "titleaddon"),
}
"""The fields of BibTeX, BibLaTeX and the databases that export it, which have no place in a publication."""

_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_PUBMED = ("pubmed", "pmid", "medline")


def _outside_braces(text: str, separator: re.Pattern[str]) -> list[str]:
    """The parts of a text between separators that stand in no braces."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        found = separator.match(text, at) if depth == 0 else None
        if found:
            parts.append(text[start:at])
            start = at = found.end()
            continue
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
    return [*parts, text[start:]]


def person(text: str) -> str:
    """A name as `Family, Given`: without a comma, BibTeX has the surname last, with the particles before it.

    A name in braces is one of a group and keeps them.
    """
    words = [decode(word) for word in _outside_braces(text.strip(), _SPACE)]
    if len(words) == 1 and text.strip().startswith("{"):
        return f"{{{words[0]}}}" if " " in words[0] else words[0]
    if len(words) < 2 or "," in text or GROUP_WORDS.search(text) or words[-1].replace(".", "").isupper():
        return " ".join(words)
    return _surname_first(words)


def _surname_first(words: list[str]) -> str:
    at = next((index for index, word in enumerate(words[1:-1], 1) if word[:1].islower()), len(words) - 1)
    return f"{' '.join(words[at:])}, {' '.join(words[:at])}"


def _date(fields: Mapping[str, str]) -> list[str]:
    if fields.get("date"):
        return [bare(fields["date"]).partition("/")[0]]
    year, month, day = (bare(fields.get(name, "")) for name in ("year", "month", "day"))
    return [" ".join(filter(None, (year, month, day)))] if year or month else []


def _pmids(fields: Mapping[str, str]) -> list[str]:
    archive = (fields.get("eprinttype") or fields.get("archiveprefix") or "").casefold()
    return [bare(fields["eprint"])] if archive in _PUBMED and fields.get("eprint") else []


def _pages(text: str) -> str:
    return re.sub(r"\s*-{1,3}\s*", "-", text)


def tags_of(key: str, kind: str, fields: Mapping[str, str]) -> Tags:
    """The values of an entry under the tags of RIS."""
    tags: Tags = {"TY": [_TYPES.get(kind, "GEN")], "ID": [key], "PY": _date(fields)}
    tags["TI"] = [": ".join(filter(None, (decode(fields.get(name, "")) for name in ("title", "subtitle"))))]
    tags["AU"] = list(map(person, _outside_braces(fields.get("author", ""), _AND)))
    words = fields.get("keywords") or fields.get("keyword") or ""
    tags["KW"] = re.split(r"\s*[,;]\s*", decode(words).strip())
    for names, form in ((_TEXTS, decode), (_NUMBERS, bare)):
        for name, tag in names.items():
            if fields.get(name):
                tags.setdefault(tag, []).append(form(fields[name]))
    tags["SP"] = list(map(_pages, tags.get("SP", ())))
    tags["PMID"] = [*tags.get("PMID", ()), *_pmids(fields)]
    return {tag: known for tag, some in tags.items() if (known := [*filter(str.strip, some)])}
