"""How often a server is asked, and how long to wait before it is asked again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds after a failure; each is twice as long as the one before it."""
LONGEST_ASKED = 120.0
"""Seconds that a server may have us wait; where it asks for more, it is asked another time."""


class Time(NamedTuple):
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random
    """From 0 to 1."""


class Pace:
    """So many seconds at least from one request to a host to the next."""

    def __init__(self, interval: float, time: Time) -> None:
        self._interval, self._time = interval, time
        self._next: dict[str, float] = {}

    async def turn(self, host: str) -> None:
        now = self._time.clock()
        at = max(now, self._next.get(host, now))
        self._next[host] = at + self._interval
        if at > now:
            await self._time.sleep(at - now)


def pause(attempt: int, asked: float, time: Time) -> float:
    """Seconds to wait after a failure, the first being 0: as asked at least, and not all askers at once."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << attempt))
    return asked + longest * (1 + time.dice()) / 2
