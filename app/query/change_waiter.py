"""Waiting for changes: one look at the database every moment, however many wait, and none where nobody does."""

import asyncio
from typing import Any

from app.query.change_token import Signal

POLL_SECONDS = 0.1
"""Seconds between looks."""


class Watch:
    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._change = asyncio.Event()
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None
        self.stopped = False

    async def token(self) -> Any:
        return await self._signal.token()

    async def changed(self, token: Any, seconds: float) -> bool:
        """Waits until the database is no longer as it was at `token`, but no longer than that."""
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
        """Nobody waits any longer: the service is about to end."""
        self.stopped = True
        self._wake()
