"""Reading and writing the rows of many records at a time, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    false,
    or_,
    select,
)

from app.database import prepared
from app.database.engine import table_of
from app.records.base_models import Absence, Alert, Deletion, Provenance, Record, RecordName
from app.records.link_tables import Part
from app.records.resource import Resource, Row, Rows
from app.records.vocabularies import RecordType
from app.store.bulk_insert import insert
from app.store.import_models import Conflict

BATCH = 500
"""Records, or keys, that one statement handles."""

SHARED = (Part(Provenance, "record_id"), Part(RecordName, "record_id"), Part(Absence, "record_id"))
"""Parts that every record type has; their rows also say which type they belong to."""

DERIVED = (Part(Alert, "record_id"), Part(Conflict, "record_id"))
"""Parts that every record type has and that are derived, never entered."""


T = TypeVar("T")


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _order(table: Table) -> list[Any]:
    return [table.c["position"]] if "position" in table.c else list(table.primary_key)


def type_condition(table: Table, type: str) -> list[ColumnElement[bool]]:
    """The condition that rows belong to records of a type; none for a table that only one type has."""
    return [table.c["record_type"] == type] if "record_type" in table.c else []


def owner_conditions(part: Part, type: str) -> list[ColumnElement[bool]]:
    """The conditions that a part's rows belong to records of a type whose ids are the statement's parameter `ids`."""
    return [part.table.c[part.owner].in_(bindparam("ids", expanding=True)), *type_condition(part.table, type)]


@cache
def _rows_of(part: Part, type: str) -> Select[Any]:
    """The statement that reads a part's rows. Building it costs more than running it, so it is built once."""
    return select(part.table).where(*owner_conditions(part, type)).order_by(*_order(part.table))


def _read(connection: Connection, part: Part, type: str, ids: Sequence[str]) -> Iterator[tuple[str, Row]]:
    for row in prepared.mappings(connection, _rows_of(part, type), {"ids": list(ids)}):
        yield row[part.owner], row


def _read_all(connection: Connection, type: str, parts: Sequence[Part], ids: Sequence[str]) -> dict[str, Rows]:
    tables = [part.table.name for part in parts]
    found: dict[str, Rows] = {id: {name: [] for name in tables} for id in ids}
    for part in parts if ids else ():
        for owner, row in _read(connection, part, type, ids):
            found[owner][part.table.name].append(row)
    return found


def read(connection: Connection, type: str, parts: Sequence[Part], ids: Sequence[str]) -> dict[str, Rows]:
    """The rows of some records of a type, by id and table. The first part is the main one; a record that has no row
    in it does not exist and is left out.
    """
    main = parts[0].table.name
    return {id: rows for id, rows in _read_all(connection, type, parts, ids).items() if rows[main]}


def with_derived_rows(connection: Connection, resource: Resource, written: Mapping[str, Rows]) -> dict[str, Rows]:
    """Rows that were just written, by id, completed by the rows that are derived or belong to other records."""
    main = (resource.main,) if resource.derive else ()
    derived = _read_all(connection, resource.type, (*main, *DERIVED, *resource.views), list(written))
    return {id: rows | derived[id] for id, rows in written.items()}


_SHARED_ROWS = select(table_of(Record)).where(
    Record.type == bindparam("of"), Record.id.in_(bindparam("ids", expanding=True))
)


def read_shared(connection: Connection, type: str, ids: Sequence[str]) -> dict[str, Row]:
    """The rows of some records of a type in `records`, by id."""
    rows = prepared.mappings(connection, _SHARED_ROWS, {"of": type, "ids": list(ids)}) if ids else []
    return {row["id"]: row for row in rows}


def own_parts(resource: Resource) -> tuple[Part, ...]:
    """The tables that a record of the type is entered into, without its main one."""
    return (*resource.parts, *SHARED)


@cache
def main_tables(*resources: Resource) -> tuple[Table, ...]:
    """The supertype's and the types' main tables, in the order in which rows can be inserted."""
    return (table_of(Record), *(resource.main.table for resource in resources))


@cache
def part_tables(*resources: Resource) -> tuple[Table, ...]:
    """The tables of the types' own parts, each once."""
    return tuple(dict.fromkeys(part.table for resource in resources for part in own_parts(resource)))


def all_parts(resource: Resource) -> tuple[Part, ...]:
    """All parts that a record's document is rendered from, the main one first."""
    return (resource.main, *own_parts(resource), *DERIVED, *resource.views)


def _collect(batch: Iterable[Rows], table: Table) -> list[Row]:
    return [row for rows in batch for row in rows.get(table.name, ())]


@cache
def _updating(table: Table, names: frozenset[str]) -> Update:
    keys = [column.name for column in table.primary_key]
    condition = [table.c[key] == bindparam(f"key_{key}") for key in keys]
    return table.update().where(*condition).values({name: bindparam(name) for name in names.difference(keys)})


