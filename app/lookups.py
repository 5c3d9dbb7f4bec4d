"""Look-ups of one row by key: a statement built once, run by SQLAlchemy or, on SQLite, by the driver itself.

SQLAlchemy's execution costs three times what SQLite takes to find the row; its SQL and its types are used all the same.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select
from sqlalchemy.dialects import sqlite

R = TypeVar("R")

_DIALECT = sqlite.dialect()


class Lookup(Generic[R]):
    """`make` makes the result from the row's columns; the statement's parameters are given in `names`' order."""

    def __init__(self, statement: Select[*tuple[Any, ...]], make: Callable[..., R], *names: str) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        assert compiled.positiontup == list(names), compiled.positiontup
        self.statement, self.make, self.names, self.sql = statement, make, names, str(compiled)
        self.processors = [
            column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in statement.selected_columns
        ]

    def by(self, connection: Connection, *values: str) -> R | None:
        row = connection.execute(self.statement, dict(zip(self.names, values, strict=True))).one_or_none()
        return self.make(*row) if row else None

    def in_place(self, driver: sqlite3.Connection, *values: str) -> R | None:
        row = driver.execute(self.sql, values).fetchone()
        if row is None:
            return None
        return self.make(*[read(value) if read else value for read, value in zip(self.processors, row, strict=True)])
