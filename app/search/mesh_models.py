"""Descriptors of NLM's Medical Subject Headings: the names that a condition goes by in the literature."""

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base


class MeshDescriptor(Base):
    __tablename__ = "mesh_descriptors"
    __table_args__ = (CheckConstraint("id LIKE 'D%'", name="id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    heading: Mapped[str]
    tree_numbers: Mapped[list[str]] = mapped_column(JSON, default=list)


class MeshTerm(Base):
    __tablename__ = "mesh_terms"
    __table_args__ = (Index("ix_mesh_terms_term", "term", "descriptor_id"),)

    descriptor_id: Mapped[str] = mapped_column(ForeignKey("mesh_descriptors.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    term: Mapped[str]
