"""The declarative base, column types that behave alike on SQLite and PostgreSQL, engines and transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import (
    JSON,
    URL,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

LOCK_TIMEOUT_MS = 15_000
"""How long a writer waits for another one by default."""


def text(length: int | None = None) -> TypeEngine[str]:
    """A text column that is compared by code point on PostgreSQL too, so that both databases sort alike."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


SOME_JSON = JSON(none_as_null=True)
"""A column of JSON that is shown but never joined or filtered by. An empty one is NULL, which takes no space."""


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp in UTC. SQLite does not store time zones, so UTC is added when it is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Untyped(UserDefinedType[Any]):
    """A SQLite column without type affinity, which stores 40 and 40.0 as they are; REAL would make both 40.0."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BLOB"


class Printed(TypeDecorator[float]):
    """A number as its source prints it: 40 stays an integer and 40.0 a decimal, which is more precise."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_Untyped() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "sqlite" else Decimal(repr(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        if not isinstance(value, Decimal):
            return value  # type: ignore[no-any-return]  # SQLite hands back the int or float it was given
        return int(value) if value.as_tuple().exponent == 0 else float(value)


class Base(DeclarativeBase):
    """The base of all tables: how constraints are named, and which column types annotations stand for."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {str: text(), datetime: UtcDateTime(), float: Printed()}


def table_of(model: type[Base]) -> Table:
    """The table of a model, typed as `Table`."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


MAPPED_BYTES = 2**31 - 2**16
"""The most that SQLite maps of a file (`PRAGMA mmap_size`). Pages beyond are copied by a system call if not cached."""


def _on_sqlite_connect(connection: Any, lock_timeout_ms: int, mapped_bytes: int, synchronous: str) -> None:
    connection.isolation_level = None  # transactions begin in `_begin` alone, not in the driver
    connection.executescript(
        f"PRAGMA foreign_keys=ON; PRAGMA synchronous={synchronous}; PRAGMA busy_timeout={lock_timeout_ms};"
        f"PRAGMA cache_size=-8192; PRAGMA mmap_size={mapped_bytes}; PRAGMA temp_store=MEMORY;"
    )


def _begin(connection: Any) -> None:
    """Begin a transaction. A writing one takes SQLite's write lock at once, so that writers queue here: if it took the
    lock later, its snapshot could be outdated by then, and it would fail in the middle of its work.
    """
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN" if options.get("reads") else "BEGIN IMMEDIATE")


def sqlite_file(url: str) -> Path | None:
    """The file that a SQLite URL names, or nothing for other databases, `file:` URIs and databases in memory."""
    address = make_url(url)
    name = address.database
    plain = address.get_backend_name() == "sqlite" and name and not name.startswith("file:")
    return Path(str(name)) if plain else None


def existing(url: str) -> str:
    """The URL that opens a SQLite file only if it exists, instead of creating one. Other URLs are unchanged."""
    file = sqlite_file(url)
    return f"sqlite:///file:{quote(str(file))}?mode=rw&uri=true" if file else url


def _postgresql(address: URL, lock_timeout_ms: int) -> dict[str, Any]:
    """Arguments of a PostgreSQL engine: time limits, beside the options in the URL, by which a dead connection is
    noticed within seconds.
    """
    given = str(address.query.get("options", ""))
    wait = f"{given} -c lock_timeout={lock_timeout_ms} -c timezone=UTC".strip()
    arguments = {"options": wait, "connect_timeout": 5, "tcp_user_timeout": 10_000}
    return {"connect_args": arguments, "pool_pre_ping": True}


def json_text(value: Any) -> str:
    """A value as the JSON text that a column stores."""
    return orjson.dumps(value).decode()


def open_engine(
    url: str,
    *,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    mapped_bytes: int = MAPPED_BYTES,
    durable: bool = False,
    **options: Any,
) -> Engine:
    """Make an engine for SQLite (a file in WAL mode) or PostgreSQL. A writer waits `lock_timeout_ms` for another one.

    With `durable`, a commit on SQLite too returns only when it is on the disk, so that it survives a loss of power.
    `mapped_bytes` is how much of a SQLite file is mapped into memory. `options` go to `create_engine`.
    """
    synchronous = "FULL" if durable else "NORMAL"
    address = make_url(url)
    sqlite = address.get_backend_name() == "sqlite"
    given = {"json_serializer": json_text, "json_deserializer": orjson.loads, "hide_parameters": True, **options}
    engine = create_engine(address, **({} if sqlite else _postgresql(address, lock_timeout_ms)), **given)
    if sqlite:
        event.listen(
            engine,
            "connect",
            lambda connection, _: _on_sqlite_connect(connection, lock_timeout_ms, mapped_bytes, synchronous),
        )
        event.listen(engine, "begin", _begin)
    return engine


def use_wal(connection: Connection) -> None:
    """Set a SQLite file to write-ahead logging. The file keeps this setting, so it is done when it is migrated."""
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA page_size=8192")
        cursor.execute("PRAGMA journal_mode=WAL")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction whose statements all see the same state of the database; it must not write."""
    options: dict[str, Any] = {"reads": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that commits when its block ends, and rolls back if the block raises."""
    with engine.begin() as connection:
        yield connection