def _update(connection: Connection, table: Table, rows: list[Row]) -> None:
    if rows:
        keys = [column.name for column in table.primary_key]
        values = [{f"key_{name}" if name in keys else name: value for name, value in row.items()} for row in rows]
        prepared.execute(connection, _updating(table, frozenset(rows[0])), *values)


def insert_main(connection: Connection, resource: Resource, new: list[Rows], restored: list[Rows]) -> None:
    """Insert the supertype's and the main rows of records of one type. Records that they refer to must be there.

    A restored record still has its row in the supertype's table, which is updated.
    """
    record, main = table_of(Record), resource.main.table
    insert(connection, record, _collect(new, record))
    _update(connection, record, _collect(restored, record))
    insert(connection, main, _collect([*new, *restored], main))


def update_main(connection: Connection, resource: Resource, changed: list[Rows]) -> None:
    """Update those of the supertype's and the main rows that are given of some records of one type."""
    for table in main_tables(resource):
        _update(connection, table, _collect(changed, table))


def delete_main(connection: Connection, resource: Resource, ids: list[str]) -> None:
    """Delete the derived and main rows of some records, whose own parts were cleared before.

    The supertype's row stays, so that the id is never given to another record.
    """
    for part in (*DERIVED, resource.main):
        _clear(connection, part, resource.type, ids)


def clear_parts(connection: Connection, resource: Resource, tables: Mapping[str, Container[str]]) -> None:
    """Delete the rows of some records' own parts, in the reverse of the order in which they are inserted.

    `tables` has the names of the tables to clear for each record's id.
    """
    for part in reversed(own_parts(resource)):
        _clear(connection, part, resource.type, [id for id, names in tables.items() if part.table.name in names])


def clear_all_parts(connection: Connection, resource: Resource, ids: Iterable[str]) -> None:
    """Delete the rows of some records' own parts in all tables."""
    names = {part.table.name for part in own_parts(resource)}
    clear_parts(connection, resource, dict.fromkeys(ids, names))


def insert_parts(connection: Connection, resource: Resource, records: Iterable[Rows]) -> None:
    """Insert the rows of some records' own parts. The main rows must be there."""
    records = list(records)
    for part in own_parts(resource):
        insert(connection, part.table, _collect(records, part.table))


@cache
def _clearing(part: Part, type: str) -> Delete:
    return delete(part.table).where(*owner_conditions(part, type))


def _clear(connection: Connection, part: Part, type: str, ids: list[str]) -> None:
    for some in batches(ids):
        prepared.execute(connection, _clearing(part, type), {"ids": some})


def among(type: Any, key: Any, wanted: Iterable[tuple[str, str]]) -> ColumnElement[bool]:
    """The condition that a row has one of the `wanted` pairs `(type, key)`.

    It is written as one `IN` for each type: with row values in a list, SQLite would scan whole tables.
    """
    keys: dict[str, list[str]] = defaultdict(list)
    for of, name in wanted:
        keys[of].append(name)
    return or_(false(), *(and_(type == of, key.in_(names)) for of, names in keys.items()))


def ids_by_type(wanted: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Ids or other keys by their type, as the values of the parameters of `among_types`."""
    keys: dict[str, list[str]] = defaultdict(list)
    for of, name in sorted(wanted):
        keys[of].append(name)
    return keys


def among_types(type: Any, key: Any, types: Sequence[str]) -> ColumnElement[bool]:
    """The same condition as `among` for a prepared statement, with a list of values as the parameter of each type."""
    conditions = (and_(type == of, key.in_(bindparam(of, expanding=True))) for of in types)
    return or_(false(), *conditions)


IS_DELETED = exists().where(Deletion.record_type == Record.type, Deletion.record_id == Record.id)
"""The condition that a row of `records` is of a deleted record."""


def known(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The records among `keys` that exist, each with the digest that it is stored under."""
    found: dict[tuple[str, str], str] = {}
    for some in batches(keys):
        ids = ids_by_type(some)
        found |= {(type, id): digest for type, id, digest in prepared.rows(connection, _known(tuple(ids)), ids)}
    return found


@cache
def _known(types: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(Record.type, Record.id, Record.digest)
    return query.where(among_types(Record.type, Record.id, types), ~IS_DELETED)


def deleted(connection: Connection, keys: Iterable[tuple[RecordType, str]]) -> set[tuple[RecordType, str]]:
    """The records among `keys` that were deleted."""
    found: set[tuple[RecordType, str]] = set()
    for some in batches(keys):
        ids = ids_by_type(some)
        found.update((row[0], row[1]) for row in prepared.rows(connection, _deleted(tuple(ids)), ids))
    return found


@cache
def _deleted(types: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    of = (Deletion.record_type, Deletion.record_id)
    query: Select[*tuple[Any, ...]] = select(*of)
    return query.where(among_types(*of, types))
