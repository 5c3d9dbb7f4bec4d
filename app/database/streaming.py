"""Streaming: reading a statement's rows one by one, so that reading can end before the last one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select

Row = Sequence[Any]

FEW, AT_A_TIME = 100, 20
"""A result of at most `FEW` rows is best read as a whole; a larger one by a cursor, `AT_A_TIME` rows at a time."""


def streamed(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    values: Mapping[str, Any] | None = None,
    *,
    by_cursor: bool = False,
) -> Iterator[Row]:
    """Yield a statement's rows, each when it is needed. The cursor is closed wherever reading ends.

    SQLite finds each row when it is fetched. PostgreSQL sends the whole result unless it keeps a cursor (`by_cursor`).
    A cursor takes three more round trips and a new plan each time, which is worth it if there are many rows.
    """
    options = {"yield_per": AT_A_TIME} if by_cursor else {}
    with connection.execute(statement, values, execution_options=options) as rows:
        yield from rows
