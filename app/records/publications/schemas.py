"""The JSON shapes of publications: as they are entered and as they are answered."""

from typing import Annotated, ClassVar

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified, Shape
from app.records.fields import Doi, Issn, Line, MeshId, Name, PartialDate, Pmcid, Pmid, Prose, RegistryId, Title, Year
from app.records.vocabularies import NoticeKind, PublicationScope, RecordType, RetractionState, TitleKind

LANGUAGE = pattern(r"^[a-z]{3}$", "a code of three small letters (ISO 639-2) such as eng")


class PublicationRef(Embedded):
    of: ClassVar[RecordType] = "publications"

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
    languages: list[Annotated[str, Field(pattern=LANGUAGE)]] = Field(
        default_factory=list, max_length=20, description="Languages of its text, ISO 639-2.", examples=[["eng"]]
    )
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
    of: ClassVar[RecordType] = "studies"

    acronym: str | None = Field(description="Short name.")
    design: str | None = Field(description="Study design.")


class PublicationOut(CitedOut, PublicationFields, Identified):
    """A report, or a body of literature named as a whole."""

    studies: list[ReportedStudy] = Field(description="Studies that it reports.")
