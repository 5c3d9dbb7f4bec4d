"""The writer queue: requests change the database one at a time, in the order in which they came.

Between processes the database's own lock decides the order. A request is answered only when its commit is on the disk.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from app.common.problems import Problem
from app.database.engine import existing, open_engine, writing
from app.settings import Settings
from app.store.revision import changing

P = ParamSpec("P")
R = TypeVar("R")


def busy() -> Problem:
    """The 503 for a change that waited too long for its turn."""
    detail = "Another change is under way and did not finish in time; nothing was changed."
    return Problem("database-unavailable", detail, headers={"retry-after": "2"})


class Writer:
    """One thread with connections of its own, on which all writing requests of this process run."""

    def __init__(self, settings: Settings) -> None:
        url = existing(settings.database_url.get_secret_value())
        self.engine: Engine = open_engine(
            url, lock_timeout_ms=settings.lock_timeout_ms, durable=True, pool_size=2, max_overflow=1
        )
        self._timeout = settings.lock_timeout_ms / 1000
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "writer")

    async def change(self, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work(connection, ...)` in a transaction of `changing`. If it raises, nothing is changed."""
        return await self.run(self._change, work, args, kwargs)

    def _change(self, work: Callable[..., R], args: tuple[object, ...], kwargs: dict[str, object]) -> R:
        with changing(self.engine) as connection:
            return work(connection, *args, **kwargs)

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` on the thread when its turn has come; a client that disconnects does not stop it halfway.

        Raises a `Problem` (503) if its turn does not come within the lock timeout.
        """
        try:
            await asyncio.wait_for(self._lock.acquire(), self._timeout)
        except TimeoutError:
            raise busy() from None
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
        running.add_done_callback(lambda _: self._lock.release())
        return await asyncio.shield(running)

    async def aside(self, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work(connection, ...)` in a transaction without the lock of `changing`, for work on no records."""
        return await self.run(self._aside, work, args, kwargs)

    def _aside(self, work: Callable[..., R], args: tuple[object, ...], kwargs: dict[str, object]) -> R:
        with writing(self.engine) as connection:
            return work(connection, *args, **kwargs)

    def close(self) -> None:
        """Wait for the work that runs, and close the thread and the connections."""
        self._thread.shutdown()
        self.engine.dispose()
