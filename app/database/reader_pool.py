"""How requests reach the database without ever holding up the event loop.

SQLite's look-ups of one row run where they are, on a held connection: a hop to a thread would cost ten times as much.
Whatever can take milliseconds, and everything on PostgreSQL, runs on a small pool of threads.
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
"""Connections for what reads whole lists, each for as long as that takes."""


def _gone() -> Problem:
    detail = "There is no database file; run `evidence migrate`."
    return Problem("database-not-ready", detail, headers={"retry-after": "5"})


class Reader:
    def __init__(self, settings: Settings) -> None:
        url, threads = settings.database_url.get_secret_value(), settings.read_threads
        self.engine = open_engine(
            existing(url),
            lock_timeout_ms=settings.lock_timeout_ms,
            pool_size=threads,
            max_overflow=0,
            pool_timeout=10,
        )
        # Nothing mapped: an export goes through the whole file, and would take it all into this process's memory.
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

    def _follow_file(self) -> None:
        """A file put in another's place is read from then on; open connections would go on reading the old one."""
        if self.file is None:
            return
        try:
            found = self.file.stat()
        except FileNotFoundError:
            self._let_go()
            raise _gone() from None
        identity = (found.st_dev, found.st_ino)
        if self._identity not in (None, identity):
            self._let_go()
            self.engine.dispose()
            self._exports.dispose()
            self._probes.dispose()
        self._identity = identity

    def _driver(self) -> sqlite3.Connection:
        if self._held is None:
            pooled = self.engine.raw_connection()
            self._held = cast(sqlite3.Connection, pooled.driver_connection)
            pooled.detach()  # or it would take a place in the pool that a thread needs
            self._held.execute("PRAGMA busy_timeout=0")  # waiting is for threads
        return self._held

    async def look_up(self, lookup: Lookup[R], *values: Any) -> R | None:
        """One row by key, in a statement of its own."""
        if not self._in_place:
            return await self.run(lookup.by, *values)
        self._follow_file()
        try:
            return lookup.in_place(self._driver(), *values)
        except (sqlite3.Error, DBAPIError):
            self._let_go()
            return await self.run(lookup.by, *values)  # anew, and what is wrong is said as everywhere else

    async def probe(self, lookup: Lookup[R]) -> R | None:
        """One row without values, read beside everything else: however busy the other threads are, this one is not."""
        if self._in_place:
            return await self.look_up(lookup)
        running = asyncio.get_running_loop().run_in_executor(self._probe_thread, self._probe, lookup)
        return await self._within_time(running)

    def _probe(self, lookup: Lookup[R]) -> R | None:
        with reading(self._probes) as connection:
            return lookup.by(connection)

    def at_once(self, work: Callable[Concatenate[Ask, P], R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """A few look-ups that see one state of the database; nothing where they cannot be made in place."""
        if not self._in_place:
            return None
        self._follow_file()
        try:
            driver = self._driver()
            driver.execute("BEGIN")
            try:
                return work(partial(rows_in_place, driver), *args, **kwargs)
            finally:
                driver.execute("ROLLBACK")
        except (sqlite3.Error, DBAPIError):
            self._let_go()
            return None

    async def run(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Any reading; all its statements see one state of the database."""
        self._follow_file()
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, args, kwargs)
        return await self._within_time(running)

    async def _within_time(self, running: asyncio.Future[R]) -> R:
        try:
            return await asyncio.wait_for(running, self._timeout)
        except TimeoutError:
            detail = f"The database did not answer within {self._timeout:g} seconds."
            raise Problem("database-unavailable", detail, headers={"retry-after": "5"}) from None

    def exporting(self) -> AbstractContextManager[Connection]:
        """A connection for reading a whole list, to be opened in a thread; it sees one state of the database."""
        self._follow_file()
        return reading(self._exports)

    def _read(self, work: Callable[..., R], args: Any, kwargs: Any) -> R:
        with reading(self.engine) as connection:
            return work(connection, *args, **kwargs)

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def close(self) -> None:
        self._let_go()
        for threads in (self._threads, self._probe_thread):
            threads.shutdown(cancel_futures=True)
        for engine in (self.engine, self._exports, self._probes):
            engine.dispose()
