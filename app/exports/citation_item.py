"""A citation: what the formats of citation managers write of a publication, a registration or a source.

`citation_of` makes it from a document; `ris`, `bibtex` and `csl` write it. What is our own words is never its title.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from app.common import identifiers

Json = Any
Kind = Literal["article", "registration", "web-page", "document"]

REGISTRATION = "Trial registry record"
TRUNCATED = "The title is truncated."
"""The note by which an import knows it again."""
_SUFFIX = re.compile(r" (Jr|Sr|2nd|3rd|4th)$")
_REGISTRIES = {"NCT": "https://clinicaltrials.gov/study/", "ISRCTN": "https://www.isrctn.com/"}


class Person(NamedTuple):
    """The name of an author. One that is not divided, such as that of a group, is a family name as a whole."""

    family: str
    given: str = ""
    suffix: str = ""
    is_group: bool = False
    """Whether the publication names it as a group."""

    @property
    def is_whole(self) -> bool:
        """Whether it is a name of several words that must not be divided."""
        return self.is_group or (not self.given and " " in self.family)


@dataclass(frozen=True, kw_only=True)
class Citation:
    """A citation. Dates are partial dates such as `2010-07`; None and empty mean that nothing is known."""

    kind: Kind
    record: str
    """The type and id of the record, such as `publications/pmid-20647170`."""
    key: str
    """The name of the citation, which no other one in the same file has."""
    title: str | None = None
    vernacular_title: str | None = None
    authors: tuple[Person, ...] = ()
    is_incomplete: bool = False
    """Whether more authors follow, whom the source does not name."""
    container: str | None = None
    """The journal, or the registry of a registration."""
    abbreviation: str | None = None
    issn: str | None = None
    year: int | None = None
    date: str | None = None
    epub_date: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    registrations: tuple[str, ...] = ()
    url: str | None = None
    accessed: str | None = None
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    abstract: str | None = None
    publisher: str | None = None
    genre: str | None = None
    version: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def issued(self) -> str | None:
        """The date of publication, as precise as it is known."""
        return self.date or (str(self.year) if self.year else None)

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, with what formats without a place for it write there."""
        registered = f"Registration: {', '.join(self.registrations)}" if self.registrations else ""
        online = f"Published online: {self.epub_date}" if self.epub_date else ""
        return (*filter(None, (registered, online)), *self.notes)


def one_line(text: str) -> str:
    """Return a text with each break between lines, whatever its character, as a single space."""
    return " ".join(line for part in text.splitlines() if (line := part.strip()))


def person(author: str) -> Person:
    """Divide a name as PubMed writes it: `Aurora SK Jr` is family Aurora, given S K, suffix Jr.

    A name of one word, or without initials at its end, is a family name as a whole.
    """
    plain = _SUFFIX.sub("", author)
    family, _, initials = plain.rpartition(" ")
    if not family or not initials.isupper():
        return Person(author)
    return Person(family, " ".join(initials), author[len(plain) + 1 :])


def _authors(publication: Json) -> tuple[Person, ...]:
    """Return the authors; the name of a group is not divided."""
    groups = set(publication.get("collective_authors") or ())
    names = publication.get("authors") or ()
    return tuple(Person(name, is_group=True) if name in groups else person(name) for name in names)


def citation_of(document: Json) -> Citation:
    """Return the citation of a publication, a study without publications or a source, from its document."""
    makers = {"studies": _of_study, "sources": _of_source}
    return makers.get(document.get("type", "publications"), _of_publication)(document)


def _named(document: Json, type: str) -> Json:
    return {"record": f"{type}/{document['id']}", "key": document.get("key", document["id"])}


def _addresses(document: Json) -> list[str]:
    return [item["url"] for item in document.get("provenance") or () if item.get("url")]


def _doi_address(doi: str) -> str:
    return f"https://doi.org/{quote(doi, safe='/:;().,-_')}"


def _address_of_publication(publication: Json) -> str | None:
    if publication.get("doi"):
        return _doi_address(publication["doi"])
    if publication.get("pmid"):
        return f"https://pubmed.ncbi.nlm.nih.gov/{publication['pmid']}/"
    return next(iter(_addresses(publication)), None)


