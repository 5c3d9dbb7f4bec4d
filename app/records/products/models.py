"""The table of products by nonproprietary name, and of classes of substance that studies name instead of a product."""

from sqlalchemy import JSON, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Line, Name, Slug, word
from app.records.vocabularies import ProductKind, Serotype


class Product(Base):
    """A product, or a class of substance."""

    __tablename__ = "products"
    __table_args__ = (
        *subtype("products"),
        CheckConstraint("length(atc_code) <= 7", name="atc_code"),
        CheckConstraint("length(unii) = 10", name="unii"),
        Index("ix_products_name", "name", "id"),
    )

    type: Mapped[str] = mapped_column(default="products")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    kind: Mapped[ProductKind] = mapped_column(word("kind", ProductKind))
    name: Mapped[Name]
    serotype: Mapped[Serotype | None] = mapped_column(word("serotype", Serotype))
    manufacturer: Mapped[Name | None]
    former_manufacturers: Mapped[list[str]] = mapped_column(JSON, default=list)
    atc_code: Mapped[str | None]
    unii: Mapped[str | None]
    cas_number: Mapped[str | None]
    cas_number_note: Mapped[Line | None]
    contains_complexing_proteins: Mapped[bool | None]
    units_interchangeable: Mapped[bool | None]
