"""The table of sources, with their full text where it may be stored."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Line, Name, PartialDate, Slug, word
from app.records.vocabularies import SourceKind, Tier


class Source(Base):
    """A source of statements."""

    __tablename__ = "sources"
    __table_args__ = (
        *subtype("sources"),
        CheckConstraint("url IS NOT NULL OR text IS NOT NULL OR kind = 'compilation'", name="findable"),
        CheckConstraint("(text IS NULL) = (sha256 IS NULL)", name="text_has_sha256"),
        Index("ix_sources_tier", "tier", "id"),
        Index(
            "ix_sources_identifier",
            "identifier",
            sqlite_where=sql("identifier IS NOT NULL"),
            postgresql_where=sql("identifier IS NOT NULL"),
        ),
    )

    type: Mapped[str] = mapped_column(default="sources")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(word("kind", SourceKind))
    tier: Mapped[Tier] = mapped_column(word("tier", Tier))
    title: Mapped[Line | None]
    url: Mapped[str | None]
    publisher: Mapped[Name | None]
    licence: Mapped[Name | None]
    retrieved_on: Mapped[PartialDate | None]
    text: Mapped[str | None]
    text_length: Mapped[int | None] = mapped_column(comment="In Unicode code points")
    sha256: Mapped[str | None]
    set_id: Mapped[str | None]
    version: Mapped[int | None]
    effective_date: Mapped[PartialDate | None]
    identifier: Mapped[str | None] = mapped_column(comment="Derived: PMID or DOI of the publication that it is")
