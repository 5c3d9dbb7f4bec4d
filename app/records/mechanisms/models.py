"""Tables of mechanisms: how a therapy works."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Line, Name, Prose, Serotype, Slug, word


class Mechanism(Base):
    """A way in which a therapy works."""

    __tablename__ = "mechanisms"
    __table_args__ = (*subtype("mechanisms"), Index("ix_mechanisms_title", "title", "id"))

    type: Mapped[str] = mapped_column(default="mechanisms")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    title: Mapped[Name]
    summary: Mapped[Prose | None]
    action_type: Mapped[Name | None]
    molecular_target: Mapped[Name | None]
    target_uniprot: Mapped[str | None]
    toxin_uniprot: Mapped[str | None]
    toxin_ec_number: Mapped[str | None]
    tissue: Mapped[Name | None]
    effect: Mapped[Line | None]


def _mechanism_id() -> Mapped[str]:
    return mapped_column(ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True)


class MechanismSerotype(Base):
    """A serotype of botulinum toxin that a mechanism holds for."""

    __tablename__ = "mechanism_serotypes"

    mechanism_id: Mapped[Slug] = _mechanism_id()
    serotype: Mapped[Serotype] = mapped_column(word("serotype", Serotype), primary_key=True)
    position: Mapped[int]


class MechanismProduct(Base):
    """A product that a mechanism holds for."""

    __tablename__ = "mechanism_products"
    __table_args__ = (Index("ix_mechanism_products_product_id", "product_id", "mechanism_id"),)

    mechanism_id: Mapped[Slug] = _mechanism_id()
    product_id: Mapped[Slug] = mapped_column(ForeignKey("products.id"), primary_key=True)
    position: Mapped[int]


class MechanismStudy(Base):
    """A study that supports a mechanism."""

    __tablename__ = "mechanism_studies"
    __table_args__ = (Index("ix_mechanism_studies_study_id", "study_id", "mechanism_id"),)

    mechanism_id: Mapped[Slug] = _mechanism_id()
    study_id: Mapped[Slug] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    position: Mapped[int]


class MechanismIndication(Base):
    """An indication that a mechanism matters for."""

    __tablename__ = "mechanism_indications"
    __table_args__ = (Index("ix_mechanism_indications_indication_id", "indication_id", "mechanism_id"),)

    mechanism_id: Mapped[Slug] = _mechanism_id()
    indication_id: Mapped[Slug] = mapped_column(ForeignKey("indications.id"), primary_key=True)
    position: Mapped[int]
