"""Many new rows at once, past the statement compiler: SQLite's `executemany` and PostgreSQL's `COPY`, side by side."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Enum, Table
from sqlalchemy.types import TypeEngine

from app.db import Printed
from app.resources import Row

Convert = Callable[[Any], Any]


@lru_cache(maxsize=1000)
def _converts(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[tuple[int, Convert], ...]:
    """What the columns' types do to values on their way in, by place."""
    types = ((place, table.c[name].type) for place, name in enumerate(names))
    found = ((place, _convert(of, dialect)) for place, of in types)
    return tuple((place, convert) for place, convert in found if convert is not None)


def _convert(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """A word is checked by the database, and SQLite takes a printed number as it is."""
    if isinstance(of, Enum) or (isinstance(of, Printed) and dialect.name == "sqlite"):
        return None
    return of.dialect_impl(dialect).bind_processor(dialect)


def _tuples(
    rows: Sequence[Row], names: tuple[str, ...], converts: tuple[tuple[int, Convert], ...]
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
        return f"COPY {quote(table.name)} ({columns}) FROM STDIN"
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({', '.join('?' * len(names))})"


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Rows that all give the same columns."""
    if not rows:
        return
    dialect, names = connection.dialect, tuple(rows[0])
    tuples = _tuples(rows, names, _converts(table, names, dialect))
    run = _copy if dialect.name == "postgresql" else _execute
    run(connection, _statement(table, names, dialect), tuples)


def _execute(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    connection.connection.cursor().executemany(statement, rows)  # type: ignore[arg-type]  # any iterable will do


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
