"""Tables of safety notes, with the frequencies by event and arm."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import counted, subtype
from app.records.fields import Count, Name, Prose, Slug, word
from app.records.link_tables import link_table
from app.records.vocabularies import SafetyKind


class SafetyNote(Base):
    """Something that can go wrong with a therapy."""

    __tablename__ = "safety_notes"
    __table_args__ = (
        *subtype("safety-notes"),
        Index("ix_safety_notes_kind", "kind", "id"),
        Index("ix_safety_notes_title", "title", "id"),
    )

    type: Mapped[str] = mapped_column(default="safety-notes")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    kind: Mapped[SafetyKind] = mapped_column(word("kind", SafetyKind))
    title: Mapped[Name]
    statement: Mapped[Prose]


def _note_id() -> Mapped[str]:
    return mapped_column(ForeignKey("safety_notes.id", ondelete="CASCADE"), primary_key=True)


class Frequency(Base):
    """How often an event occurred, in all or in one arm."""

    __tablename__ = "safety_note_frequencies"
    __table_args__ = (
        *counted(),
        Index("ix_safety_note_frequencies_event", "event", "safety_note_id"),
    )

    safety_note_id: Mapped[Slug] = _note_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[Name]
    arm: Mapped[Name | None]
    n: Mapped[Count | None]
    events: Mapped[Count | None]
    percent: Mapped[float | None]


SAFETY_NOTE_PRODUCTS = link_table("safety_note_products", safety_note_id="safety_notes", product_id="products")
SAFETY_NOTE_INDICATIONS = link_table(
    "safety_note_indications", safety_note_id="safety_notes", indication_id="indications"
)
