"""Fields of publications from PubMed: dates, languages, MeSH headings, group authors, notices and further names."""

import sqlalchemy as sa
from alembic import op

from app.database.engine import text

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: None = None
depends_on: None = None

TEXTS = {
    "pmcid": None,
    "vernacular_title": 600,
    "journal_abbreviation": 300,
    "issn": None,
    "date": 10,
    "epub_date": 10,
}
LISTS = ("collective_authors", "keywords", "abstract_sections", "notices")
DATES = ("date", "epub_date")


def part(name: str, *columns: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("publication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
            name=op.f(f"fk_{name}_publication_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("publication_id", "position", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    for name, length in TEXTS.items():
        op.add_column("publications", sa.Column(name, text(length), nullable=True))
    for name in LISTS:
        op.add_column("publications", sa.Column(name, sa.JSON(), server_default="[]", nullable=False))
    for name in DATES:
        op.create_index(f"ix_publications_{name}", "publications", [name, "id"])
    part(
        "publication_languages",
        sa.Column("code", text(), nullable=False, comment="ISO 639-2, as NLM uses it"),
    )
    op.create_index("ix_publication_languages_code", "publication_languages", ["code", "publication_id"])
    part(
        "publication_mesh",
        sa.Column("mesh_id", text(), nullable=True),
        sa.Column("heading", text(300), nullable=False),
        sa.Column("major", sa.Boolean(), nullable=False),
        sa.Column("qualifiers", sa.JSON(), nullable=False),
    )
    op.create_index("ix_publication_mesh_mesh_id", "publication_mesh", ["mesh_id", "publication_id"])
    op.create_index("ix_publication_mesh_heading", "publication_mesh", ["heading", "publication_id"])


def downgrade() -> None:
    """Remove PMCIDs and registry ids from the names of publications: the former schema only knows PMIDs and DOIs."""
    op.execute("DELETE FROM names WHERE record_type = 'publications' AND kind IN ('pmcid', 'registry-id')")
    op.drop_table("publication_mesh")
    op.drop_table("publication_languages")
    for name in DATES:
        op.drop_index(f"ix_publications_{name}", "publications")
    for name in (*LISTS, *TEXTS):
        op.drop_column("publications", name)
