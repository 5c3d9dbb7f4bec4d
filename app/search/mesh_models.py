"""Tables of the descriptors of NLM's Medical Subject Headings (MeSH), which name conditions in the literature."""

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base


class MeshDescriptor(Base):
    """A MeSH descriptor; its id is the unique ID that NLM gives it, such as D003881."""

    __tablename__ = "mesh_descriptors"
    __table_args__ = (CheckConstraint("id LIKE 'D%'", name="id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    heading: Mapped[str]
    tree_numbers: Mapped[list[str]] = mapped_column(JSON, default=list)


class MeshTerm(Base):
    """An entry term of a descriptor, which is a synonym of its heading."""

    __tablename__ = "mesh_terms"
    __table_args__ = (Index("ix_mesh_terms_term", "term", "descriptor_id"),)

    descriptor_id: Mapped[str] = mapped_column(ForeignKey("mesh_descriptors.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    term: Mapped[str]
