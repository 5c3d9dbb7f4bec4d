"""Bulk insert of new rows by the drivers' fast paths: `executemany` on SQLite and `COPY` on PostgreSQL.

A long transaction also keeps the planner's statistics right while it inserts (`AnalyzeAfterBulk`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import JSON, Boolean, Connection, Dialect, Enum, Integer, LargeBinary, String, Table
from sqlalchemy.types import TypeEngine

from app.database.engine import Printed, json_text, table_of
from app.database.prepared import driver_errors
from app.records.base_models import Deletion, Provenance, Record, RecordName
from app.records.resource import Row
from app.records.sources.models import Source
from app.records.studies.models import Study
from app.store.documents import CompressedJson, Document, compress
from app.store.import_models import Imported

Convert = Callable[[Any], Any]


class Block(NamedTuple):
    """Rows of one table, converted so that the drivers of both databases take them: one value for each name."""

    names: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


@lru_cache(maxsize=1000)
def _converters(table: Table, names: tuple[str, ...], dialect: Dialect | None) -> tuple[tuple[int, Convert], ...]:
    """The conversions that the columns' types require, as `(place of the column, function)`."""
    types = ((place, table.c[name].type) for place, name in enumerate(names))
    found = ((place, _convert(of, dialect)) for place, of in types)
    return tuple((place, convert) for place, convert in found if convert is not None)


def _convert(of: TypeEngine[Any], dialect: Dialect | None) -> Convert | None:
    """The conversion of a column type's values, or nothing where both drivers take them as they are.

    Vocabularies are checked by the database, and both drivers write numbers as Python prints them.
    """
    if isinstance(of, JSON):
        return _json_or_null if of.none_as_null else json_text
    if isinstance(of, CompressedJson):
        return lambda value: None if value is None else compress(value)
    if isinstance(of, Enum | Boolean | Integer | Printed | String | LargeBinary):
        return None
    return of.dialect_impl(dialect).bind_processor(dialect) if dialect else _null_only


def _json_or_null(value: Any) -> str | None:
    return None if value is None else json_text(value)


def _null_only(value: Any) -> Any:
    """Pass NULL on. A value of such a type, for instance a timestamp, is written differently by each database."""
    if value is not None:
        raise TypeError(f"{type(value).__name__} is not kept alike by both databases")
    return value


def _tuples(
    rows: Iterable[Row], names: tuple[str, ...], converts: tuple[tuple[int, Convert], ...]
) -> Iterator[Sequence[Any]]:
    values: Callable[[Row], Any] = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    if not converts:
        return map(values, rows)
    return (_converted(values(row), converts) for row in rows)


def _converted(values: Sequence[Any], converts: tuple[tuple[int, Convert], ...]) -> list[Any]:
    given = list(values)
    for place, convert in converts:
        given[place] = convert(given[place])
    return given


@lru_cache(maxsize=1000)
def _statement(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    if dialect.name == "postgresql":
        form = " (FORMAT BINARY)" if _binary_types(table, names) else ""
        return f"COPY {quote(table.name)} ({columns}) FROM STDIN{form}"
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({', '.join('?' * len(names))})"


def block(table: Table, rows: Sequence[Row]) -> Block:
    """Convert rows for a database that is not known yet. There is at least one row, and all have the same columns."""
    names = tuple(rows[0])
    return Block(names, list(_tuples(rows, names, _converters(table, names, None))))


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, all of which have the same columns."""
    if rows:
        names = tuple(rows[0])
        _insert_rows(connection, table, names, _tuples(rows, names, _converters(table, names, connection.dialect)))


def insert_blocks(connection: Connection, table: Table, blocks: Iterable[Block]) -> None:
    """Insert converted rows, with one statement for all blocks of the same columns."""
    alike: dict[tuple[str, ...], list[Sequence[Sequence[Any]]]] = {}
    for names, rows in blocks:
        alike.setdefault(names, []).append(rows)
    for names, several in alike.items():
        _insert_rows(connection, table, names, chain.from_iterable(several))


@contextmanager
def checks_deferred(connection: Connection) -> Iterator[None]:
    """Insert rows in this block without SQLite's CHECK constraints, whose values the models have validated already.

    SQLite builds the list of a vocabulary's words again for each row, which takes a third of the time of an import.
    `PRAGMA integrity_check`, which `evidence check` runs, verifies the constraints later. PostgreSQL is not affected.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=OFF")


def _insert_rows(connection: Connection, table: Table, names: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
    """Run the statement by the driver."""
    statement = _statement(table, names, connection.dialect)
    with driver_errors(connection, statement):
        if connection.dialect.name == "postgresql":
            _copy(connection, statement, rows, _binary_types(table, names))
        else:
            _execute(connection, statement, rows)


def _execute(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    connection.connection.cursor().executemany(statement, rows)  # type: ignore[arg-type]  # any iterable will do


_BINARY_TYPES = {String: "text", Enum: "text", Integer: "int4", LargeBinary: "bytea", CompressedJson: "bytea"}


@lru_cache(maxsize=1000)
def _binary_types(table: Table, names: tuple[str, ...]) -> tuple[str, ...]:
    """The PostgreSQL types for a binary COPY, or nothing for a COPY as text.

    Binary is used where a table holds bytes, which take twice as much as text, and only text and integers beside them.
    """
    found = [_BINARY_TYPES.get(type(table.c[name].type), "") for name in names]
    return tuple(found) if "bytea" in found and all(found) else ()


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]], types: Sequence[str]) -> None:
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(statement) as copy:
        if types:
            copy.set_types(types)
        for row in rows:
            copy.write_row(row)


_MODELS = (Record, RecordName, Deletion, Document, Provenance, Imported, Source, Study)
LOOKED_UP = ", ".join(table_of(model).name for model in _MODELS)
"""The tables in which every change looks up what it refers to."""


class AnalyzeAfterBulk:
    """Runs ANALYZE on PostgreSQL after 5,000 records of one transaction, after 20,000, after 80,000, and so on.

    PostgreSQL takes a table without statistics for a small one and scans it whole at every look-up; autovacuum's
    ANALYZE does not see rows that are not committed. On SQLite it does nothing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection, self._next_analyze, self._records = connection, 5_000, 0

    def add(self, records: int) -> None:
        """Count records that were written, and run ANALYZE when the next threshold is reached."""
        self._records += records
        if self._records >= self._next_analyze:
            self._next_analyze *= 4
            if self._connection.dialect.name == "postgresql":
                self._connection.exec_driver_sql(f"ANALYZE {LOOKED_UP}")
