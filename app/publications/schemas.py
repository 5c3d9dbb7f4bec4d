from typing import Annotated

from pydantic import Field

from app.fields import Name, Prose, PublicationScope, RetractionState, Title, TitleKind, Year
from app.filters import Tests, number, reference, text, word
from app.record_filters import CitedFilter
from app.record_schemas import CitedIn, CitedOut, Embedded, Fields, Identified


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
    authors: list[str] = Field(description="Authors as `Surname Initials`.")
    authors_complete: bool | None = Field(description="`false` where the source ends with et al.")


class PublicationFields(Fields):
    scope: PublicationScope = Field(
        "publication", description="`body-of-literature`: many publications named as a whole, never one of them."
    )
    pmid: str | None = Field(None, pattern=r"^[1-9][0-9]{0,8}$", description="PubMed id.", examples=["20647170"])
    doi: str | None = Field(None, pattern=r"^10\.[0-9]{4,9}/\S+$", max_length=300, description="DOI, without resolver.")
    title: Title | None = Field(None, description="Title; see `title_kind` for what it is.")
    title_kind: TitleKind | None = Field(
        None, description="`descriptive`: our words, for a page without a title; `registry-record`: the registry's."
    )
    journal: Name | None = Field(None, description="Journal, as the source writes it.", examples=["Cephalalgia"])
    year: Year | None = Field(None, description="Year of publication.", examples=[2010])
    volume: Name | None = Field(None, description="Volume.")
    issue: Name | None = Field(None, description="Issue.")
    pages: Name | None = Field(None, description="Pages, as printed.")
    authors: list[Name] = Field(default_factory=list, max_length=5000, description="`Surname Initials`.")
    authors_complete: bool | None = Field(None, description="`false` where the source ends with et al.")
    publication_types: list[Name] = Field(default_factory=list, description="NLM publication types.")
    abstract: Prose | None = Field(None, description="Abstract, only where it may be stored.")
    summary: Prose | None = Field(None, description="What a body of literature is said to contain.")
    retraction_state: RetractionState | None = Field(None, description="Null: not looked up.")


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
    pmid: Annotated[Tests, text("20647170"), Field(description="PubMed id.")] = ()
    doi: Annotated[Tests, text("10.1177/0333102410364676"), Field(description="DOI.")] = ()
    title: Annotated[Tests, text("missing"), Field(description="Exact title.")] = ()
    title_kind: Annotated[Tests, word(TitleKind), Field(description="What the title is.")] = ()
    journal: Annotated[Tests, text("Cephalalgia"), Field(description="Journal as written.")] = ()
    year: Annotated[Tests, number("2005..2015"), Field(description="Year of publication.")] = ()
    author: Annotated[Tests, text("Aurora SK"), Field(description="Author as `Surname Initials`.")] = ()
    publication_type: Annotated[Tests, text("Review"), Field(description="NLM publication type.")] = ()
    abstract: Annotated[Tests, text("present"), Field(description="`present` or `missing`.")] = ()
    retraction_state: Annotated[Tests, word(RetractionState), Field(description="Retraction state.")] = ()
    study: Annotated[Tests, reference("studies", "preempt-1"), Field(description="Study it reports.")] = ()
