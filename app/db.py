"""What every table shares: the declarative base, column types that two databases agree on, and engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Numeric,
    String,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


def text(length: int | None = None) -> TypeEngine[str]:
    """Text compared by code point, on PostgreSQL too, so that both databases sort and page alike."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Moment(TypeDecorator[datetime]):
    """An instant in UTC; SQLite forgets time zones, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class _Untyped(UserDefinedType[Any]):
    """A SQLite column without affinity: it keeps 40 and 40.0 apart, where REAL would make both 40.0."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BLOB"


class Printed(TypeDecorator[float]):
    """A number as its source prints it: 40 stays an integer and 40.0 a decimal.

    A printed 40.0 promises a digit that 40 does not, so neither may turn into the other.
    """

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
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {str: text(), datetime: Moment(), float: Printed()}


def _on_sqlite_connect(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions behind our back
    connection.executescript("PRAGMA foreign_keys=ON; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=15000;")


def _begin(connection: Any) -> None:
    """Writers queue at BEGIN: a deferred one could find its snapshot outdated in the middle of its work."""
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if options.get("reads") else "BEGIN IMMEDIATE")


def open_engine(url: str, **options: Any) -> Engine:
    """An engine for SQLite (file in WAL mode) or PostgreSQL; the same SQL runs on both."""
    engine = create_engine(make_url(url), pool_pre_ping=not url.startswith("sqlite"), **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _begin)
    return engine


def use_wal(engine: Engine) -> None:
    """Write-ahead logging is kept in the file, so it is set once, when the file is migrated."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session whose statements all see one state of the database and change nothing."""
    options: dict[str, Any] = {"reads": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with Session(engine.execution_options(**options)) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that commits when its block ends well and leaves nothing behind when it does not."""
    with Session(engine) as session, session.begin():
        yield session
