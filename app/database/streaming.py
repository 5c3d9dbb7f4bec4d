"""Rows of a statement, read one after the other, so that reading can end before the last of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select

Row = Sequence[Any]

FEW, AT_A_TIME = 100, 20
"""Rows that PostgreSQL sends at once; more of them come so many at a time, and whoever reads them ends it."""


def streamed(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    values: Mapping[str, Any] | None = None,
    *,
    by_cursor: bool = False,
) -> Iterator[Row]:
    """Rows of a statement, each when it is asked for; the cursor is closed wherever reading ends.

    SQLite finds a row when it is asked for. PostgreSQL sends a whole result, or keeps a cursor (`by_cursor`): then the
    statement is planned each time and costs three round trips more, which pays where there are many rows.
    """
    options = {"yield_per": AT_A_TIME} if by_cursor else {}
    with connection.execute(statement, values, execution_options=options) as rows:
        yield from rows
