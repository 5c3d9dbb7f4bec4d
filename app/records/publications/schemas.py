"""The JSON shapes of publications: as they are entered, as they are answered, and their filters."""

from typing import Annotated

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_filters import CitedFilter
from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified, Shape
from app.records.fields import (
    Doi,
    Issn,
    Line,
    MeshId,
    Name,
    NoticeKind,
    PartialDate,
    Pmcid,
    Pmid,
    Prose,
    PublicationScope,
    RegistryId,
    RetractionState,
    Title,
    TitleKind,
    Year,
)
from app.records.filters import Tests, coded, identifier, number, reference, text, when, word

LANGUAGE = r"^[a-z]{3}$"


class PublicationRef(Embedded):
    pmid: str | None = Field(description="PubMed id.")
    doi: str | None = Field(description="Digital object identifier, without resolver.")
    title: str | None = Field(description="Title; see `title_kind` for what it is.")
    year: int | None = Field(description="Year of publication.")
    retraction_state: RetractionState | None = Field(description="What became of it; null: not looked up.")


class Citation(PublicationRef):
    """A publication with all that a reference list prints."""

    journal: str | None = Field(description="Journal, as the source writes it.")
    volume: str | None = Field(description="Volume.")
    issue: str | None = Field(description="Issue.")
    pages: str | None = Field(description="Pages, as printed.")
    authors: list[str] = Field(description="Authors as `Surname Initials`, groups by their names.")
    collective_authors: list[str] = Field(description="Which of the authors are groups.")
    authors_complete: bool | None = Field(description="`false` where the source ends with et al.")


class MeshHeading(Shape):
    """A descriptor under which NLM has indexed a publication."""

    id: MeshId | None = Field(None, description="MeSH descriptor, where the source names it.")
    heading: Name = Field(description="Its heading.", examples=["Migraine Disorders"])
    major: bool = Field(description="A major topic: the descriptor itself or one of its qualifiers is marked so.")
    qualifiers: list[Name] = Field(default_factory=list, max_length=100, description="Its qualifiers.")


class Notice(Shape):
    """Another publication that corrects, retracts, doubts, updates or discusses this one, or is so treated by it."""

    kind: NoticeKind = Field(description="What the other one is to this one, in NLM's words.")
    pmid: Pmid | None = Field(None, description="PubMed id of the other one.")
    citation: Line | None = Field(None, description="The other one, as cited.")


class PublicationFields(Fields):
    scope: PublicationScope = Field(
        "publication", description="`body-of-literature`: many publications named as a whole, never one of them."
    )
    pmid: Pmid | None = Field(None, description="PubMed id.", examples=["20647170"])
    doi: Doi | None = Field(None, description="DOI, without resolver.")
    pmcid: Pmcid | None = Field(None, description="PubMed Central id.", examples=["PMC5799088"])
    registry_ids: list[RegistryId] = Field(
        default_factory=list, max_length=200, description="Registrations of the trials that it reports."
    )
    title: Title | None = Field(None, description="Title; see `title_kind` for what it is.")
    title_kind: TitleKind | None = Field(
        None, description="`descriptive`: our words, for a page without a title; `registry-record`: the registry's."
    )
    vernacular_title: Title | None = Field(None, description="Title in its own language, where `title` translates it.")
    languages: list[
        Annotated[str, Field(pattern=pattern(LANGUAGE, "a code of three small letters (ISO 639-2) such as eng"))]
    ] = Field(default_factory=list, max_length=20, description="Languages of its text, ISO 639-2.", examples=[["eng"]])
    journal: Name | None = Field(None, description="Journal, as the source writes it.", examples=["Cephalalgia"])
    journal_abbreviation: Name | None = Field(None, description="Journal, abbreviated as in MEDLINE or as printed.")
    issn: Issn | None = Field(None, description="The journal's ISSN, the linking one where known.")
    year: Year | None = Field(None, description="Year of publication.", examples=[2010])
    date: PartialDate | None = Field(
        None, description="When its issue was published; one of several months has but a year, one of years the first."
    )
    epub_date: PartialDate | None = Field(None, description="When it was published on the web.")
    volume: Name | None = Field(None, description="Volume.")
    issue: Name | None = Field(None, description="Issue.")
    pages: Name | None = Field(None, description="Pages, as printed.")
    authors: list[Name] = Field(
        default_factory=list, max_length=5000, description="`Surname Initials`, in order; groups by their names."
    )
    collective_authors: list[Name] = Field(
        default_factory=list, max_length=500, description="Which of `authors` are groups, not persons."
    )
    authors_complete: bool | None = Field(None, description="`false` where the source ends with et al.")
    publication_types: list[Name] = Field(default_factory=list, description="NLM publication types.")
    mesh: list[MeshHeading] = Field(default_factory=list, max_length=500, description="MeSH headings.")
    keywords: list[Name] = Field(default_factory=list, max_length=1000, description="Keywords, as printed.")
    abstract: Prose | None = Field(None, description="Abstract, only where it may be stored.")
    abstract_sections: list[Name] = Field(
        default_factory=list, max_length=100, description="Labels of a structured abstract, whether stored or not."
    )
    summary: Prose | None = Field(None, description="What a body of literature is said to contain.")
    retraction_state: RetractionState | None = Field(None, description="Null: not looked up.")
    notices: list[Notice] = Field(
        default_factory=list, max_length=500, description="Corrections, retractions, comments and the like."
    )


