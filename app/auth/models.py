"""Tables of keys, of the audit with the triggers that keep it append-only, of secrets, and of idempotent answers."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import DDL, JSON, CheckConstraint, ForeignKey, Index, LargeBinary, event
from sqlalchemy.orm import Mapped, mapped_column

from app.common.ip_addresses import LONGEST_ADDRESS
from app.database.engine import Base, table_of
from app.records.fields import word
from app.records.vocabularies import RecordType

Role = Literal["reader", "editor", "admin"]
"""Each role includes those before it. `editor` changes records; `admin` also keys, releases, imports and webhooks."""


class AccessKey(Base):
    """A key, with the hash of its secret."""

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
    """An entry of the audit, chained to the one before it. Triggers refuse every change but appending and pruning."""

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint(f"length(address) <= {LONGEST_ADDRESS}", name="address"),
        CheckConstraint("length(hash) = 64", name="hash"),
        Index("ix_audit_record", "record_type", "record_id"),
        Index("ix_audit_at", "at"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    address: Mapped[str | None] = mapped_column(comment="An IP address, or the /64 of several, in canonical spelling")
    request_id: Mapped[str | None]
    action: Mapped[str]
    status: Mapped[int | None] = mapped_column(comment="HTTP status of the answer")
    record_type: Mapped[RecordType | None] = mapped_column(word("record_type", RecordType))
    record_id: Mapped[str | None]
    revision: Mapped[int | None]
    detail: Mapped[str | None]
    hash: Mapped[str] = mapped_column(comment="SHA-256 of the hash before and of this entry")


class AuditHead(Base):
    """The newest entry's number and hash. Its one row is locked by each transaction that appends."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[str]


class AuditGap(Base):
    """A run of entries that were pruned, and the hash of the last of them, to which the next entry is chained."""

    __tablename__ = "audit_gaps"
    __table_args__ = (CheckConstraint("first <= last", name="order"),)

    first: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
    hash: Mapped[str]


class Secret(Base):
    """A random value of 256 bits that this database alone has, by its purpose. Migrations create them."""

    __tablename__ = "secrets"
    __table_args__ = (CheckConstraint("length(value) = 64", name="value"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class GivenAnswer(Base):
    """The answer to a write with an `Idempotency-Key`, which is repeated for a day if the request is."""

    __tablename__ = "given_answers"
    __table_args__ = (Index("ix_given_answers_at", "at"),)

    key_id: Mapped[str] = mapped_column(ForeignKey("access_keys.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(comment="Hash of the request: method, address, content")
    at: Mapped[datetime]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[bytes] = mapped_column(LargeBinary)


PASSING = ("refused", "key used", "test webhook", "audit lines lost", "prune audit")
"""Actions that change nothing. Only entries of these without a revision may be pruned."""

_PASSING = ", ".join(f"'{action}'" for action in PASSING)
_GAP_END = "(SELECT last FROM audit_gaps WHERE first <= OLD.number ORDER BY first DESC LIMIT 1)"
_ABORT = "BEGIN SELECT RAISE(ABORT, 'constraint: the audit is append-only'); END"
_RAISE = "RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
_REFUSE = "EXECUTE FUNCTION audit_is_append_only()"

APPEND_ONLY: dict[type[Base], dict[str, list[str]]] = {
    AuditEntry: {
        "sqlite": [
            f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_ABORT}",
            # INSERT OR REPLACE deletes rows without firing the trigger on deletions
            "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit "
            f"WHEN NEW.number <= (SELECT max(number) FROM audit) {_ABORT}",
            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.revision IS NOT NULL "
            f"OR OLD.action NOT IN ({_PASSING}) OR coalesce({_GAP_END} < OLD.number, true) {_ABORT}",
        ],
        "postgresql": [
            f"CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_RAISE}",
            "CREATE FUNCTION audit_is_pruned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF OLD.revision IS NULL AND OLD.action IN ({_PASSING}) AND {_GAP_END} >= OLD.number "
            f"THEN RETURN OLD; END IF; {_RAISE}",
            f"CREATE TRIGGER audit_no_update BEFORE UPDATE OR TRUNCATE ON audit FOR EACH STATEMENT {_REFUSE}",
            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_pruned()",
        ],
    },
    AuditGap: {
        "sqlite": [
            f"CREATE TRIGGER audit_gaps_no_update BEFORE UPDATE ON audit_gaps {_ABORT}",
            f"CREATE TRIGGER audit_gaps_no_delete BEFORE DELETE ON audit_gaps {_ABORT}",
            "CREATE TRIGGER audit_gaps_fit BEFORE INSERT ON audit_gaps "
            f"WHEN NEW.hash IS NOT (SELECT hash FROM audit WHERE number = NEW.last) {_ABORT}",
        ],
        "postgresql": [
            "CREATE FUNCTION audit_gap_fits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.hash = (SELECT hash FROM audit WHERE number = NEW.last) THEN RETURN NEW; END IF; {_RAISE}",
            "CREATE TRIGGER audit_gaps_no_update BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_gaps "
            f"FOR EACH STATEMENT {_REFUSE}",
            "CREATE TRIGGER audit_gaps_fit BEFORE INSERT ON audit_gaps FOR EACH ROW EXECUTE FUNCTION audit_gap_fits()",
        ],
    },
    AuditHead: {
        "sqlite": [
            f"CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.number <= OLD.number {_ABORT}",
            f"CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head {_ABORT}",
        ],
        "postgresql": [
            "CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head "
            f"FOR EACH ROW WHEN (NEW.number <= OLD.number) {_REFUSE}",
            f"CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT {_REFUSE}",
        ],
    },
}
"""Each table's triggers by dialect. An entry can be deleted only if it changed nothing and a gap covers it already."""

for _model, _dialects in APPEND_ONLY.items():
    if _model is not AuditEntry:
        table_of(_model).add_is_dependent_on(
            table_of(AuditEntry)
        )  # its triggers call functions that are created with that table
    for _dialect, _statements in _dialects.items():
        for _statement in _statements:
            event.listen(table_of(_model), "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
