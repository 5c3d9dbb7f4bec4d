"""Tables for keys, audit, stored answers, releases, webhooks and alerts; documents may be deleted and restored."""

import sqlalchemy as sa
from alembic import op

from app.database.engine import UtcDateTime, text

revision: str = "0005"
down_revision: str | None = "0004"
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
CHANGES = ("created", "updated", "refreshed", "deleted", "restored")
ENDS = "until_revision > revision AND change <> 'deleted' OR until_revision = revision AND change = 'deleted'"


APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{verb} BEFORE {verb.upper()} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'constraint: the audit is append-only'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ],
}


def word(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def record_columns(nullable: bool = False) -> list[sa.Column[str]]:
    return [
        sa.Column("record_type", word("record_type", RECORD_TYPES), nullable=nullable),
        sa.Column("record_id", text(None if nullable else 120), nullable=nullable),
    ]


def of_record(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["record_type", "record_id"],
        ["records.type", "records.id"],
        name=op.f(f"fk_{table}_record_type_record_id"),
        ondelete="CASCADE",
    )


AT_ONCE = "revision"
WITH_THE_NEXT = (
    "(SELECT n.revision FROM {0} AS n WHERE n.type = {1}.type AND n.id = {1}.id AND n.version = {1}.version + 1)"
)


def documents(changes: tuple[str, ...], ends: str, tombstones_end: str) -> None:
    """Replace the CHECK constraints of `documents` and set where tombstones end; on SQLite, the table is rebuilt."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("ck_documents_change", "documents")
        op.drop_constraint("ck_documents_ends_later", "documents")
        op.execute("UPDATE documents SET change = 'updated' WHERE change NOT IN ('" + "', '".join(changes) + "')")
        end = tombstones_end.format("documents", "documents")
        op.execute(f"UPDATE documents SET until_revision = {end} WHERE change = 'deleted'")
        op.create_check_constraint(op.f("ck_documents_change"), "documents", sa.column("change").in_(changes))
        op.create_check_constraint(op.f("ck_documents_ends_later"), "documents", ends)
        return
    op.rename_table("documents", "documents_before")
    op.create_table(
        "documents",
        sa.Column("type", word("type", RECORD_TYPES), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change", word("change", changes), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("until_revision", sa.Integer(), nullable=True),
        sa.Column("etag", text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("entered", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(ends, name=op.f("ck_documents_ends_later")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_documents_version")),
        sa.ForeignKeyConstraint(["revision"], ["revisions.revision"], name=op.f("fk_documents_revision")),
        sa.ForeignKeyConstraint(["type", "id"], ["records.type", "records.id"], name=op.f("fk_documents_type_id")),
        sa.ForeignKeyConstraint(["until_revision"], ["revisions.revision"], name=op.f("fk_documents_until_revision")),
        sa.PrimaryKeyConstraint("type", "id", "version", name=op.f("pk_documents")),
    )
    known = "', '".join(changes)
    op.execute(
        "INSERT INTO documents (type, id, version, change, revision, until_revision, etag, body, entered) "
        f"SELECT type, id, version, CASE WHEN change IN ('{known}') THEN change ELSE 'updated' END, revision, "
        f"CASE WHEN change = 'deleted' THEN {tombstones_end.format('documents_before', 'd')} ELSE until_revision END, "
        "etag, body, entered FROM documents_before AS d"
    )
    op.drop_table("documents_before")
    op.create_index("ix_documents_revision", "documents", ["revision", "type", "id"], unique=False)
    op.create_index(
        "uq_documents_current",
        "documents",
        ["type", "id"],
        unique=True,
        sqlite_where=sa.text("until_revision IS NULL"),
    )


def of_records() -> None:
    op.create_table(
        "deletions",
        *record_columns(),
        of_record("deletions"),
        sa.PrimaryKeyConstraint("record_type", "record_id", name=op.f("pk_deletions")),
    )
    op.create_table(
        "alerts",
        *record_columns(),
        sa.Column("publication_id", text(120), nullable=False),
        sa.Column("state", word("state", ("none", "corrected", "expression-of-concern", "retracted")), nullable=False),
        sa.CheckConstraint("state <> 'none'", name=op.f("ck_alerts_raised")),
        of_record("alerts"),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.id"], name=op.f("fk_alerts_publication_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_type", "record_id", "publication_id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_state", "alerts", ["record_type", "state", "record_id"])
    op.create_index("ix_publications_retraction_state", "publications", ["retraction_state", "id"])
    op.create_index("ix_alerts_publication_id", "alerts", ["publication_id", "record_type", "record_id"])


def access() -> None:
    op.create_table(
        "access_keys",
        sa.Column("id", text(), nullable=False, comment="The part of a key that is no secret"),
        sa.Column("name", text(), nullable=False),
        sa.Column("role", word("role", ("reader", "editor", "admin")), nullable=False),
        sa.Column("digest", text(), nullable=False, comment="SHA-256 of the secret, 256 random bits"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_access_keys_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_access_keys_name")),
    )
    op.create_table(
        "given_answers",
        sa.Column("key_id", text(), nullable=False),
        sa.Column("idempotency_key", text(), nullable=False),
        sa.Column("fingerprint", text(), nullable=False, comment="Hash of the request: method, address, content"),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["access_keys.id"], name=op.f("fk_given_answers_key_id")),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name=op.f("pk_given_answers")),
    )
    op.create_index("ix_given_answers_at", "given_answers", ["at"])


def audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", text(), nullable=False),
        sa.Column("address", text(), nullable=True),
        sa.Column("request_id", text(), nullable=True),
        sa.Column("action", text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="HTTP status of the answer"),
        *record_columns(nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("detail", text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_record", "audit", ["record_type", "record_id"])
    op.create_index("ix_audit_at", "audit", ["at"])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def outward() -> None:
    op.create_table(
        "releases",
        sa.Column("name", text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reverts", text(), nullable=True, comment="The release that this one undid"),
        sa.Column("summary", sa.JSON(), nullable=False, comment="How many records were created, updated ..."),
        sa.ForeignKeyConstraint(["revision"], ["revisions.revision"], name=op.f("fk_releases_revision")),
        sa.ForeignKeyConstraint(["reverts"], ["releases.name"], name=op.f("fk_releases_reverts")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_releases")),
        sa.UniqueConstraint("reverts", name=op.f("uq_releases_reverts")),
        sa.UniqueConstraint("revision", name=op.f("uq_releases_revision")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", text(), nullable=False),
        sa.Column("url", text(), nullable=False),
        sa.Column("secret", text(), nullable=False, comment="Signs what is sent, so it has to be kept as it is"),
        sa.Column("types", sa.JSON(), nullable=False, comment="Record types told of; empty: all"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("seen_revision", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="Failed ones since the last that succeeded"),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column(
            "claimed_until", UtcDateTime(), nullable=True, comment="A process is delivering; after this, another may"
        ),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", text(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_webhooks_attempts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )


def upgrade() -> None:
    documents(CHANGES, ENDS, AT_ONCE)
    of_records()
    access()
    audit()
    outward()


def downgrade() -> None:
    """Remove deleted records for good, because the former schema has no deleted records."""
    gone = "FROM deletions WHERE record_type = {0}.type AND record_id = {0}.id"
    op.execute(f"DELETE FROM documents WHERE EXISTS (SELECT 1 {gone.format('documents')})")
    op.execute(f"DELETE FROM records WHERE EXISTS (SELECT 1 {gone.format('records')})")
    op.drop_index("ix_publications_retraction_state", "publications")
    for table in ("webhooks", "releases", "given_answers", "access_keys", "audit", "alerts", "deletions"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")
    documents(CHANGES[:-1], "until_revision > revision", WITH_THE_NEXT)
