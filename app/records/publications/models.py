"""Tables of publications: articles and other reports, and bodies of literature named as a whole."""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Name, PartialDate, Prose, Slug, Title, Year, word
from app.records.vocabularies import PublicationScope, RetractionState, TitleKind


class Publication(Base):
    """A publication, or a body of literature named as a whole."""

    __tablename__ = "publications"
    __table_args__ = (
        *subtype("publications"),
        CheckConstraint("year BETWEEN 1800 AND 2100", name="year"),
        Index("ix_publications_year", "year", "id"),
        Index("ix_publications_title", "title", "id"),
        Index("ix_publications_retraction_state", "retraction_state", "id"),
        Index("ix_publications_date", "date", "id"),
        Index("ix_publications_epub_date", "epub_date", "id"),
    )

    type: Mapped[str] = mapped_column(default="publications")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    scope: Mapped[PublicationScope] = mapped_column(word("scope", PublicationScope))
    pmid: Mapped[str | None]
    doi: Mapped[str | None]
    pmcid: Mapped[str | None]
    title: Mapped[Title | None]
    title_kind: Mapped[TitleKind | None] = mapped_column(word("title_kind", TitleKind))
    vernacular_title: Mapped[Title | None]
    journal: Mapped[Name | None]
    journal_abbreviation: Mapped[Name | None]
    issn: Mapped[str | None]
    year: Mapped[Year | None]
    date: Mapped[PartialDate | None]
    epub_date: Mapped[PartialDate | None]
    volume: Mapped[Name | None]
    issue: Mapped[Name | None]
    pages: Mapped[Name | None]
    authors_complete: Mapped[bool | None]
    collective_authors: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    keywords: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    abstract: Mapped[Prose | None]
    abstract_sections: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    summary: Mapped[Prose | None]
    retraction_state: Mapped[RetractionState | None] = mapped_column(word("retraction_state", RetractionState))
    notices: Mapped[list[dict[str, Any]]] = mapped_column(JSON, server_default="[]")


def _publication_id() -> Mapped[str]:
    return mapped_column(ForeignKey("publications.id", ondelete="CASCADE"), primary_key=True)


class Author(Base):
    """An author of a publication, in the printed order."""

    __tablename__ = "publication_authors"
    __table_args__ = (Index("ix_publication_authors_name", "name", "publication_id"),)

    publication_id: Mapped[Slug] = _publication_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]


class PublicationType(Base):
    """A publication type that NLM assigned."""

    __tablename__ = "publication_types"

    publication_id: Mapped[Slug] = _publication_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]


class PublicationLanguage(Base):
    """A language of a publication."""

    __tablename__ = "publication_languages"
    __table_args__ = (Index("ix_publication_languages_code", "code", "publication_id"),)

    publication_id: Mapped[Slug] = _publication_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(comment="ISO 639-2, as NLM uses it")


class PublicationMesh(Base):
    """A MeSH descriptor under which NLM has indexed a publication, with its qualifiers."""

    __tablename__ = "publication_mesh"
    __table_args__ = (
        Index("ix_publication_mesh_mesh_id", "mesh_id", "publication_id"),
        Index("ix_publication_mesh_heading", "heading", "publication_id"),
    )

    publication_id: Mapped[Slug] = _publication_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    mesh_id: Mapped[str | None]
    heading: Mapped[Name]
    major: Mapped[bool]
    qualifiers: Mapped[list[str]] = mapped_column(JSON)
