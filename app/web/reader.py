"""How requests reach the database without ever holding up the event loop.

SQLite's look-ups of one row run where they are, on a held connection: a hop to a thread would cost ten times as much.
Whatever can take milliseconds, and everything on PostgreSQL, runs on a small pool of threads.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, make_url

from app.db import open_engine, reading
from app.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
Work = Callable[Concatenate[Connection, P], R]


def reading_url(url: str) -> str:
    """For SQLite: the file as it is, never a new empty one in its place."""
    address = make_url(url)
    name = address.database
    if address.get_backend_name() != "sqlite" or not name or name.startswith("file:"):
        return url
    return f"sqlite:///file:{name}?mode=rw&uri=true"


class Reader:
    def __init__(self, settings: Settings) -> None:
        url = settings.database_url.get_secret_value()
        threads = settings.read_threads
        self.engine = open_engine(reading_url(url), pool_size=threads, max_overflow=0, pool_timeout=10)
        self._threads = ThreadPoolExecutor(threads, "reader")
        self._in_place = self.engine.dialect.name == "sqlite"
        self._held: Connection | None = None

    async def quick(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """One look-up by key, in a statement of its own."""
        if not self._in_place:
            return await self.run(work, *args, **kwargs)
        if self._held is None:
            self._held = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            return work(self._held, *args, **kwargs)
        except Exception:
            self._let_go()
            raise

    async def run(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Any reading; all its statements see one state of the database."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, args, kwargs)

    def _read(self, work: Callable[..., R], args: Any, kwargs: Any) -> R:
        with reading(self.engine) as connection:
            return work(connection, *args, **kwargs)

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def close(self) -> None:
        self._let_go()
        self._threads.shutdown()
        self.engine.dispose()
