"""The table of imports that were requested over HTTP."""

import sqlalchemy as sa
from alembic import op

from app.database.engine import UtcDateTime, text

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: None = None
depends_on: None = None

STATES = ("queued", "fetching", "reading", "writing", "done", "failed", "interrupted", "cancelled")


def word(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", text(), nullable=False, comment="Sorts by the moment in which it was asked for"),
        sa.Column(
            "place",
            text(),
            nullable=False,
            comment="The folder that keeps what it needs: who shares it may judge it",
        ),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="Who goes on from an older one may not end it"),
        sa.Column("state", word("state", STATES), nullable=False),
        sa.Column("format", text(), nullable=False),
        sa.Column("query", text(), nullable=True),
        sa.Column("since", text(), nullable=True),
        sa.Column("on_error", word("on_error", ("stop", "skip")), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("name", text(), nullable=True, comment="Of its release; nothing: made from the format and the day"),
        sa.Column("reason", text(), nullable=True),
        sa.Column("upload_bytes", sa.BigInteger(), nullable=True),
        sa.Column("upload_sha256", text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("progress", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("release", text(), nullable=True, comment="Nothing where nothing was changed"),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_imports_attempt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_place", "imports", ["place", "state"])


def downgrade() -> None:
    op.drop_table("imports")
