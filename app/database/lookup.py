"""Look-ups: statements that are compiled once and run by SQLAlchemy or, on SQLite, directly by the driver.

Running a statement by SQLAlchemy takes three times as long as SQLite needs to find a row. The driver runs the SQL that
SQLAlchemy compiled, and values are converted by SQLAlchemy's types.
"""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import starmap
from typing import Any, Generic, TypeVar

from sqlalchemy import BindParameter, Connection, LargeBinary, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from app.database import prepared
from app.database.engine import UtcDateTime
from app.database.streaming import streamed

R = TypeVar("R")

_DIALECT = sqlite.dialect()


def _binder(parameter: BindParameter[Any]) -> Callable[[Any], Any] | None:
    """The conversion of a parameter that is a timestamp for SQLite; all others are passed as they are."""
    is_moment = isinstance(parameter.type, UtcDateTime)
    return parameter.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) if is_moment else None


def _processor(type: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """The conversion of what the driver returns to a column's value, or nothing where none is needed."""
    return None if isinstance(type, LargeBinary) else type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)


class Lookup(Generic[R]):
    """A statement whose rows become results by `make`, which takes a row's columns.

    Values for the statement's parameters are given in the order of `names`.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]], make: Callable[..., R], *names: str) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self.statement, self.make, self.names, self.sql = statement, make, names, str(compiled)
        self.positions = tuple(compiled.positiontup or ())
        self.fixed = {name: value for name, value in compiled.params.items() if name not in names}
        assert self.fixed.keys() | names == set(self.positions), self.positions
        self.binders = {name: bind for name in names if (bind := _binder(compiled.binds[name]))}
        self.processors = [_processor(column.type) for column in statement.selected_columns]
        self.is_plain = not any(self.processors)
        self.is_direct = self.positions == names and not self.binders

    def by(self, connection: Connection, *values: Any) -> R | None:
        """The result of the first row, or nothing, on a connection."""
        rows = prepared.rows(connection, self.statement, dict(zip(self.names, values, strict=True)))
        return self.make(*rows[0]) if rows else None

    def rows_by(self, connection: Connection, *values: Any, by_cursor: bool = False) -> Iterator[R]:
        """The results of all rows by SQLAlchemy, each read when needed; `by_cursor` is that of `streaming.streamed`."""
        given = dict(zip(self.names, values, strict=True))
        return starmap(self.make, streamed(connection, self.statement, given, by_cursor=by_cursor))

    def in_place(self, driver: sqlite3.Connection, *values: Any) -> R | None:
        """The result of the first row, or nothing, by SQLite's driver in the calling thread."""
        if not self.is_direct:
            return next(iter([*self.rows_in_place(driver, *values)]), None)
        row = driver.execute(self.sql, values).fetchone()
        return self._made(row) if row else None

    def rows_in_place(self, driver: sqlite3.Connection, *values: Any) -> Iterator[R]:
        """The results of all rows by SQLite's driver in the calling thread."""
        given = self.fixed | dict(zip(self.names, values, strict=True))
        for name, bind in self.binders.items():
            given[name] = bind(given[name])
        rows = driver.execute(self.sql, [given[name] for name in self.positions])
        return starmap(self.make, rows) if self.is_plain else map(self._made, rows)

    def _made(self, row: tuple[Any, ...]) -> R:
        return self.make(*[read(value) if read else value for read, value in zip(self.processors, row, strict=True)])


Ask = Callable[..., Iterator[Any]]
"""`ask(lookup, *values)` yields a look-up's results, by SQLAlchemy or by the driver."""


def rows_by(connection: Connection, lookup: Lookup[R], *values: Any, by_cursor: bool = False) -> Iterator[R]:
    """An `Ask` by SQLAlchemy, once the connection is bound."""
    return lookup.rows_by(connection, *values, by_cursor=by_cursor)


def rows_in_place(driver: sqlite3.Connection, lookup: Lookup[R], *values: Any) -> Iterator[R]:
    """An `Ask` by SQLite's driver, once the connection is bound."""
    return lookup.rows_in_place(driver, *values)
