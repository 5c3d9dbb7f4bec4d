"""Look-ups of one row by key: a statement built once, run by SQLAlchemy or, on SQLite, by the driver itself.

SQLAlchemy's execution costs three times what SQLite takes to find the row; its SQL and its types are used all the same.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import BindParameter, Connection, Select
from sqlalchemy.dialects import sqlite

from app.db import Moment

R = TypeVar("R")

_DIALECT = sqlite.dialect()


def _binder(parameter: BindParameter[Any]) -> Callable[[Any], Any] | None:
    """How a moment is written for SQLite; words and ids are given as they are kept."""
    is_moment = isinstance(parameter.type, Moment)
    return parameter.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) if is_moment else None


class Lookup(Generic[R]):
    """`make` makes the result from the row's columns; the statement's parameters are given in `names`' order."""

    def __init__(self, statement: Select[*tuple[Any, ...]], make: Callable[..., R], *names: str) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        given = compiled.positiontup or []
        assert given[: len(names)] == list(names), given
        self.constants = tuple(compiled.params[name] for name in given[len(names) :])
        self.statement, self.make, self.names, self.sql = statement, make, names, str(compiled)
        self.processors = [
            column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in statement.selected_columns
        ]
        self.binders = [_binder(compiled.binds[name]) for name in names]
        self.is_bound = any(self.binders) or bool(self.constants)

    def by(self, connection: Connection, *values: Any) -> R | None:
        row = connection.execute(self.statement, dict(zip(self.names, values, strict=True))).one_or_none()
        return self.make(*row) if row else None

    def in_place(self, driver: sqlite3.Connection, *values: Any) -> R | None:
        if self.is_bound:
            values = self._bound(values)
        row = driver.execute(self.sql, values).fetchone()
        if row is None:
            return None
        return self.make(*[read(value) if read else value for read, value in zip(self.processors, row, strict=True)])

    def _bound(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """As the driver takes them, with the statement's own."""
        given = (bind(value) if bind else value for bind, value in zip(self.binders, values, strict=True))
        return (*given, *self.constants)
