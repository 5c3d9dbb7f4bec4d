"""Builds a publication from fields that are the same in all formats of PubMed, and in part in RIS."""

import re
from collections.abc import Iterable
from datetime import date

from app.imports.candidates import Candidate, Json, SourceItem
from app.imports.formats.pubmed.dates import printed_date
from app.imports.formats.pubmed.notices import partial_updates, state
from app.imports.readers.record_builder import LINE, TITLE, Entry, cut, one_line
from app.records.vocabularies import NoticeKind

PMID = re.compile(r"[1-9][0-9]{0,8}")
DOI = re.compile(r"10\.[0-9]{4,9}/\S+")
PMCID = re.compile(r"PMC[1-9][0-9]{0,9}")
ISSN = re.compile(r"[0-9]{4}-[0-9]{3}[0-9X]")
MESH_ID = re.compile(r"D[0-9]{6,9}")
LANGUAGE = re.compile(r"[a-z]{3}")
RESOLVER = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
MOST_AUTHORS, MOST_GROUPS, MOST_MESH, MOST_NOTICES, MOST_KEYWORDS, MOST_TYPES = 5000, 500, 500, 500, 1000, 100

_TRANSLATOR = re.compile(r"\s*\(author'?s transl\)$")


def bare_title(text: str) -> tuple[str, bool]:
    """The title without the final period and the brackets that NLM adds, and whether it is a translation."""
    title = one_line(text)
    title = title[:-1] if title.endswith(".") and not title.endswith("..") else title
    translated = title.startswith("[") and title.endswith("]") and _encloses(title)
    return (_TRANSLATOR.sub("", title[1:-1].strip().rstrip(".")), True) if translated else (title, False)


def _encloses(title: str) -> bool:
    """Whether the last bracket closes the first one, unlike in `[11C]PET and [18F]PET`."""
    depth = 0
    for position, letter in enumerate(title):
        depth += (letter == "[") - (letter == "]")
        if depth == 0:
            return position == len(title) - 1
    return False


def add_title(entry: Entry, title: str, vernacular: str) -> None:
    """Sets the title and the title in the original language. Without a translation, the original title is the title."""
    bare, translated = bare_title(title)
    own = bare_title(vernacular)[0]
    if translated and bare.casefold() == "not available":
        bare, translated, own = own, False, ""
    if bare:
        entry.line("title", bare, TITLE)
        if not translated:
            entry.data["title_kind"] = "printed" if len(bare) <= TITLE else "truncated"
    entry.line("vernacular_title", own, TITLE)


def add_dates(entry: Entry, issue: str) -> None:
    """Sets the date of the issue and its year."""
    found, whole = printed_date(issue)
    if found:
        entry.data["date"] = found
        entry.data["year"] = int(found[:4])
    if issue and not whole:
        entry.warn("date-kept-less-precisely", f"/date: {issue}")


def add_authors(entry: Entry, authors: list[tuple[str, bool]], complete: bool | None) -> None:
    """Sets the authors, given in order as a name and whether it is a group."""
    known = [(name, group) for text, group in authors if (name := entry.fitting("authors", text, 300))]
    if len(known) > MOST_AUTHORS:
        entry.warn("cut-short", f"/authors: there are {len(known)}")
        known, complete = known[:MOST_AUTHORS], False
    entry.put("authors", [name for name, _ in known])
    entry.put("authors_complete", complete)
    entry.put("collective_authors", list(dict.fromkeys(name for name, group in known if group))[:MOST_GROUPS])


def add_doi(entry: Entry, printed: Iterable[str]) -> None:
    """Sets the first valid DOI; warns about other ones."""
    plain = [RESOLVER.sub("", one_line(text)) for text in printed]
    valid = [doi for doi in plain if _is_doi(doi)]
    if plain and not valid:
        entry.warn("identifier-not-valid", f"/doi: {plain[0]}")
    elif valid:
        entry.data["doi"] = valid[0]
        others = {doi for doi in valid if doi.casefold() != valid[0].casefold()}
        if others:
            entry.warn("inconsistent-identifier", f"/doi: {valid[0]}, also {', '.join(sorted(others))}")


def _is_doi(text: str) -> bool:
    return len(text) <= 300 and bool(DOI.fullmatch(text))


def add_languages(entry: Entry, codes: Iterable[str]) -> None:
    """Sets the languages whose codes have three letters."""
    known = list(dict.fromkeys(code for text in codes if LANGUAGE.fullmatch(code := one_line(text).casefold())))
    entry.put("languages", known[:20])


def notice(kind: NoticeKind, pmid: str, citation: str) -> Json:
    """A notice without a PMID that is not valid, and without an empty citation."""
    cited = cut(one_line(citation), LINE)
    named = {"pmid": pmid} if PMID.fullmatch(pmid) else {}
    return {"kind": kind, **named, **({"citation": cited} if cited else {})}


def add_notices(entry: Entry, notices: list[Json]) -> None:
    """Sets the notices and the retraction state that follows from them."""
    if len(notices) > MOST_NOTICES:
        entry.warn("cut-short", f"/notices: there are {len(notices)}")
    entry.data["retraction_state"] = state(notices, entry.data.get("publication_types", ()))
    entry.put("notices", notices[:MOST_NOTICES])


def source(pmid: str, sha256: str, day: date, revised: str | None) -> Json:
    """The source for a record of PubMed, with the id that the seeds give it and the day of its last revision."""
    return {
        "id": f"pubmed-{pmid}",
        "kind": "bibliographic-record",
        "tier": "primary",
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/",
        "publisher": "NLM",
        "retrieved_on": day.isoformat(),
        "sha256": sha256,
        **({"effective_date": revised} if revised else {}),
    }


def unit(pmid: str, entry: Entry, notices: list[Json], proof: Json, place: str = "") -> SourceItem:
    """The source item of a record: the record as a source, and the publication."""
    publication = {"id": f"pmid-{pmid}", "pmid": pmid, **entry.data, "provenance": [{"source": proof["id"]}]}
    candidates = (Candidate("sources", proof), Candidate("publications", publication))
    return SourceItem(place or f"PMID {pmid}", candidates, partial_updates(notices), (), tuple(entry.warnings))
