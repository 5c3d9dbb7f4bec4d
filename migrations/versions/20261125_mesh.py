"""Tables for the descriptors of NLM's Medical Subject Headings (MeSH)."""

import sqlalchemy as sa
from alembic import op

from app.database.engine import text

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.create_table(
        "mesh_descriptors",
        sa.Column("id", text(), nullable=False),
        sa.Column("heading", text(), nullable=False),
        sa.Column("tree_numbers", sa.JSON(), nullable=False),
        sa.CheckConstraint("id LIKE 'D%'", name=op.f("ck_mesh_descriptors_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mesh_descriptors")),
    )
    op.create_table(
        "mesh_terms",
        sa.Column("descriptor_id", text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("term", text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["descriptor_id"],
            ["mesh_descriptors.id"],
            name=op.f("fk_mesh_terms_descriptor_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("descriptor_id", "position", name=op.f("pk_mesh_terms")),
    )
    op.create_index("ix_mesh_terms_term", "mesh_terms", ["term", "descriptor_id"])


def downgrade() -> None:
    op.drop_table("mesh_terms")
    op.drop_table("mesh_descriptors")
