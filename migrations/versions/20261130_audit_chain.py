"""The audit trail as a chain of hashes that can be pruned, with validated addresses; the table of secrets.

Entries keep their order and are numbered again, without the gaps that failed transactions have left on PostgreSQL.
Texts that are not IP addresses, which any client could have written there, become NULL.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from hashlib import sha256
from ipaddress import ip_address
from secrets import token_hex
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from app.database.engine import UtcDateTime, text

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: None = None
depends_on: None = None

AT_A_TIME = 5000
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

PASSING = "'refused', 'key used', 'test webhook', 'audit lines lost', 'prune audit'"
GAP_END = "(SELECT last FROM audit_gaps WHERE first <= OLD.number ORDER BY first DESC LIMIT 1)"
ABORT = "BEGIN SELECT RAISE(ABORT, 'constraint: the audit is append-only'); END"
RAISE = "RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
REFUSE = "EXECUTE FUNCTION audit_is_append_only()"

TRIGGERS = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {ABORT}",
        "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit "
        f"WHEN NEW.number <= (SELECT max(number) FROM audit) {ABORT}",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.revision IS NOT NULL "
        f"OR OLD.action NOT IN ({PASSING}) OR coalesce({GAP_END} < OLD.number, true) {ABORT}",
        f"CREATE TRIGGER audit_gaps_no_update BEFORE UPDATE ON audit_gaps {ABORT}",
        f"CREATE TRIGGER audit_gaps_no_delete BEFORE DELETE ON audit_gaps {ABORT}",
        "CREATE TRIGGER audit_gaps_fit BEFORE INSERT ON audit_gaps "
        f"WHEN NEW.hash IS NOT (SELECT hash FROM audit WHERE number = NEW.last) {ABORT}",
        f"CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.number <= OLD.number {ABORT}",
        f"CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head {ABORT}",
    ],
    "postgresql": [
        f"CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {RAISE}",
        "CREATE FUNCTION audit_is_pruned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.revision IS NULL AND OLD.action IN ({PASSING}) AND {GAP_END} >= OLD.number "
        f"THEN RETURN OLD; END IF; {RAISE}",
        "CREATE FUNCTION audit_gap_fits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.hash = (SELECT hash FROM audit WHERE number = NEW.last) THEN RETURN NEW; END IF; {RAISE}",
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE OR TRUNCATE ON audit FOR EACH STATEMENT {REFUSE}",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_pruned()",
        "CREATE TRIGGER audit_gaps_no_update BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_gaps "
        f"FOR EACH STATEMENT {REFUSE}",
        "CREATE TRIGGER audit_gaps_fit BEFORE INSERT ON audit_gaps FOR EACH ROW EXECUTE FUNCTION audit_gap_fits()",
        "CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head "
        f"FOR EACH ROW WHEN (NEW.number <= OLD.number) {REFUSE}",
        f"CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT {REFUSE}",
    ],
}
TRIGGERS_BEFORE = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{verb} BEFORE {verb.upper()} ON audit {ABORT}" for verb in ("update", "delete")
    ],
    "postgresql": [
        f"CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {RAISE}",
        f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT {REFUSE}",
    ],
}
FORMER_SEAL = "prune audit before"
"""The action of seals from before a downgrade. The entries that they sealed are unknown and not part of this chain."""

FUNCTIONS = ("audit_is_append_only", "audit_is_pruned", "audit_gap_fits")

COLUMNS = (
    "number",
    "at",
    "actor",
    "address",
    "request_id",
    "action",
    "status",
    "record_type",
    "record_id",
    "revision",
    "detail",
)
Entry = dict[str, Any]


def create_audit(*, chained: bool) -> sa.Table:
    said = "An IP address, or the /64 of several, in canonical spelling" if chained else None
    hash = sa.Column("hash", text(), nullable=False, comment="SHA-256 of the hash before and of this entry")
    checks = [
        sa.CheckConstraint("length(address) <= 39", name=op.f("ck_audit_address")),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_audit_hash")),
    ]
    types = sa.Enum(*RECORD_TYPES, name="record_type", native_enum=False, create_constraint=True, length=40)
    return op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=not chained, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", text(), nullable=False),
        sa.Column("address", text(), nullable=True, comment=said),
        sa.Column("request_id", text(), nullable=True),
        sa.Column("action", text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="HTTP status of the answer"),
        sa.Column("record_type", types, nullable=True),
        sa.Column("record_id", text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("detail", text(), nullable=True),
        *([hash, *checks] if chained else []),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )


def create_others() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_gaps",
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_audit_gaps_order")),
        sa.PrimaryKeyConstraint("first", name=op.f("pk_audit_gaps")),
    )
    secrets = op.create_table(
        "secrets",
        sa.Column("name", text(), nullable=False),
        sa.Column("value", text(), nullable=False),
        sa.CheckConstraint("length(value) = 64", name=op.f("ck_secrets_value")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.execute(secrets.insert().values(name="public actors", value=token_hex(32)))


def run(statements: Mapping[str, list[str]]) -> None:
    for statement in statements[op.get_bind().dialect.name]:
        op.execute(statement)


def put_aside() -> sa.TableClause:
    """Copy the table's rows into another table and drop it, because the names of indexes and triggers are unique."""
    op.execute("CREATE TABLE audit_before AS SELECT * FROM audit")
    op.create_index("ix_audit_before_number", "audit_before", ["number"])
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        for name in FUNCTIONS:
            op.execute(f"DROP FUNCTION IF EXISTS {name}()")
    return sa.table("audit_before", *[sa.column(name, UtcDateTime() if name == "at" else None) for name in COLUMNS])


