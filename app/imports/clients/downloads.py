"""Downloads for callers without an event loop, one at a time, with retries and within limits.

A request is retried if it may succeed a moment later: there was no connection, it broke, the answer was cut off, or the
status was 429 or another one of `TRANSIENT_STATUSES`.
"""

import asyncio
from types import TracebackType
from typing import IO, NamedTuple, Self, TypeVar

import httpx

from app.common import safe_http as outgoing
from app.common.safe_http import Refused, Resolve
from app.imports.clients.http import Inspect, Request, RequestSender, TransientFault
from app.imports.clients.throttle import LONGEST_RETRY_AFTER, Pace, Time, retry_delay
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import MOST_BYTES

T = TypeVar("T")


class Terms(NamedTuple):
    """The limits of one request."""

    bytes: int
    """The largest answer."""
    seconds: float
    """The time for an answer, retries included."""
    attempts: int = 6


PAGES = Terms(2_000_000_000, 900.0)
"""The limits for one page of a query."""
FILES = Terms(MOST_BYTES, 4 * 3600.0)
"""The limits for a file at an address."""
TIME = Time()


class Downloads:
    """A context manager around an HTTP client; it can be entered any number of times.

    `private` allows plain http and addresses in private networks. `interval` is the least number of seconds between two
    requests to one host.
    """

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
        self._sender = RequestSender(client, self._pace, self._terms.bytes, self._private)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._runner:
            self._runner.run(self._sender.client.aclose())

    def url(self, text: str) -> httpx.URL:
        """Parses an address; raises `UnreadableInput` if it may not be requested."""
        try:
            return outgoing.read_url(text, private=self._private)
        except Refused as refused:
            raise UnreadableInput(text[: outgoing.LONGEST_URL], str(refused)) from None

    def file(self, request: Request) -> IO[bytes]:
        """Returns the whole answer as a file, which the caller closes."""
        return self.fetch(request, lambda _: None)[0]

    def fetch(self, request: Request, inspect: Inspect[T]) -> tuple[IO[bytes], T]:
        """Returns the whole answer as a file, which the caller closes, and what `inspect` returns for it."""
        return self._runner.run(self._within_time_limit(request, inspect))

    async def _within_time_limit(self, request: Request, inspect: Inspect[T]) -> tuple[IO[bytes], T]:
        try:
            async with asyncio.timeout(self._terms.seconds):
                return await self._with_retries(request, inspect)
        except TimeoutError:
            raise UnreadableInput(request.name, f"it did not answer within {self._terms.seconds:g} seconds") from None

    async def _with_retries(self, request: Request, inspect: Inspect[T]) -> tuple[IO[bytes], T]:
        last = self._terms.attempts - 1
        for attempt in range(last):
            try:
                return await self._sender.answer(request, inspect)
            except TransientFault as again:
                wait = retry_delay(attempt, _retry_after(request, again), self._time)
            await self._time.sleep(wait)
        try:
            return await self._sender.answer(request, inspect)
        except TransientFault as again:
            raise UnreadableInput(request.name, f"{again}; asked {self._terms.attempts} times") from None


def _retry_after(request: Request, again: TransientFault) -> float:
    """The seconds that the server asks to wait; raises `UnreadableInput` if they are too many."""
    if again.wait > LONGEST_RETRY_AFTER:
        raise UnreadableInput(request.name, f"{again}; it asks to come back in {again.wait:.0f} seconds") from None
    return again.wait
