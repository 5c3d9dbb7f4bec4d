"""Prepared statements: they are built and compiled once, and SQLite's driver runs them itself.

SQLAlchemy takes ten times as long for such a statement as SQLite does, and one change of a record takes dozens. On
PostgreSQL, where the way to the server takes longer than either, SQLAlchemy runs them as any other statement.

A statement is prepared for as long as it lives, so it must be one that a module keeps; what differs from use to use
are values of its parameters (`bindparam`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Connection, Dialect, Enum, Executable, Insert, Integer, LargeBinary, Select, String
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]
Converts = tuple[tuple[int, Convert], ...]
"""Conversions of values by their places."""

MOST_LISTED = 16
"""Statements with a longer list of values (`IN`) are run by SQLAlchemy: there would be too many variants to keep."""


class _Place(NamedTuple):
    """The parameter at one place of a statement."""

    name: str
    item: int | None
    """Which item of its value stands there, if that is a list."""
    convert: Convert | None


class _Prepared(NamedTuple):
    sql: str
    places: tuple[_Place, ...]
    fixed: Values
    """The values that the statement itself has."""
    results: Converts

    def ordered(self, values: Values) -> list[Any]:
        """The values for the places."""
        given = {**self.fixed, **values}
        found = (given[name] if item is None else given[name][item] for name, item, _ in self.places)
        return [convert(value) if convert else value for value, (_, _, convert) in zip(found, self.places, strict=True)]


@contextmanager
def driver_errors(connection: Connection, statement: str) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy's, as for all other statements."""
    errors = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except errors as error:
        raise DBAPIError.instance(
            statement, None, error, errors, hide_parameters=True, dialect=connection.dialect
        ) from error


def rows(connection: Connection, statement: Select[*tuple[Any, ...]], values: Values) -> Sequence[Sequence[Any]]:
    """The rows of a statement. A value that is a list is that of an expanding parameter."""
    prepared = _prepared_for(connection, statement, values)
    if prepared is None:
        return connection.execute(statement, values).all()
    found = run_by_driver(connection, prepared.sql, prepared.ordered(values))
    return [_converted(row, prepared.results) for row in found] if prepared.results else found


def mappings(connection: Connection, statement: Select[*tuple[Any, ...]], values: Values) -> list[dict[str, Any]]:
    """The rows of a statement as dictionaries by the names of its columns."""
    names = _columns(statement)
    return [dict(zip(names, row, strict=True)) for row in rows(connection, statement, values)]


def execute(connection: Connection, statement: Executable, *values: Values) -> None:
    """Run a statement that returns no rows, once for each of some values, which have lists of equal lengths."""
    if not values:
        return
    prepared = _prepared_for(connection, statement, values[0])
    if prepared is None:
        connection.execute(statement, list(values))
    else:
        run_by_driver(connection, prepared.sql, *map(prepared.ordered, values))


def run_by_driver(connection: Connection, sql: str, *values: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
    """Run a statement by SQLite's driver in the connection's transaction, once for each of some values."""
    with driver_errors(connection, sql):
        cursor: Any = connection.connection.cursor()
        if len(values) == 1:
            cursor.execute(sql, *values)
        else:
            cursor.executemany(sql, values)
        found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        cursor.close()
        return found


def _prepared_for(connection: Connection, statement: Executable, values: Values) -> _Prepared | None:
    """The prepared form of a statement for some values, or nothing where SQLAlchemy runs it."""
    if connection.dialect.name != "sqlite":
        return None
    lengths = tuple((name, len(value)) for name, value in values.items() if isinstance(value, list))
    if any(not 0 < length <= MOST_LISTED for _, length in lengths):
        return None
    return _prepare(statement, tuple(values), lengths, connection.dialect)


@lru_cache(maxsize=2000)
def _prepare(
    statement: Any, given: tuple[str, ...], lengths: tuple[tuple[str, int], ...], dialect: Dialect
) -> _Prepared:
    compiled = statement.compile(dialect=dialect, **({"column_keys": given} if isinstance(statement, Insert) else {}))
    expanded = compiled.construct_expanded_state(
        dict.fromkeys(given) | {name: [None] * length for name, length in lengths}
    )
    return _Prepared(
        expanded.statement,
        tuple(_places(compiled, expanded, dialect)),
        {name: value for name, value in compiled.params.items() if value is not None},
        tuple(_results(statement, dialect)) if isinstance(statement, Select) else (),
    )


def _places(compiled: Any, expanded: Any, dialect: Dialect) -> Iterator[_Place]:
    """The parameters in their order; an item of a list stands for its place in the value of the list's parameter."""
    items: dict[str, tuple[str, int]] = {}
    for name, some in expanded.parameter_expansion.items():
        items |= {item: (name, place) for place, item in enumerate(some)}
    for item in expanded.positiontup:
        name, place = items.get(item, (item, None))
        yield _Place(name, place, _bind(compiled.binds[name].type, dialect))


def _results(statement: Select[*tuple[Any, ...]], dialect: Dialect) -> Iterator[tuple[int, Convert]]:
    """The conversions of those columns that need one, by their places."""
    for place, column in enumerate(statement.selected_columns):
        convert = _result(column.type, dialect)
        if convert:
            yield place, convert


def _bind(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """The conversion of a parameter's value, if it needs any. Vocabularies are checked by the database."""
    if isinstance(of, Enum | Boolean | Integer | String | LargeBinary):
        return None
    return of.dialect_impl(dialect).bind_processor(dialect)


def _result(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """The conversion of what the driver returns for a column, if it needs any."""
    if isinstance(of, Enum | Integer | String | LargeBinary):
        return None
    return of.dialect_impl(dialect).result_processor(dialect, None)


def _converted(row: Sequence[Any], converts: Converts) -> Sequence[Any]:
    given = list(row)
    for place, convert in converts:
        given[place] = convert(given[place])
    return given


@lru_cache(maxsize=1000)
def _columns(statement: Select[*tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(str(column.key) for column in statement.selected_columns)
