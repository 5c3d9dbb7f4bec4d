"""Tables of mechanisms: how a therapy works."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Line, Name, Prose, Slug, word
from app.records.link_tables import link_table
from app.records.vocabularies import Serotype


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


MECHANISM_PRODUCTS = link_table("mechanism_products", mechanism_id="mechanisms", product_id="products")
MECHANISM_STUDIES = link_table("mechanism_studies", mechanism_id="mechanisms", study_id="studies")
MECHANISM_INDICATIONS = link_table("mechanism_indications", mechanism_id="mechanisms", indication_id="indications")
