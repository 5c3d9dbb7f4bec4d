"""Builds a publication from fields that are the same in all formats of PubMed, and in part in RIS."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from app.common.identifiers import doi, pmid
from app.common.text import plain
from app.imports.candidates import Candidate, Json, SourceItem
from app.imports.formats.pubmed.dates import printed_date
from app.imports.formats.pubmed.notices import partial_updates, state
from app.imports.readers.record_builder import LINE, TITLE, Entry, cut
from app.records.publications.rules import latest_year
from app.records.vocabularies import NoticeKind

LANGUAGE = re.compile(r"[a-z]{3}")
MOST_AUTHORS, MOST_GROUPS, MOST_MESH, MOST_NOTICES, MOST_KEYWORDS, MOST_TYPES = 5000, 500, 500, 500, 1000, 100

_TRANSLATOR = re.compile(r"\s*\(author'?s transl\)$")


def bare_title(text: str) -> tuple[str, bool]:
    """The title without the final period and the brackets that NLM adds, and whether it is a translation."""
    title = plain(text)
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
    """Sets the date of the issue and its year; one after the latest year is an error of print and is left out."""
    found, whole = printed_date(issue)
    if found and int(found[:4]) > latest_year():
        entry.warn("date-not-read", f"/date: {issue} is in the future")
        return
    if found:
        entry.data["date"] = found
        entry.data["year"] = int(found[:4])
    if issue and not whole:
        entry.warn("date-kept-less-precisely", f"/date: {issue}")


def add_authors(entry: Entry, authors: Sequence[tuple[str, bool]], complete: bool | None) -> None:
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
    texts = list(printed)
    valid = [found for text in texts if (found := doi(text))]
    if texts and not valid:
        entry.warn("identifier-not-valid", f"/doi: {texts[0]}")
    elif valid:
        entry.data["doi"] = valid[0]
        others = {other for other in valid if other.casefold() != valid[0].casefold()}
        if others:
            entry.warn("inconsistent-identifier", f"/doi: {valid[0]}, also {', '.join(sorted(others))}")


def add_languages(entry: Entry, codes: Iterable[str]) -> None:
    """Sets the languages whose codes have three letters."""
    known = list(dict.fromkeys(code for text in codes if LANGUAGE.fullmatch(code := plain(text).casefold())))
    entry.put("languages", known[:20])


def notice(kind: NoticeKind, printed: str, citation: str) -> Json:
    """A notice without a PMID that is not valid, and without an empty citation."""
    cited, other = cut(plain(citation), LINE), pmid(printed)
    return {"kind": kind, **({"pmid": other} if other else {}), **({"citation": cited} if cited else {})}


_RETRACTED = re.compile(
    r"[\[(]?RETRACTED(?: (?:ARTICLE|PAPER|PUBLICATION|CHAPTER))?(?:[\])]|\s*:|\s+[-–—]\s)|.*\(retracted article\b",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(
    r"\W?(?:withdrawn|withdrawal|(?:notice of )?retraction|(?:temporary )?removal|removed|expression of concern)\b"
    r"[^:]{0,30}:",
    re.IGNORECASE,
)


def add_mark_of_title(entry: Entry) -> None:
    """Sets the retraction state of a title that begins with `RETRACTED:`, and warns about other marks like it.

    A title such as `WITHDRAWN:` or `Retraction:` may mean that a review is out of date, or be that of the notice.
    """
    title = entry.data.get("title", "")
    if _RETRACTED.match(title):
        entry.data["retraction_state"] = "retracted"
        entry.warn("retracted-in-the-title", title)
    elif _DOUBTFUL.match(title):
        entry.warn("perhaps-retracted", title)


def add_notices(entry: Entry, notices: list[Json]) -> None:
    """Sets the notices and the retraction state that follows from them, from the types and from the title."""
    if len(notices) > MOST_NOTICES:
        entry.warn("cut-short", f"/notices: there are {len(notices)}")
    entry.data["retraction_state"] = state(notices, entry.data.get("publication_types", ()))
    entry.put("notices", notices[:MOST_NOTICES])
    add_mark_of_title(entry)


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
