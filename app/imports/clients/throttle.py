"""The rate of requests, and the delay before a request is retried."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the first retry, and the upper limit to which the delay is doubled."""
LONGEST_RETRY_AFTER = 120.0
"""The longest delay in seconds that a server may ask for; a request that needs a longer one is given up."""


class Time(NamedTuple):
    """The clock, the sleep and the random numbers, so that tests can replace them."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random
    """Returns a random number from 0 to 1."""


class Pace:
    """Keeps a least number of seconds between two requests to the same host."""

    def __init__(self, interval: float, time: Time) -> None:
        self._interval, self._time = interval, time
        self._next: dict[str, float] = {}

    async def wait_turn(self, host: str) -> None:
        """Waits until the next request to a host may be sent, and reserves it."""
        now = self._time.clock()
        at = max(now, self._next.get(host, now))
        self._next[host] = at + self._interval
        if at > now:
            await self._time.sleep(at - now)


def retry_delay(attempt: int, least: float, time: Time) -> float:
    """Seconds to wait after a failure; `attempt` is 0 for the first one.

    It is at least what the server asks for, and it is random, so that not all clients return at once.
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << attempt))
    return least + longest * (1 + time.dice()) / 2
