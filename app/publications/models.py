"""Journal articles and other reports, and bodies of literature named as a whole."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.fields import Name, Prose, PublicationScope, RetractionState, Slug, Title, TitleKind, Year, word
from app.records import subtype


class Publication(Base):
    __tablename__ = "publications"
    __table_args__ = (
        *subtype("publications"),
        CheckConstraint("year BETWEEN 1800 AND 2100", name="year"),
        Index("ix_publications_year", "year", "id"),
        Index("ix_publications_title", "title", "id"),
        Index("ix_publications_retraction_state", "retraction_state", "id"),
    )

    type: Mapped[str] = mapped_column(default="publications")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    scope: Mapped[PublicationScope] = mapped_column(word("scope", PublicationScope))
    pmid: Mapped[str | None]
    doi: Mapped[str | None]
    title: Mapped[Title | None]
    title_kind: Mapped[TitleKind | None] = mapped_column(word("title_kind", TitleKind))
    journal: Mapped[Name | None]
    year: Mapped[Year | None]
    volume: Mapped[Name | None]
    issue: Mapped[Name | None]
    pages: Mapped[Name | None]
    authors_complete: Mapped[bool | None]
    abstract: Mapped[Prose | None]
    summary: Mapped[Prose | None]
    retraction_state: Mapped[RetractionState | None] = mapped_column(word("retraction_state", RetractionState))


def _publication_id() -> Mapped[str]:
    return mapped_column(ForeignKey("publications.id", ondelete="CASCADE"), primary_key=True)


class Author(Base):
    __tablename__ = "publication_authors"
    __table_args__ = (Index("ix_publication_authors_name", "name", "publication_id"),)

    publication_id: Mapped[Slug] = _publication_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]


class PublicationType(Base):
    __tablename__ = "publication_types"

    publication_id: Mapped[Slug] = _publication_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]
