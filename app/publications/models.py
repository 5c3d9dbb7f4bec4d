"""Journal articles and other reports, and bodies of literature named as a whole."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base
from app.fields import (
    Line,
    Name,
    Prose,
    PublicationScope,
    RetractionState,
    Slug,
    TitleKind,
    Year,
    word,
)
from app.records import Record, subtype


class Publication(Record):
    __tablename__ = "publications"
    __mapper_args__ = {"polymorphic_identity": "publications"}
    __table_args__ = (
        *subtype("publications"),
        CheckConstraint("year BETWEEN 1800 AND 2100", name="year"),
        Index("ix_publications_year", "year", "id"),
        Index("ix_publications_title", "title", "id"),
    )

    type: Mapped[str] = mapped_column(default="publications")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    scope: Mapped[PublicationScope] = mapped_column(word("scope", PublicationScope))
    pmid: Mapped[str | None] = mapped_column(unique=True)
    doi: Mapped[str | None] = mapped_column(unique=True)
    title: Mapped[Line | None]
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

    author_rows: Mapped[list["Author"]] = relationship(
        order_by="Author.position", cascade="all, delete-orphan", lazy="raise"
    )
    type_rows: Mapped[list["PublicationType"]] = relationship(
        order_by="PublicationType.position", cascade="all, delete-orphan", lazy="raise"
    )

    @property
    def authors(self) -> list[str]:
        return [row.name for row in self.author_rows]

    @property
    def publication_types(self) -> list[str]:
        return [row.name for row in self.type_rows]


class Author(Base):
    __tablename__ = "publication_authors"
    __table_args__ = (Index("ix_publication_authors_name", "name", "publication_id"),)

    publication_id: Mapped[Slug] = mapped_column(
        ForeignKey("publications.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]


class PublicationType(Base):
    __tablename__ = "publication_types"

    publication_id: Mapped[Slug] = mapped_column(
        ForeignKey("publications.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]
