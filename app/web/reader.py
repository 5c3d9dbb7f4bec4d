"""How requests reach the database without ever holding up the event loop.

SQLite's look-ups of one row run where they are, on a held connection: a hop to a thread would cost ten times as much.
Whatever can take milliseconds, and everything on PostgreSQL, runs on a small pool of threads.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.db import existing, open_engine, reading, sqlite_file
from app.errors import Problem
from app.lookups import Ask, Lookup, rows_in_place
from app.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
Work = Callable[Concatenate[Connection, P], R]


MAX_STREAMS = 4
"""Exports at one time; each holds a connection for as long as its client takes."""


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
            existing(url), mapped_bytes=0, pool_size=MAX_STREAMS, max_overflow=2, pool_timeout=10
        )
        self._export_threads = ThreadPoolExecutor(MAX_STREAMS, "export")
        self._streams = 0
        self._timeout = settings.read_timeout_seconds
        self._threads = ThreadPoolExecutor(threads, "reader")
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
        try:
            return await asyncio.wait_for(running, self._timeout)
        except TimeoutError:
            detail = f"The database did not answer within {self._timeout:g} seconds."
            raise Problem("database-unavailable", detail, headers={"retry-after": "5"}) from None

    async def stream(
        self, make: Callable[Concatenate[Connection, P], Iterator[bytes]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[bytes]:
        """The pieces of a long answer, all as of one state of the database; its connection ends with it."""
        self._follow_file()
        if self._streams >= MAX_STREAMS:
            raise Problem("database-unavailable", "Too many exports run already.", headers={"retry-after": "10"})
        loop, stack = asyncio.get_running_loop(), ExitStack()
        self._streams += 1
        try:
            pieces = await loop.run_in_executor(self._export_threads, self._open, stack, make, args)
            while (piece := await loop.run_in_executor(self._export_threads, next, pieces, None)) is not None:
                yield piece
        finally:
            self._streams -= 1
            self._export_threads.submit(stack.close)

    def _open(self, stack: ExitStack, make: Callable[..., Iterator[bytes]], args: Any) -> Iterator[bytes]:
        return make(stack.enter_context(reading(self._exports)), *args)

    def _read(self, work: Callable[..., R], args: Any, kwargs: Any) -> R:
        with reading(self.engine) as connection:
            return work(connection, *args, **kwargs)

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def close(self) -> None:
        self._let_go()
        for threads in (self._threads, self._export_threads):
            threads.shutdown(cancel_futures=True)
        for engine in (self.engine, self._exports):
            engine.dispose()
