"""Who may change data, what was done by whom, and answers to writes that may be asked for again."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import DDL, JSON, CheckConstraint, ForeignKey, Index, LargeBinary, event
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, table_of
from app.fields import RecordType, word

Role = Literal["reader", "editor", "admin"]
"""Each may do what those before it may: `editor` changes records, `admin` also keys, releases, imports and webhooks."""


class AccessKey(Base):
    __tablename__ = "access_keys"
    __table_args__ = (CheckConstraint("length(digest) = 64", name="digest"),)

    id: Mapped[str] = mapped_column(primary_key=True, comment="The part of a key that is no secret")
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role] = mapped_column(word("role", Role))
    digest: Mapped[str] = mapped_column(comment="SHA-256 of the secret, 256 random bits")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Append-only: triggers refuse every other change."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_record", "record_type", "record_id"), Index("ix_audit_at", "at"))

    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    address: Mapped[str | None]
    request_id: Mapped[str | None]
    action: Mapped[str]
    status: Mapped[int | None] = mapped_column(comment="HTTP status of the answer")
    record_type: Mapped[RecordType | None] = mapped_column(word("record_type", RecordType))
    record_id: Mapped[str | None]
    revision: Mapped[int | None]
    detail: Mapped[str | None]


class GivenAnswer(Base):
    """The answer to a write with an `Idempotency-Key`, given again for a day."""

    __tablename__ = "given_answers"
    __table_args__ = (Index("ix_given_answers_at", "at"),)

    key_id: Mapped[str] = mapped_column(ForeignKey("access_keys.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(comment="Hash of the request: method, address, content")
    at: Mapped[datetime]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[bytes] = mapped_column(LargeBinary)


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
"""What comes with the table, by dialect."""

for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(table_of(AuditEntry), "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
