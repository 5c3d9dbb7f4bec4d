"""What a therapy is for."""

from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.fields import Category, MeshMatch, Name, Prose, Slug, word
from app.records import Record, subtype

if TYPE_CHECKING:
    from app.approvals.models import Approval


class Indication(Record):
    __tablename__ = "indications"
    __mapper_args__ = {"polymorphic_identity": "indications"}
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

    regulatory_status: Mapped[list["Approval"]] = relationship(
        lazy="raise", viewonly=True, order_by="Approval.date, Approval.id"
    )

    @property
    def synonyms(self) -> list[str]:
        return self.named("synonym")

    @property
    def mesh(self) -> dict[str, str | None] | None:
        if self.mesh_id is None:
            return None
        return {"id": self.mesh_id, "heading": self.mesh_heading, "match": self.mesh_match}