def before(table: sa.TableClause) -> Iterator[list[Entry]]:
    """The rows of the former table in batches, ordered by their number."""
    number = -1
    rows: list[Entry] = [{}]
    while rows:
        query = sa.select(table).where(table.c.number > number).order_by(table.c.number).limit(AT_A_TIME)
        rows = [dict(row) for row in op.get_bind().execute(query).mappings()]
        if rows:
            number = rows[-1]["number"]
            yield rows


def replace(table: sa.TableClause, audit: sa.Table, entry_of: Callable[[Entry], Entry]) -> None:
    for rows in before(table):
        op.bulk_insert(audit, [entry_of(row) for row in rows])
    op.drop_table("audit_before")
    op.create_index("ix_audit_record", "audit", ["record_type", "record_id"])
    op.create_index("ix_audit_at", "audit", ["at"])


def address_of(text: str | None) -> str | None:
    try:
        address = ip_address((text or "")[:100].partition("%")[0])
    except ValueError:
        return None
    return str((address.ipv4_mapped if address.version == 6 else None) or address)


class Chain:
    """Numbers entries from 1 and computes the hash of each from the one before it."""

    def __init__(self) -> None:
        self.number, self.hash = 0, "0" * 64

    def entry_of(self, row: Entry) -> Entry:
        self.number += 1
        action = FORMER_SEAL if row["action"] == "prune audit" else row["action"]
        entry = row | {"number": self.number, "address": address_of(row["address"]), "action": action}
        at = f"{entry['at'].astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        content = orjson.dumps([at if name == "at" else entry[name] for name in COLUMNS], default=repr)
        self.hash = sha256(b"%b\n%b" % (self.hash.encode(), content)).hexdigest()
        return entry | {"hash": self.hash}


def upgrade() -> None:
    chain, table = Chain(), put_aside()
    replace(table, create_audit(chained=True), chain.entry_of)
    create_others()
    head = sa.table("audit_head", sa.column("id"), sa.column("number"), sa.column("hash"))
    op.execute(head.insert().values(id=1, number=chain.number, hash=chain.hash))
    run(TRIGGERS)


def downgrade() -> None:
    """Keep all entries, including the seals of prunings; entries that were pruned are lost."""
    for name in ("audit_gaps", "audit_head", "secrets"):
        op.drop_table(name)
    table = put_aside()
    replace(table, create_audit(chained=False), dict)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval('audit_number_seq', max(number)) FROM audit HAVING max(number) > 0")
    run(TRIGGERS_BEFORE)