class PublicationIn(PublicationFields, CitedIn):
    pass


class ReportedStudy(Embedded):
    acronym: str | None = Field(description="Short name.")
    design: str | None = Field(description="Study design.")


class PublicationOut(CitedOut, PublicationFields, Identified):
    """A report, or a body of literature named as a whole."""

    studies: list[ReportedStudy] = Field(description="Studies that it reports.")


class PublicationFilter(CitedFilter):
    scope: Annotated[Tests, word(PublicationScope), Field(description="One publication or a body of them.")] = ()
    pmid: Annotated[Tests, identifier("pmid", "20647170"), Field(description="PubMed id.")] = ()
    doi: Annotated[Tests, identifier("doi", "10.1177/0333102410364676"), Field(description="DOI.")] = ()
    pmcid: Annotated[Tests, identifier("pmcid", "PMC5799088"), Field(description="PubMed Central id.")] = ()
    registry_id: Annotated[
        Tests, identifier("registration", "NCT00156910"), Field(description="Registration of a trial it reports.")
    ] = ()
    title: Annotated[Tests, text("missing"), Field(description="Exact title.")] = ()
    title_kind: Annotated[Tests, word(TitleKind), Field(description="What the title is.")] = ()
    journal: Annotated[Tests, text("Cephalalgia"), Field(description="Journal as written.")] = ()
    journal_abbreviation: Annotated[Tests, text("Cephalalgia"), Field(description="Journal as abbreviated.")] = ()
    issn: Annotated[Tests, identifier("issn", "0333-1024"), Field(description="The journal's ISSN.")] = ()
    language: Annotated[
        Tests,
        coded("[a-z]{3}", "a code of three letters (ISO 639-2)", "eng"),
        Field(description="Language of its text, ISO 639-2."),
    ] = ()
    year: Annotated[Tests, number("2005..2015"), Field(description="Year of publication.")] = ()
    date: Annotated[Tests, when("2010-07.."), Field(description="When its issue was published.")] = ()
    epub_date: Annotated[Tests, when("2010-03.."), Field(description="When it was published on the web.")] = ()
    author: Annotated[Tests, text("Aurora SK"), Field(description="Author as `Surname Initials`.")] = ()
    publication_type: Annotated[Tests, text("Review"), Field(description="NLM publication type.")] = ()
    mesh_id: Annotated[Tests, identifier("mesh", "D008881"), Field(description="MeSH descriptor of a heading.")] = ()
    mesh_heading: Annotated[Tests, text("Migraine Disorders"), Field(description="MeSH heading.")] = ()
    abstract: Annotated[Tests, text("present"), Field(description="`present` or `missing`.")] = ()
    retraction_state: Annotated[Tests, word(RetractionState), Field(description="Retraction state.")] = ()
    study: Annotated[Tests, reference("studies", "preempt-1"), Field(description="Study it reports.")] = ()
