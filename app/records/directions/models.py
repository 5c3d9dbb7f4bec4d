"""Tables of directions: open research questions."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Name, Prose, Slug, word
from app.records.link_tables import link_table
from app.records.vocabularies import DirectionKind, UseField


class Direction(Base):
    """An open research question."""

    __tablename__ = "directions"
    __table_args__ = (*subtype("directions"), Index("ix_directions_title", "title", "id"))

    type: Mapped[str] = mapped_column(default="directions")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    title: Mapped[Name]
    statement: Mapped[Prose]
    kind: Mapped[DirectionKind] = mapped_column(word("kind", DirectionKind))


def _direction_id() -> Mapped[str]:
    return mapped_column(ForeignKey("directions.id", ondelete="CASCADE"), primary_key=True)


class DirectionField(Base):
    """A field of use, medical or cosmetic, that a direction concerns."""

    __tablename__ = "direction_fields"

    direction_id: Mapped[Slug] = _direction_id()
    field_of_use: Mapped[UseField] = mapped_column(word("field_of_use", UseField), primary_key=True)
    position: Mapped[int]


DIRECTION_PRODUCTS = link_table("direction_products", direction_id="directions", product_id="products")
DIRECTION_INDICATIONS = link_table("direction_indications", direction_id="directions", indication_id="indications")