def _kind_of_publication(publication: Json) -> Kind:
    if publication.get("title_kind") == "registry-record":
        return "registration"
    if publication.get("journal") or publication.get("pmid"):
        return "article"
    has_bibliography = publication.get("doi") or publication.get("pmcid") or publication.get("volume")
    is_literature = publication.get("scope") == "body-of-literature"
    return "web-page" if _addresses(publication) and not has_bibliography and not is_literature else "document"


def _notes_of_publication(publication: Json) -> tuple[str, ...]:
    state, title = publication.get("retraction_state"), publication.get("title")
    notes = (
        title if publication.get("title_kind") == "descriptive" else None,
        TRUNCATED if publication.get("title_kind") == "truncated" else None,
        publication.get("summary"),
        f"Retraction state: {state}" if state else None,
    )
    return tuple(one_line(note) for note in notes if note)


_SAME = ("vernacular_title", "issn", "year", "date", "epub_date", "volume", "issue", "pages", "doi", "pmid", "pmcid")
"""The fields that a citation has from a publication unchanged."""


def _of_publication(publication: Json) -> Citation:
    kind = _kind_of_publication(publication)
    return Citation(
        kind=kind,
        **_named(publication, "publications"),
        **{name: publication.get(name) for name in _SAME},
        title=None if publication.get("title_kind") == "descriptive" else publication.get("title"),
        authors=_authors(publication),
        is_incomplete=publication.get("authors_complete") is False and bool(publication.get("authors")),
        container=publication.get("journal"),
        abbreviation=publication.get("journal_abbreviation"),
        registrations=tuple(publication.get("registry_ids") or ()),
        url=_address_of_publication(publication),
        languages=tuple(publication.get("languages") or ()),
        keywords=tuple(publication.get("keywords") or ()),
        abstract=publication.get("abstract"),
        genre=REGISTRATION if kind == "registration" else None,
        notes=_notes_of_publication(publication),
    )


def _address_of_study(study: Json, numbers: tuple[str, ...]) -> str | None:
    """Return the page of a registration: one that the study cites, or that of a registry with a known address."""
    cited = _addresses(study)
    known = [url for url in cited if any(number.casefold() in url.casefold() for number in numbers)]
    pages = [base + number for number in numbers for start, base in _REGISTRIES.items() if number.startswith(start)]
    return next(iter((*known, *pages, *cited)), None)


def _of_study(study: Json) -> Citation:
    numbers, title = tuple(study.get("registry_ids") or ()), study.get("title")
    is_body = study.get("scope") == "body-of-evidence"
    date = study.get("first_posted_date")
    notes = (title if is_body else None, study.get("acronym"), study.get("summary"))
    return Citation(
        kind="registration" if numbers else "document",
        **_named(study, "studies"),
        title=None if is_body else title,
        year=int(date[:4]) if date else None,
        date=date,
        registrations=numbers,
        url=_address_of_study(study, numbers),
        publisher=study.get("sponsor"),
        genre=REGISTRATION if numbers else None,
        notes=tuple(one_line(note) for note in notes if note),
    )


_SOURCES: dict[str, tuple[Kind, str | None]] = {
    "label": ("web-page", "Label"),
    "registry-record": ("registration", REGISTRATION),
    "regulator-document": ("web-page", "Regulator document"),
    "web-page": ("web-page", None),
}
"""By the kind of a source: the kind of its citation and its genre."""


def _of_source(source: Json) -> Citation:
    kind, genre = _SOURCES.get(source["kind"], ("document", None))
    url, date, is_record = source.get("url"), source.get("effective_date"), source["kind"] == "bibliographic-record"
    pmid = identifiers.pmid(url) if url and is_record else None
    version = source.get("version")
    return Citation(
        kind="article" if pmid else kind,
        **_named(source, "sources"),
        title=source.get("title"),
        year=int(date[:4]) if date else None,
        date=date,
        doi=identifiers.doi(url) if url and is_record and not pmid else None,
        pmid=pmid,
        url=url,
        accessed=source.get("retrieved_on"),
        publisher=source.get("publisher"),
        genre=genre,
        version=None if version is None else str(version),
        notes=(f"Set id: {source['set_id']}",) if source.get("set_id") else (),
    )
