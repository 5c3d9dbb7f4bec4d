"""Renames fields of conflicts and of import reports, in columns, documents and stored reports.

before                      after
kept, kept_from, offered    current, current_source, proposed    conflicts, in columns and in documents
taken, set_aside, remarks   applied, skipped, warnings           reports and progress of imports

Only these names change in a document: it gets no new version and no entry in the change feed, but a new ETag, because
the ETag is a hash of its bytes.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: None = None
depends_on: None = None

CONFLICT = {"kept": "current", "kept_from": "current_source", "offered": "proposed"}
NULLABLE = frozenset({"kept_from", "current_source"})
REPORT = {"remarks": "warnings"}
UNITS = {"taken": "applied", "set_aside": "skipped"}
PROGRESS = {"taken": "applied"}

DOCUMENTS = sa.table("documents", *map(sa.column, ("type", "id", "version", "etag", "body")))
IMPORTS = sa.table("imports", sa.column("id"), sa.column("progress", sa.JSON), sa.column("report", sa.JSON))
KEY = (DOCUMENTS.c.type, DOCUMENTS.c.id, DOCUMENTS.c.version)


def upgrade() -> None:
    _rename(CONFLICT, REPORT, UNITS, PROGRESS)


def downgrade() -> None:
    _rename(*({new: old for old, new in names.items()} for names in (CONFLICT, REPORT, UNITS, PROGRESS)))


def _rename(
    conflict: Mapping[str, str], report: Mapping[str, str], units: Mapping[str, str], progress: Mapping[str, str]
) -> None:
    _rename_columns(conflict)
    _rename_in_documents(conflict)
    _rename_in_reports(report, units, progress)


def _rename_columns(names: Mapping[str, str]) -> None:
    """Rename columns. Since version 18, PostgreSQL has named NOT NULL constraints, which must be renamed as well."""
    dialect = op.get_bind().dialect
    renames_constraints = dialect.name == "postgresql" and (dialect.server_version_info or ()) >= (18,)
    for old, new in names.items():
        op.execute(f"ALTER TABLE conflicts RENAME COLUMN {old} TO {new}")
        if renames_constraints and old not in NULLABLE:
            op.execute(f"ALTER TABLE conflicts RENAME CONSTRAINT conflicts_{old}_not_null TO conflicts_{new}_not_null")


def _rename_in_documents(names: Mapping[str, str]) -> None:
    """Rename fields in the bytes of documents. This is safe: quotes within JSON strings are escaped, so these bytes are
    always names, and no other object has fields with these names."""
    keys = [(f'"{old}":'.encode(), f'"{new}":'.encode()) for old, new in names.items()]
    this = [column == sa.bindparam(f"its_{column.name}") for column in KEY]
    read = sa.select(DOCUMENTS.c.body).where(*this)
    change = DOCUMENTS.update().where(*this).values(etag=sa.bindparam("new_etag"), body=sa.bindparam("new_body"))
    connection = op.get_bind()
    for row in _documents_with(keys[0][0]):
        its = {f"its_{name}": value for name, value in row.items()}
        body = bytes(connection.execute(read, its).scalar_one())
        for old, new in keys:
            body = body.replace(old, new)
        etag = blake2b(body, digest_size=12).hexdigest()
        connection.execute(change, {**its, "new_etag": etag, "new_body": body})


def _documents_with(sign: bytes) -> Sequence[Mapping[str, Any]]:
    """The keys of all documents that contain some bytes."""
    connection = op.get_bind()
    finds = "instr(body, :sign)" if connection.dialect.name == "sqlite" else "position(:sign IN body)"
    query = sa.text(f"SELECT type, id, version FROM documents WHERE {finds} > 0").bindparams(sign=sign)
    return [dict(row) for row in connection.execute(query).mappings()]


def _rename_in_reports(report: Mapping[str, str], units: Mapping[str, str], progress: Mapping[str, str]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(IMPORTS)).all():
        shown = row.report and {**_renamed(row.report, report), "units": _renamed(row.report["units"], units)}
        told = row.progress and _renamed(row.progress, progress)
        connection.execute(IMPORTS.update().where(IMPORTS.c.id == row.id).values(progress=told, report=shown))


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}
