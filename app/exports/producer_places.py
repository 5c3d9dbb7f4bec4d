"""A bound on the exports that are produced at a time, divided fairly among parties.

A party is a key, or the network of an address without one.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.common.problems import Problem


class ProducerPlaces:
    """A fixed number of places, each for one export in production.

    A party may take one more place only while more places are free than it has already (dynamic thresholds, Choudhury
    and Hahne 1998): alone it gets half of them, and some stay free for parties that have none.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._running: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def place(self, party: str, seconds: float) -> AsyncIterator[None]:
        """Hold a place while the block runs; raise a `Problem` (503) if none is free within so many seconds."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((party, turn))
        self._grant()
        try:
            await self._wait(party, turn, seconds)
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._free += 1
                self._running[party] -= 1
                if not self._running[party]:
                    del self._running[party]
                self._grant()

    async def _wait(self, party: str, turn: asyncio.Future[None], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await turn
        except TimeoutError:
            detail = "Other exports are being made, and this one had no turn."
            raise Problem("export-not-ready", detail, headers={"retry-after": "10"}) from None
        finally:
            self._waiting = [waiting for waiting in self._waiting if waiting[1] is not turn]

    def _grant(self) -> None:
        """Grant free places, first to the parties that have fewest, and among those to the longest waiting."""
        while eligible := [waiting for waiting in self._waiting if self._free > self._running[waiting[0]]]:
            party, turn = min(eligible, key=lambda waiting: self._running[waiting[0]])
            self._waiting.remove((party, turn))
            if not turn.done():
                self._free -= 1
                self._running[party] += 1
                turn.set_result(None)
