"""The least that storing some rows can cost: all tables of one database put into another by nothing but the driver."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, inspect

from app.database.engine import Base, open_engine
from app.database.migrations import migrate

AT_A_TIME = 5_000
_SET_BY_MIGRATIONS = {"alembic_version", "database_state"}


def _tables(engine: Engine) -> list[str]:
    there = set(inspect(engine).get_table_names())
    return [table.name for table in Base.metadata.sorted_tables if table.name in there - _SET_BY_MIGRATIONS]


def _sqlite_rows(driver: sqlite3.Connection, table: str) -> Iterator[list[Any]]:
    cursor = driver.execute(f'SELECT * FROM "{table}"')  # a name of our own schema
    while rows := cursor.fetchmany(AT_A_TIME):
        yield rows


class _Watch:
    """Seconds spent in its blocks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


@contextmanager
def _drivers(source: Engine, target: str) -> Iterator[tuple[Any, Any]]:
    """The driver's own connections to a database and to an empty one beside it."""
    engine = open_engine(target)
    migrate(engine)
    held, pooled = source.raw_connection(), engine.raw_connection()
    try:
        yield held.driver_connection, pooled.driver_connection
    finally:
        pooled.close()
        held.close()
        engine.dispose()


def copy_sqlite(source: Engine, target: str) -> float:
    """Seconds that `executemany` and one commit take; reading the rows is not counted."""
    watch = _Watch()
    with _drivers(source, target) as (reader, writer):
        writer.execute("BEGIN IMMEDIATE")
        for table in _tables(source):
            for rows in _sqlite_rows(reader, table):
                marks = ", ".join("?" * len(rows[0]))
                with watch:
                    writer.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        with watch:
            writer.execute("COMMIT")
    return watch.seconds


def copy_postgresql(source: Engine, target: str) -> float:
    """Seconds that `COPY` and one commit take; reading the rows is not counted."""
    watch = _Watch()
    with _drivers(source, target) as (reader, writer), reader.cursor() as out, writer.cursor() as into:
        for table in _tables(source):
            with out.copy(f'COPY "{table}" TO STDOUT') as pieces, into.copy(f'COPY "{table}" FROM STDIN') as copy:
                for piece in pieces:
                    with watch:
                        copy.write(piece)
        with watch:
            writer.commit()
    return watch.seconds
