"""The table of approvals."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Name, PartialDate, Slug


class Approval(Base):
    """A regulator's approval of a product for an indication."""

    __tablename__ = "approvals"
    __table_args__ = (
        *subtype("approvals"),
        CheckConstraint("submission IS NULL OR application_number IS NOT NULL", name="submission_of"),
        Index("ix_approvals_product_id", "product_id", "id"),
        Index("ix_approvals_indication_id", "indication_id", "id"),
        Index("ix_approvals_date", "date", "id"),
    )

    type: Mapped[str] = mapped_column(default="approvals")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    product_id: Mapped[Slug] = mapped_column(ForeignKey("products.id"))
    indication_id: Mapped[Slug] = mapped_column(ForeignKey("indications.id"))
    regulator: Mapped[Name]
    date: Mapped[PartialDate | None]
    population: Mapped[Name | None]
    brand_name: Mapped[Name | None]
    application_number: Mapped[Name | None]
    submission: Mapped[Name | None]
    submission_status_date: Mapped[PartialDate | None]
