"""The table of indications."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import subtype
from app.records.fields import Name, Prose, Slug, word
from app.records.vocabularies import Category, MeshMatch


class Indication(Base):
    """A condition or use that a therapy is for."""

    __tablename__ = "indications"
    __table_args__ = (
        *subtype("indications"),
        CheckConstraint(
            "(mesh_id IS NULL) = (mesh_heading IS NULL) AND (mesh_id IS NULL) = (mesh_match IS NULL)",
            name="mesh_whole",
        ),
        Index("ix_indications_name", "name", "id"),
    )

    type: Mapped[str] = mapped_column(default="indications")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    name: Mapped[Name]
    category: Mapped[Category | None] = mapped_column(word("category", Category))
    description: Mapped[Prose | None]
    mesh_id: Mapped[str | None]
    mesh_heading: Mapped[Name | None]
    mesh_match: Mapped[MeshMatch | None] = mapped_column(word("mesh_match", MeshMatch))
