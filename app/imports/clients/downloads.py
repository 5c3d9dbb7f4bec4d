"""Downloads one after the other, with patience and within bounds, for who knows no event loop.

What may go better a moment later is asked again: no connection, a broken one, half an answer, 429 and the like.
"""

import asyncio
from types import TracebackType
from typing import IO, NamedTuple, Self, TypeVar

import httpx

from app.common import safe_http as outgoing
from app.common.safe_http import Refused, Resolve
from app.imports.clients.http import Again, Ask, Asker, Look
from app.imports.clients.throttle import LONGEST_ASKED, Pace, Time, pause
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import MOST_BYTES

T = TypeVar("T")


class Terms(NamedTuple):
    bytes: int
    """Of an answer."""
    seconds: float
    """For an answer, with all that is asked again."""
    attempts: int = 6


PAGES = Terms(2_000_000_000, 900.0)
FILES = Terms(MOST_BYTES, 4 * 3600.0)
TIME = Time()


class Downloads:
    """To be used in a `with`, as often as wanted; `private` allows addresses of one's own network, and http."""

    def __init__(
        self,
        *,
        private: bool,
        terms: Terms = PAGES,
        interval: float = 0.0,
        time: Time = TIME,
        resolve: Resolve = outgoing.resolve,
    ) -> None:
        self._private, self._terms, self._time, self._resolve = private, terms, time, resolve
        self._pace = Pace(interval, time)

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        client = outgoing.client(private=self._private, resolve=self._resolve)
        self._asker = Asker(client, self._pace, self._terms.bytes, self._private)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._runner:
            self._runner.run(self._asker.client.aclose())

    def url(self, text: str) -> httpx.URL:
        """One that may be asked, as far as its letters go."""
        try:
            return outgoing.read_url(text, private=self._private)
        except Refused as refused:
            raise UnreadableInput(text[: outgoing.LONGEST_URL], str(refused)) from None

    def file(self, ask: Ask) -> IO[bytes]:
        """The whole answer; whoever asks closes it."""
        return self.seen(ask, lambda _: None)[0]

    def seen(self, ask: Ask, look: Look[T]) -> tuple[IO[bytes], T]:
        """The whole answer, and what `look` saw in it."""
        return self._runner.run(self._in_time(ask, look))

    async def _in_time(self, ask: Ask, look: Look[T]) -> tuple[IO[bytes], T]:
        try:
            async with asyncio.timeout(self._terms.seconds):
                return await self._patiently(ask, look)
        except TimeoutError:
            raise UnreadableInput(ask.name, f"it did not answer within {self._terms.seconds:g} seconds") from None

    async def _patiently(self, ask: Ask, look: Look[T]) -> tuple[IO[bytes], T]:
        last = self._terms.attempts - 1
        for attempt in range(last):
            try:
                return await self._asker.answer(ask, look)
            except Again as again:
                wait = pause(attempt, _asked(ask, again), self._time)
            await self._time.sleep(wait)
        try:
            return await self._asker.answer(ask, look)
        except Again as again:
            raise UnreadableInput(ask.name, f"{again}; asked {self._terms.attempts} times") from None


def _asked(ask: Ask, again: Again) -> float:
    if again.asked > LONGEST_ASKED:
        raise UnreadableInput(ask.name, f"{again}; it asks to come back in {again.asked:.0f} seconds") from None
    return again.asked
