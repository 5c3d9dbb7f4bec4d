"""Tables that all record types share: identity, provenance, names, absences, deletions and alerts.

records  <-- one table for each type (sources, studies, ...), whose rows extend it
         <-- provenance, names, absences, deletions, alerts, documents

`records` is the supertype, so that these tables refer to a record of any type by a foreign key.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.common.identifiers import known_registration, publication_id
from app.database.engine import SOME_JSON, Base
from app.records.fields import Name, Prose, Slug, word
from app.records.vocabularies import AbsenceReason, EvidenceBasis, QuoteStatus, RecordType, RetractionState


class Record(Base):
    """The supertype: one row for each record of any type that ever existed."""

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
    """The constraints by which a type's table extends `records`: its rows are the records of exactly that type."""
    return (
        ForeignKeyConstraint(["type", "id"], ["records.type", "records.id"], ondelete="CASCADE"),
        CheckConstraint(f"type = '{name}'", name="type"),
    )


def counted() -> tuple[CheckConstraint, ...]:
    """The constraints of a table with the columns `n`, `events` and `percent`."""
    return (
        CheckConstraint("n >= 0", name="n"),
        CheckConstraint("events >= 0", name="events"),
        CheckConstraint("events <= n", name="events_among_n"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    )


class Provenance(Base):
    """A source that a record cites. A quote is the source's exact text at `[start, end)`, in Unicode code points."""

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
    """A name of a record. An exclusive one (brand, synonym, PMID) finds one record; an NCT id may find several."""

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
    """The reason why a field has no value, as its source states it."""

    __tablename__ = "absences"
    __table_args__ = (part_of_record(),)

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[AbsenceReason] = mapped_column(word("reason", AbsenceReason))


class Deletion(Base):
    """A deleted record. Its rows are gone; its history and its row in `records` stay, so its id is never reused."""

    __tablename__ = "deletions"
    __table_args__ = (part_of_record(),)

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)


class Alert(Base):
    """A publication that a record rests on and that was retracted, corrected or got an expression of concern.

    Alerts are derived from rows (`app.store.alerts`), never entered.
    """

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
    {
        "registry-id",
        "reported-pmid",
        "unii",
        "mesh-id",
        "acronym",
        "atc",
        "cas",
        "application",
        "uniprot",
        "title-key",
        "set-id",
    }
)
"""Kinds of names that several records of one type may have: a trial and its extension may share a registration."""

_HAS_DIGIT = re.compile("[0-9]")
_IDENTIFIERS: Mapping[str, Callable[[str], str | None]] = {
    "publications": publication_id,
    "studies": known_registration,
}


def fold(type: RecordType, name: str) -> str:
    """The key under which a name is found.

    Case, the encoding of accents (Unicode NFKC) and spacing do not matter. An identifier of a publication or of a
    registered trial is found by its canonical form (`app.common.identifiers`), however it is written. A source's URL is
    its own key, so that two addresses of the same thing are two sources.
    """
    if type == "sources" and "://" in name:
        return name
    canonical = _IDENTIFIERS.get(type)
    name = (canonical(name) if canonical and _HAS_DIGIT.search(name) else None) or name
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_exclusive(kind: str) -> bool:
    """Whether only one record of a type may have a name of this kind."""
    return kind not in SHARED_KINDS
