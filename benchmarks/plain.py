"""The least that storing some rows can cost: all tables of one database put into another by nothing but the driver."""

import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import Engine, inspect

from app.db import Base, open_engine
from app.migrating import migrate

AT_A_TIME = 5_000
_SET_BY_MIGRATIONS = {"alembic_version", "database_state"}


def _tables(engine: Engine) -> list[str]:
    there = set(inspect(engine).get_table_names())
    return [table.name for table in Base.metadata.sorted_tables if table.name in there - _SET_BY_MIGRATIONS]


def _sqlite_rows(driver: sqlite3.Connection, table: str) -> Iterator[list[Any]]:
    cursor = driver.execute(f'SELECT * FROM "{table}"')  # a name of our own schema
    while rows := cursor.fetchmany(AT_A_TIME):
        yield rows


def copy_sqlite(source: Engine, target: str) -> float:
    """Seconds that `executemany` and one commit take; reading the rows is not counted."""
    engine = open_engine(target)
    migrate(engine)
    held, pooled = source.raw_connection(), engine.raw_connection()
    reader, writer = held.driver_connection, pooled.driver_connection
    assert isinstance(reader, sqlite3.Connection)
    assert isinstance(writer, sqlite3.Connection)
    seconds = 0.0
    writer.execute("BEGIN IMMEDIATE")
    for table in _tables(source):
        for rows in _sqlite_rows(reader, table):
            marks = ", ".join("?" * len(rows[0]))
            started = time.perf_counter()
            writer.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
            seconds += time.perf_counter() - started
    started = time.perf_counter()
    writer.execute("COMMIT")
    seconds += time.perf_counter() - started
    pooled.close()
    held.close()
    engine.dispose()
    return seconds


def copy_postgresql(source: Engine, target: str) -> float:
    """Seconds that `COPY` and one commit take; reading the rows is not counted."""
    engine = open_engine(target)
    migrate(engine)
    held, pooled = source.raw_connection(), engine.raw_connection()
    reader, writer = held.driver_connection, pooled.driver_connection
    assert isinstance(reader, psycopg.Connection)
    assert isinstance(writer, psycopg.Connection)
    seconds = 0.0
    for table in _tables(source):
        with reader.cursor() as out, writer.cursor() as into:
            with out.copy(f'COPY "{table}" TO STDOUT') as pieces, into.copy(f'COPY "{table}" FROM STDIN') as copy:
                for piece in pieces:
                    started = time.perf_counter()
                    copy.write(piece)
                    seconds += time.perf_counter() - started
                started = time.perf_counter()
            seconds += time.perf_counter() - started
    started = time.perf_counter()
    writer.commit()
    seconds += time.perf_counter() - started
    pooled.close()
    held.close()
    engine.dispose()
    return seconds
