"""The reader pool: how requests read the database without blocking the event loop.

On SQLite, look-ups of single rows run in the event loop itself, on a connection that is kept open ("in place"), since
passing them to a thread would take ten times as long. Everything that can take milliseconds, and everything on
PostgreSQL, runs on a small pool of threads.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.common.problems import Problem
from app.database.engine import existing, open_engine, reading, sqlite_file
from app.database.lookup import Ask, Lookup, rows_in_place
from app.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
Work = Callable[Concatenate[Connection, P], R]


EXPORT_CONNECTIONS = 4
"""Connections for exports, each of which reads a whole list and keeps its connection as long as that takes."""


def _no_file() -> Problem:
    detail = "There is no database file; run `evidence migrate`."
    return Problem("database-not-ready", detail, headers={"retry-after": "5"})


class Reader:
    """All connections by which this process reads the database: for look-ups, other reads, exports and probes."""

    def __init__(self, settings: Settings) -> None:
        url, threads = settings.database_url.get_secret_value(), settings.read_threads
        self.engine = open_engine(
            existing(url),
            lock_timeout_ms=settings.lock_timeout_ms,
            pool_size=threads,
            max_overflow=0,
            pool_timeout=10,
        )
        # nothing is mapped, since an export reads the whole file, all of which would count as this process's memory
        self._exports = open_engine(
            existing(url), mapped_bytes=0, pool_size=EXPORT_CONNECTIONS, max_overflow=0, pool_timeout=10
        )
        self._timeout = settings.read_timeout_seconds
        self._threads = ThreadPoolExecutor(threads, "reader")
        self._probes = open_engine(existing(url), pool_size=1, max_overflow=0, pool_timeout=5)
        self._probe_thread = ThreadPoolExecutor(1, "probe")
        self._in_place = self.engine.dialect.name == "sqlite"
        self._held: sqlite3.Connection | None = None
        self.file = sqlite_file(url)
        self._identity: tuple[int, int] | None = None

    def _reopen_if_replaced(self) -> None:
        """Open new connections if another file was put in the database file's place; the old ones read the old file.

        Raises a `Problem` (503) if there is no file.
        """
        if self.file is None:
            return
        try:
            found = self.file.stat()
        except FileNotFoundError:
            self._close_held()
            raise _no_file() from None
        identity = (found.st_dev, found.st_ino)
        if self._identity not in (None, identity):
            self._close_held()
            self.engine.dispose()
            self._exports.dispose()
            self._probes.dispose()
        self._identity = identity

    def _driver(self) -> sqlite3.Connection:
        if self._held is None:
            pooled = self.engine.raw_connection()
            self._held = cast(sqlite3.Connection, pooled.driver_connection)
            pooled.detach()  # else it would take the place of a thread's connection in the pool
            self._held.execute("PRAGMA busy_timeout=0")  # the event loop must not wait
        return self._held

    async def look_up(self, lookup: Lookup[R], *values: Any) -> R | None:
        """Look up one row, in place if possible."""
        if not self._in_place:
            return await self.run(lookup.by, *values)
        self._reopen_if_replaced()
        try:
            return lookup.in_place(self._driver(), *values)
        except (sqlite3.Error, DBAPIError):
            self._close_held()
            return await self.run(lookup.by, *values)  # tries again, and raises errors as all reads do

    async def probe(self, lookup: Lookup[R]) -> R | None:
        """Look up one row for a health check, on a thread of its own, so that it need not wait if the pool is busy."""
        if self._in_place:
            return await self.look_up(lookup)
        running = asyncio.get_running_loop().run_in_executor(self._probe_thread, self._probe, lookup)
        return await self._within_time(running)

    def _probe(self, lookup: Lookup[R]) -> R | None:
        with reading(self._probes) as connection:
            return lookup.by(connection)

    def at_once(self, work: Callable[Concatenate[Ask, P], R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Run `work(ask, ...)`, a few look-ups that see one state of the database, in place; return nothing if the
        database is not SQLite or fails, so that the caller uses `run`.
        """
        if not self._in_place:
            return None
        self._reopen_if_replaced()
        try:
            driver = self._driver()
            driver.execute("BEGIN")
            try:
                return work(partial(rows_in_place, driver), *args, **kwargs)
            finally:
                driver.execute("ROLLBACK")
        except (sqlite3.Error, DBAPIError):
            self._close_held()
            return None

    async def run(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work(connection, ...)` on a thread. All its statements see one state of the database.

        Raises a `Problem` (503) if it takes longer than the read timeout.
        """
        self._reopen_if_replaced()
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, args, kwargs)
        return await self._within_time(running)

    async def _within_time(self, running: asyncio.Future[R]) -> R:
        try:
            return await asyncio.wait_for(running, self._timeout)
        except TimeoutError:
            detail = f"The database did not answer within {self._timeout:g} seconds."
            raise Problem("database-unavailable", detail, headers={"retry-after": "5"}) from None

    def exporting(self) -> AbstractContextManager[Connection]:
        """A connection for an export, which sees one state of the database. It must be opened and used in a thread."""
        self._reopen_if_replaced()
        return reading(self._exports)

    def _read(self, work: Callable[..., R], args: Any, kwargs: Any) -> R:
        with reading(self.engine) as connection:
            return work(connection, *args, **kwargs)

    def _close_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def close(self) -> None:
        """Close all threads and connections."""
        self._close_held()
        for threads in (self._threads, self._probe_thread):
            threads.shutdown(cancel_futures=True)
        for engine in (self.engine, self._exports, self._probes):
            engine.dispose()
