"""The set id that FDA gives to all versions of a label, and the version that a source is of."""

import sqlalchemy as sa
from alembic import op

from app.database.engine import text

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("set_id", text(), nullable=True))
    op.add_column("sources", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("sources", sa.Column("effective_date", text(10), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM names WHERE record_type = 'sources' AND kind = 'set-id'")
    for name in ("effective_date", "version", "set_id"):
        op.drop_column("sources", name)
