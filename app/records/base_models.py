"""What all ten record types have in common: identity, provenance, names and why a value is absent.

`records` is the supertype; each type's table extends it, so that provenance, names and documents point at a record of
any type with a real foreign key.
"""

import re
import unicodedata
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import SOME_JSON, Base
from app.records.fields import (
    AbsenceReason,
    EvidenceBasis,
    Name,
    Prose,
    QuoteStatus,
    RecordType,
    RetractionState,
    Slug,
    word,
)


class Record(Base):
    __tablename__ = "records"
    __table_args__ = (
        CheckConstraint("id = lower(id) AND length(id) BETWEEN 1 AND 120", name="id"),
        Index("ix_records_evidence_basis", "type", "evidence_basis", "id"),
    )

    type: Mapped[RecordType] = mapped_column(word("type", RecordType), primary_key=True)
    id: Mapped[Slug] = mapped_column(primary_key=True)
    note: Mapped[Prose | None]
    needs_primary_source: Mapped[bool] = mapped_column(default=False)
    evidence_basis: Mapped[EvidenceBasis | None] = mapped_column(word("evidence_basis", EvidenceBasis))
    digest: Mapped[str] = mapped_column(comment="SHA-256 of the record as it was entered")


def part_of_record() -> ForeignKeyConstraint:
    """The foreign key by which a table belongs to a record of any type."""
    return ForeignKeyConstraint(["record_type", "record_id"], ["records.type", "records.id"], ondelete="CASCADE")


def subtype(name: RecordType) -> tuple[ForeignKeyConstraint, CheckConstraint]:
    """A type's table extends `records`: its rows are the records of exactly that type."""
    return (
        ForeignKeyConstraint(["type", "id"], ["records.type", "records.id"], ondelete="CASCADE"),
        CheckConstraint(f"type = '{name}'", name="type"),
    )


class Provenance(Base):
    """Where a record's statements come from; a quote is exact text of the source at `[start, end)` code points."""

    __tablename__ = "provenance"
    __table_args__ = (
        part_of_record(),
        CheckConstraint("(quote IS NULL) = (start_offset IS NULL)", name="quote_has_start"),
        CheckConstraint("(quote IS NULL) = (end_offset IS NULL)", name="quote_has_end"),
        CheckConstraint("start_offset IS NULL OR start_offset >= 0", name="start"),
        CheckConstraint("end_offset IS NULL OR end_offset > start_offset", name="end"),
        CheckConstraint("(quote IS NULL) = (status = 'unquoted')", name="unquoted"),
        Index("ix_provenance_source_id", "source_id", "record_type", "record_id"),
    )

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[Slug] = mapped_column(ForeignKey("sources.id"))
    section: Mapped[Name | None]
    quote: Mapped[Prose | None]
    start: Mapped[int | None] = mapped_column("start_offset")
    end: Mapped[int | None] = mapped_column("end_offset")
    prefix: Mapped[str | None]
    suffix: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    status: Mapped[QuoteStatus] = mapped_column(word("status", QuoteStatus))
    paths: Mapped[dict[str, str] | None] = mapped_column(
        SOME_JSON, comment="Field of the record to JSON pointer into the source"
    )


class RecordName(Base):
    """Another name of a record. An exclusive one (brand, synonym, PMID) finds one record; NCT ids may find several."""

    __tablename__ = "names"
    __table_args__ = (
        part_of_record(),
        Index("ix_names_key", "record_type", "key", "record_id"),
        Index(
            "uq_names_exclusive_key",
            "record_type",
            "key",
            unique=True,
            sqlite_where=sql("exclusive"),
            postgresql_where=sql("exclusive"),
        ),
    )

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    key: Mapped[str] = mapped_column(comment="The name folded for look-up")
    exclusive: Mapped[bool] = mapped_column(comment="No other record of the type may have this key")


class Absence(Base):
    """Why a value is missing, where the source says so."""

    __tablename__ = "absences"
    __table_args__ = (part_of_record(),)

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[AbsenceReason] = mapped_column(word("reason", AbsenceReason))


class Deletion(Base):
    """A record that is no more: its id stays taken, its history stays, its rows are gone."""

    __tablename__ = "deletions"
    __table_args__ = (part_of_record(),)

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)


class Alert(Base):
    """A record rests on a publication that was retracted or corrected; derived from rows, never entered."""

    __tablename__ = "alerts"
    __table_args__ = (
        part_of_record(),
        CheckConstraint("state <> 'none'", name="raised"),
        Index("ix_alerts_state", "record_type", "state", "record_id"),
        Index("ix_alerts_publication_id", "publication_id", "record_type", "record_id"),
    )

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    publication_id: Mapped[Slug] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[RetractionState] = mapped_column(word("state", RetractionState))


SHARED_KINDS = frozenset(
    {"registry-id", "unii", "mesh-id", "acronym", "atc", "cas", "application", "uniprot", "title-key", "set-id"}
)
"""Identifiers that several records of one type may carry: one registration has a main report and an extension."""

_RESOLVERS = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*|pmid:\s*)")


def fold(type: RecordType, name: str) -> str:
    """The key under which a name is found: case, accents' encoding, spacing and resolver prefixes do not matter.

    A source's URL is its own key: two addresses of one thing are two sources.
    """
    if type == "sources" and "://" in name:
        return name
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return _RESOLVERS.sub("", folded)


def is_exclusive(kind: str) -> bool:
    return kind not in SHARED_KINDS
