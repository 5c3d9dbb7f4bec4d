"""Tables for all versions of documents, and the revision counter.

Documents are derived from the rows: after this migration of a database that has rows, run `evidence rebuild`.
"""

from datetime import UTC, datetime
from secrets import token_hex

import sqlalchemy as sa
from alembic import op

from app.database.engine import UtcDateTime, text

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None

RECORD_TYPES = (
    "sources",
    "products",
    "indications",
    "publications",
    "studies",
    "mechanisms",
    "safety-notes",
    "approvals",
    "dosing",
    "directions",
)


def record_type(name: str) -> sa.Enum:
    return sa.Enum(*RECORD_TYPES, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "database_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column(
            "epoch", text(), nullable=False, comment="Random; tells this database from another with equal revisions"
        ),
        sa.Column("loaded", text(), nullable=True, comment="Digest of the files last loaded"),
        sa.Column("shapes", text(), nullable=True, comment="Digest of the shapes that the documents were rendered by"),
        sa.CheckConstraint("id = 1", name=op.f("ck_database_state_one_row")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_database_state_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_database_state")),
    )
    op.create_table(
        "revisions",
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("committed_at", UtcDateTime(), nullable=False),
        sa.Column("actor", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_revisions")),
    )
    op.create_table(
        "documents",
        sa.Column("type", record_type("type"), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "change",
            sa.Enum(
                "created",
                "updated",
                "refreshed",
                "deleted",
                name="change",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("until_revision", sa.Integer(), nullable=True),
        sa.Column("etag", text(), nullable=False, comment="Hash of the body"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "entered", sa.LargeBinary(), nullable=True, comment="The record as it was entered; none if refreshed"
        ),
        sa.CheckConstraint("until_revision > revision", name=op.f("ck_documents_ends_later")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_documents_version")),
        sa.ForeignKeyConstraint(["revision"], ["revisions.revision"], name=op.f("fk_documents_revision")),
        sa.ForeignKeyConstraint(["type", "id"], ["records.type", "records.id"], name=op.f("fk_documents_type_id")),
        sa.ForeignKeyConstraint(["until_revision"], ["revisions.revision"], name=op.f("fk_documents_until_revision")),
        sa.PrimaryKeyConstraint("type", "id", "version", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_revision", "documents", ["revision", "type", "id"], unique=False)
    op.create_index(
        "uq_documents_current",
        "documents",
        ["type", "id"],
        unique=True,
        sqlite_where=sa.text("until_revision IS NULL"),
        postgresql_where=sa.text("until_revision IS NULL"),
    )
    state = sa.table(
        "database_state",
        sa.column("id"),
        sa.column("revision"),
        sa.column("changed_at", UtcDateTime()),
        sa.column("epoch"),
    )
    row = {"id": 1, "revision": 0, "changed_at": datetime.now(UTC), "epoch": token_hex(8)}
    op.execute(state.insert().values(row))


def downgrade() -> None:
    op.drop_table("documents")
    op.drop_table("revisions")
    op.drop_table("database_state")
