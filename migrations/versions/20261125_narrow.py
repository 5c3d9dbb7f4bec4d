"""A study's year beside each of its products and indications: one index then lists these studies, the newest first."""

import sqlalchemy as sa
from alembic import op

from app.db import text

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: None = None
depends_on: None = None

LINKS = {"study_products": ("product_id", "products"), "study_indications": ("indication_id", "indications")}


def table(name: str, column: str, of: str, *more: sa.Column[int]) -> None:
    op.create_table(
        name,
        sa.Column("study_id", text(120), nullable=False),
        sa.Column(column, text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *more,
        sa.ForeignKeyConstraint([column], [f"{of}.id"], name=op.f(f"fk_{name}_{column}")),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f(f"fk_{name}_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", column, name=op.f(f"pk_{name}")),
    )


def anew(name: str, column: str, of: str, *more: sa.Column[int]) -> None:
    """SQLite adds and drops columns, but then no longer tells the table as the models do."""
    op.rename_table(name, f"{name}_before")
    table(name, column, of, *more)
    op.execute(
        f"INSERT INTO {name} (study_id, {column}, position) SELECT study_id, {column}, position FROM {name}_before"
    )
    op.drop_table(f"{name}_before")
    op.create_index(f"ix_{name}_{column}", name, [column, "study_id"], unique=False)


def upgrade() -> None:
    for name, (column, of) in LINKS.items():
        year = sa.Column("year", sa.Integer(), nullable=True)
        if op.get_bind().dialect.name == "sqlite":
            anew(name, column, of, year)
        else:
            op.add_column(name, year)
        op.execute(f"UPDATE {name} SET year = (SELECT year FROM studies WHERE studies.id = {name}.study_id)")
        op.create_index(f"ix_{name}_year_desc", name, [column, sa.text("year DESC"), "study_id"])


def downgrade() -> None:
    for name, (column, of) in LINKS.items():
        op.drop_index(f"ix_{name}_year_desc", name)
        if op.get_bind().dialect.name == "sqlite":
            anew(name, column, of)
        else:
            op.drop_column(name, "year")
