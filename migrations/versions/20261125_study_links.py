"""The year of a study in its links to indications and products, so that one index filters and sorts lists."""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: None = None
depends_on: None = None

LINKS = {"study_indications": "indication_id", "study_products": "product_id"}


def upgrade() -> None:
    studies = sa.table("studies", sa.column("id"), sa.column("year"))
    for name, linked in LINKS.items():
        op.add_column(name, sa.Column("year", sa.Integer(), nullable=True, comment="Derived: the study's"))
        table = sa.table(name, sa.column("study_id"), sa.column("year"))
        year = sa.select(studies.c.year).where(studies.c.id == table.c.study_id).scalar_subquery()
        op.execute(table.update().values(year=year))
        op.create_index(f"ix_{name}_year_desc", name, [linked, sa.text("year DESC"), "study_id"])


def downgrade() -> None:
    for name in LINKS:
        op.drop_index(f"ix_{name}_year_desc", table_name=name)
        op.drop_column(name, "year")
