"""What migrations need beyond Alembic: other CHECKs on a table that is in use, and another record type.

SQLite cannot change a constraint, and to make a table anew would take it from under the tables that refer to it, and
their rows with it. Its definition is replaced where it is stored instead, as SQLite's documentation describes for
constraints (sqlite.org/lang_altertable.html, section 7).
"""

import re
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from alembic import op

RECORD_TYPE_COLUMNS = {
    "records": "type",
    "documents": "type",
    "absences": "record_type",
    "names": "record_type",
    "provenance": "record_type",
    "deletions": "record_type",
    "alerts": "record_type",
    "imported": "record_type",
    "conflicts": "record_type",
    "audit": "record_type",
}
"""Every table that says of which type a record is, and the column in which; a CHECK named after it has the types."""


def replace_checks(table: str, old: Collection[str], new: Mapping[str, str]) -> None:
    """Drop the CHECKs of these names from a table and add others; names are without their prefix `ck_TABLE_`."""
    if op.get_bind().dialect.name == "postgresql":
        for name in old:
            op.drop_constraint(f"ck_{table}_{name}", table)
        for name, condition in new.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
        return
    query = sa.text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :name")
    first, *body, last = str(op.get_bind().scalar(query, {"name": table})).split("\n")
    dropped = tuple(f"CONSTRAINT ck_{table}_{name} " for name in old)
    lines = [line.strip().rstrip(",") for line in body if not line.strip().startswith(dropped)]
    lines += [f"CONSTRAINT ck_{table}_{name} CHECK ({condition})" for name, condition in new.items()]
    _redefine(table, "\n".join([first, ", \n".join(f"\t{line}" for line in lines), last]))


def _redefine(table: str, definition: str) -> None:
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    stored = sa.text("UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :name")
    connection.execute(stored, {"sql": definition, "name": table})
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def record_types(connection: sa.Connection) -> tuple[str, ...]:
    """Return the record types that a database allows, as its CHECK on `records` has them."""
    return _types_of(connection, "records", "type")


def add_record_type(name: str) -> None:
    """Allow records of one more type, in every table that says of which type a record is."""
    for table, column in RECORD_TYPE_COLUMNS.items():
        before = _types_of(op.get_bind(), table, column)
        if name not in before:
            replace_checks(table, [column], {column: _one_of(column, [*before, name])})


def remove_record_type(name: str) -> None:
    """Delete all records of a type with their history, and allow none any more.

    The audit keeps its entries, which nothing may change, and therefore the type in its CHECK. The migration drops the
    type's own tables before it calls this.
    """
    tables = {table: column for table, column in RECORD_TYPE_COLUMNS.items() if table != "audit"}
    for table, column in reversed(tables.items()):  # records last: the others refer to them
        op.execute(sa.table(table, sa.column(column)).delete().where(sa.column(column) == name))
    for table, column in tables.items():
        rest = [each for each in _types_of(op.get_bind(), table, column) if each != name]
        replace_checks(table, [column], {column: _one_of(column, rest)})


def _types_of(connection: sa.Connection, table: str, column: str) -> tuple[str, ...]:
    checks = sa.inspect(connection).get_check_constraints(table)
    condition = next(check["sqltext"] for check in checks if check["name"] == f"ck_{table}_{column}")
    return tuple(re.findall(r"'([^']*)'", condition))


def _one_of(column: str, words: Sequence[str]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"
