"""The lower limit of the time to store some rows: the driver copies all tables of a database into another one."""

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
    cursor = driver.execute(f'SELECT * FROM "{table}"')  # the name comes from our own schema
    while rows := cursor.fetchmany(AT_A_TIME):
        yield rows


class _Stopwatch:
    """Adds up the seconds that are spent in its `with` blocks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


@contextmanager
def _drivers(source: Engine, target: str) -> Iterator[tuple[Any, Any]]:
    """The driver's connections to a database and to a new, empty one."""
    engine = open_engine(target)
    migrate(engine)
    reader, pooled = source.raw_connection(), engine.raw_connection()
    try:
        yield reader.driver_connection, pooled.driver_connection
    finally:
        pooled.close()
        reader.close()
        engine.dispose()


def copy_sqlite(source: Engine, target: str) -> float:
    """The seconds that `executemany` and one commit take; reading the rows is not counted."""
    stopwatch = _Stopwatch()
    with _drivers(source, target) as (reader, writer):
        writer.execute("BEGIN IMMEDIATE")
        for table in _tables(source):
            for rows in _sqlite_rows(reader, table):
                marks = ", ".join("?" * len(rows[0]))
                with stopwatch:
                    writer.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        with stopwatch:
            writer.execute("COMMIT")
    return stopwatch.seconds


def copy_postgresql(source: Engine, target: str) -> float:
    """The seconds that `COPY` and one commit take; reading the rows is not counted."""
    stopwatch = _Stopwatch()
    with _drivers(source, target) as (reader, writer), reader.cursor() as out, writer.cursor() as into:
        for table in _tables(source):
            with out.copy(f'COPY "{table}" TO STDOUT') as pieces, into.copy(f'COPY "{table}" FROM STDIN') as copy:
                for piece in pieces:
                    with stopwatch:
                        copy.write(piece)
        with stopwatch:
            writer.commit()
    return stopwatch.seconds
