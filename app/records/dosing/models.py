"""The table of dosing."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Line, Name, Prose, Slug, Weeks


class Dosing(Base):
    """A dose, or a statement on dosing, of a product for an indication and a population."""

    __tablename__ = "dosing"
    __table_args__ = (
        *subtype("dosing"),
        CheckConstraint("dose IS NOT NULL OR statement IS NOT NULL", name="says_something"),
        CheckConstraint("dose_min <= dose_max", name="dose_in_order"),
        CheckConstraint("dose_min_per_kg <= dose_max_per_kg", name="dose_per_kg_in_order"),
        Index("ix_dosing_product_id", "product_id", "id"),
        Index("ix_dosing_indication_id", "indication_id", "id"),
    )

    type: Mapped[str] = mapped_column(default="dosing")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    product_id: Mapped[Slug] = mapped_column(ForeignKey("products.id"))
    indication_id: Mapped[Slug | None] = mapped_column(ForeignKey("indications.id"))
    population: Mapped[Name | None]
    statement: Mapped[Prose | None]
    dose: Mapped[Line | None]
    unit: Mapped[Name | None]
    dose_initial: Mapped[float | None]
    dose_min: Mapped[float | None]
    dose_max: Mapped[float | None]
    dose_min_per_kg: Mapped[float | None]
    dose_max_per_kg: Mapped[float | None]
    dose_per: Mapped[Name | None]
    max_dose: Mapped[float | None]
    max_dose_basis: Mapped[Name | None]
    max_cumulative_dose: Mapped[float | None]
    max_cumulative_basis: Mapped[Name | None]
    sites: Mapped[Line | None]
    retreatment_interval_weeks: Mapped[Weeks | None]
    retreatment_interval_weeks_min: Mapped[Weeks | None]
    retreatment_interval_months_min: Mapped[int | None]
    onset: Mapped[Name | None]
    duration: Mapped[Name | None]
    label_country: Mapped[Name | None]
