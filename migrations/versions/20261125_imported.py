"""Tables for the contributions of imports and for conflicts; titles as names of publications without identifiers."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.database.engine import text
from app.records.base_models import fold
from app.records.publications.title_key import title_key

revision: str = "0007"
down_revision: str | None = "0006"
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
SOME = 2000


def record_columns(table: str) -> list[Any]:
    word = sa.Enum(*RECORD_TYPES, name="record_type", native_enum=False, create_constraint=True, length=40)
    owner = sa.ForeignKeyConstraint(
        ["record_type", "record_id"],
        ["records.type", "records.id"],
        name=op.f(f"fk_{table}_record_type_record_id"),
        ondelete="CASCADE",
    )
    since = sa.ForeignKeyConstraint(["revision"], ["revisions.revision"], name=op.f(f"fk_{table}_revision"))
    columns = [sa.Column("record_type", word, nullable=False), sa.Column("record_id", text(120), nullable=False)]
    return [*columns, owner, since]


def imported() -> None:
    op.create_table(
        "imported",
        *record_columns("imported"),
        sa.Column("source_id", text(120), nullable=False),
        sa.Column(
            "part",
            text(),
            nullable=False,
            comment="Empty, or which record's offer it is that this one was added to",
        ),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", text(), nullable=False),
        sa.Column(
            "digest", text(), nullable=False, comment="Hash of what was offered; empty: the publisher has withdrawn it"
        ),
        sa.Column(
            "offered",
            sa.LargeBinary(),
            nullable=True,
            comment="JSON; none where it is what was entered in that revision",
        ),
        sa.Column("theirs", sa.JSON(), nullable=True, comment="Fields that people had said the same of before"),
        sa.Column(
            "undone", sa.Boolean(), server_default=sa.false(), nullable=False, comment="Its release was reverted"
        ),
        sa.PrimaryKeyConstraint("record_type", "record_id", "source_id", "part", "revision", name=op.f("pk_imported")),
    )
    op.create_index("ix_imported_revision", "imported", ["revision"])


def conflicts() -> None:
    op.create_table(
        "conflicts",
        *record_columns("conflicts"),
        sa.Column("field", text(), nullable=False),
        sa.Column("source_id", text(120), nullable=False, comment="Who offers the other value"),
        sa.Column(
            "kept", sa.LargeBinary(), nullable=False, comment="JSON of the record's own value; a long one is cut"
        ),
        sa.Column("kept_from", text(), nullable=True, comment="The source of the record's value; none: people"),
        sa.Column("offered", sa.LargeBinary(), nullable=False, comment="JSON of the other value; a long one is cut"),
        sa.Column("rule", text(), nullable=False, comment="Which rule chose"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="Since when it is so"),
        sa.CheckConstraint("length(field) > 0", name=op.f("ck_conflicts_field")),
        sa.PrimaryKeyConstraint("record_type", "record_id", "field", "source_id", name=op.f("pk_conflicts")),
    )
    op.create_index("ix_conflicts_rule", "conflicts", ["rule", "record_type", "record_id"])
    op.create_index("ix_conflicts_source_id", "conflicts", ["source_id", "record_type", "record_id"])


NAMES = sa.table(
    "names",
    *(sa.column(name) for name in ("record_type", "record_id", "position", "kind", "name", "key", "exclusive")),
)


def title_names() -> Iterator[dict[str, Any]]:
    """The names that publications would get for their titles if they were entered again, after their other names."""
    query = (
        "SELECT p.id, p.title, p.year, (SELECT max(position) FROM names AS n "
        "WHERE n.record_type = 'publications' AND n.record_id = p.id) AS last FROM publications AS p "
        "WHERE p.title_kind IS NULL OR p.title_kind = 'printed'"
    )
    for id, title, year, last in op.get_bind().execute(sa.text(query)):
        key = title_key(title, year)
        if key:
            owner = {"record_type": "publications", "record_id": id, "position": last + 1}
            yield {**owner, "kind": "title-key", "name": key, "key": fold("publications", key), "exclusive": False}


def upgrade() -> None:
    imported()
    conflicts()
    rows = list(title_names())
    for start in range(0, len(rows), SOME):
        op.bulk_insert(NAMES, rows[start : start + SOME])


def downgrade() -> None:
    op.execute("DELETE FROM names WHERE kind = 'title-key'")
    op.drop_table("conflicts")
    op.drop_table("imported")
