"""Turns of reads: a bound on how many reads of one address run at a time, with a queue for the others.

An address means its network (`network_of`): an IPv6 client has many addresses.
"""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.common.ip_addresses import network_of
from app.common.problems import Problem

MOST_WAITING = 100
"""The most requests of one address that may wait for their turn."""


@dataclass(slots=True)
class _Turns:
    """The reads of one address: how many run, and the futures of those that wait, in order."""

    taken: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class ReadTurns:
    """The turns of all addresses: each may run `most` reads at a time; others wait up to `patience` seconds.

    With None as `most` there is no bound.
    """

    def __init__(self, most: int | None, patience: float) -> None:
        self.most, self.patience = sys.maxsize if most is None else most, patience
        self._of: dict[str, _Turns] = {}

    def are_taken(self, address: str) -> bool:
        """Return whether a request of an address would have to wait now."""
        turns = self._of.get(network_of(address))
        return turns is not None and turns.taken >= self.most

    async def take(self, address: str) -> str:
        """Wait for a turn and return the party to pass to `end`; raise a `Problem` (429) if none comes in time."""
        party = network_of(address)
        turns = self._of.setdefault(party, _Turns())
        if turns.taken < self.most:
            turns.taken += 1
            return party
        if len(turns.waiting) >= MOST_WAITING:
            raise self._too_many()
        turn = asyncio.get_running_loop().create_future()
        turns.waiting.append(turn)
        try:
            await asyncio.wait_for(turn, self.patience)
        except TimeoutError:
            if turn.done() and not turn.cancelled():  # it came at the last moment
                return party
            with suppress(ValueError):
                turns.waiting.remove(turn)
            raise self._too_many() from None
        return party

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Hold a turn while the block runs; raise a `Problem` (429) if none comes in time."""
        party = await self.take(address)
        try:
            yield
        finally:
            self.end(party)

    def end(self, party: str) -> None:
        """Pass a turn on to the next waiting request of the same party, or free it if none waits."""
        turns = self._of[party]
        while turns.waiting:
            following = turns.waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        turns.taken -= 1
        if not turns.taken:
            del self._of[party]

    def _too_many(self) -> Problem:
        detail = f"At most {self.most} requests of one address are made at a time, and too many wait already."
        return Problem("slow-down", detail, headers={"retry-after": "5"})
