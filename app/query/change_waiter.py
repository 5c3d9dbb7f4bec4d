"""The change waiter: requests wait until the database changes, and share one task that polls it.

The task runs only while a request waits.
"""

import asyncio
from typing import Any

from app.query.change_token import ChangeToken

POLL_SECONDS = 0.1
"""The seconds between two polls."""


class ChangeWaiter:
    """Lets any number of requests wait for the next change of the database, until `stop` is called."""

    def __init__(self, signal: ChangeToken) -> None:
        self._signal = signal
        self._change = asyncio.Event()
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None
        self.stopped = False

    async def token(self) -> Any:
        """The change token of the database's present state, or None where it cannot be read."""
        return await self._signal.token()

    async def changed(self, token: Any, seconds: float) -> bool:
        """Wait until the change token differs from `token`, for at most `seconds`; returns whether it does.

        It returns True at once where `token` is None, as then nothing is known about the state before.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._waiting += 1
        try:
            while not self.stopped:
                change = self._change
                if token is None or await self._signal.token() != token:
                    return True
                self._start_polling()
                try:
                    await asyncio.wait_for(change.wait(), max(0, deadline - loop.time()))
                except TimeoutError:
                    return False
            return False
        finally:
            self._waiting -= 1

    def _start_polling(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        last = await self._signal.token()
        while self._waiting and not self.stopped:
            await asyncio.sleep(POLL_SECONDS)
            now = await self._signal.token()
            if now != last:
                last = now
                self._wake()

    def _wake(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()

    def stop(self) -> None:
        """End all waits, because the service is about to stop; `changed` returns False from then on."""
        self.stopped = True
        self._wake()
