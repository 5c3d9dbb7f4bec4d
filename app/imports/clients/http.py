"""One answer to one question: redirects followed where each may lead, kept in a temporary file, looked at.

No proxy is asked and no packing is wanted; an answer that comes gzipped nevertheless is unpacked to the same bounds.
Files have no name, so they are gone however this ends.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, NamedTuple, TypeVar

import httpx

from app.common.safe_http import Refused, Unknown, read_url, retry_after
from app.common.zip_safety import Bounds
from app.imports.clients.content_checks import START, Kind, fault_of, first_words, start_of
from app.imports.clients.throttle import Pace
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import Meter
from app.imports.readers.streams import gunzipped, stream

MOST_REDIRECTS = 5
STEP = httpx.Timeout(60.0, connect=10.0)
"""Seconds for the next piece of an answer; a search may take a while to begin."""
PATIENCE_WITH_WORDS = 2.0
"""Seconds for what an answer says about an error."""
PASSING = (408, 425, 429, 500, 502, 503, 504)
GONE = (404, 410)
HEADERS = {"accept-encoding": "identity"}

T = TypeVar("T")
Look = Callable[[IO[bytes]], T]
"""What is to be seen in an answer; raises `Again` where half of it is missing, `Wrong` where it is odd."""


class Missing(UnreadableInput):
    """There is nothing at an address: 404 or 410."""


class Again(Exception):
    """An answer that may be another one later."""

    def __init__(self, reason: str, asked: float = 0.0) -> None:
        super().__init__(reason)
        self.asked = asked
        """Seconds to wait, by the server's own word."""


class Wrong(Exception):
    """An answer that is not as documented."""


class Ask(NamedTuple):
    url: httpx.URL
    wanted: Kind | None = None
    form: Mapping[str, str] | None = None
    """Makes it a POST, and is in no error: a key may be in it."""

    @property
    def name(self) -> str:
        return str(self.url)


class Asker(NamedTuple):
    client: httpx.AsyncClient
    pace: Pace
    most: int
    """Bytes of an answer."""
    private: bool

    async def answer(self, ask: Ask, look: Look[T]) -> tuple[IO[bytes], T]:
        file = TemporaryFile(prefix="evidence-")  # noqa: SIM115 - whoever asked closes it
        try:
            answer = await self._followed(ask, file)
            self._unpack(ask, file, answer.headers.get("content-encoding", ""))
            return file, _seen(ask, file, answer.headers.get("content-type", ""), look)
        except BaseException:
            file.close()
            raise

    async def _followed(self, ask: Ask, file: IO[bytes]) -> httpx.Response:
        url = ask.url
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._asked(ask, url, file)
            if not answer.has_redirect_location:
                return answer
            url = self._redirected(ask, url, answer)
        raise UnreadableInput(ask.name, f"it leads on more than {MOST_REDIRECTS} times")

    def _redirected(self, ask: Ask, url: httpx.URL, answer: httpx.Response) -> httpx.URL:
        """Where to; the guard looks at the host's addresses when it is asked."""
        to = answer.headers["location"]
        try:
            target = url.join(to).copy_with(fragment=None)
            target = read_url(str(target), private=self.private)
        except (Refused, httpx.InvalidURL, ValueError) as error:
            raise UnreadableInput(ask.name, f"it leads to {to[:200]!r}: {error}") from None
        if ask.form is not None or (url.scheme == "https" and target.scheme != "https"):
            what = "what is posted" if ask.form is not None else "from https to http"
            raise UnreadableInput(ask.name, f"it leads to {to[:200]!r}, and {what} is not led on")
        return target

    async def _asked(self, ask: Ask, url: httpx.URL, file: IO[bytes]) -> httpx.Response:
        await self.pace.turn(url.host)
        method = "GET" if ask.form is None else "POST"
        asking = self.client.stream(method, url, data=ask.form, headers=HEADERS, timeout=STEP)
        with _told(ask, "" if url == ask.url else "it leads on: "):
            async with asking as answer:
                if not answer.has_redirect_location:
                    await _require_good(ask, answer)
                    await self._keep(ask, answer, file)
                return answer

    async def _keep(self, ask: Ask, answer: httpx.Response, file: IO[bytes]) -> None:
        """As it comes; that all of it comes is looked after where the connection is read."""
        promised = answer.headers.get("content-length", "")
        self._require_small(ask, int(promised[:18]) if promised.isascii() and promised.isdigit() else 0)
        async for piece in answer.aiter_raw():
            file.write(piece)
            self._require_small(ask, file.tell())

    def _require_small(self, ask: Ask, size: int) -> None:
        if size > self.most:
            raise UnreadableInput(ask.name, f"its answer is larger than {self.most:,} bytes")

    def _unpack(self, ask: Ask, file: IO[bytes], coding: str) -> None:
        if coding.lower() not in ("", "identity", "gzip", "x-gzip"):
            raise UnreadableInput(ask.name, f"its answer is packed as {coding[:40]!r}, which nobody asked for")
        if coding.lower() in ("", "identity"):
            return
        file.seek(0)
        with TemporaryFile(prefix="evidence-") as packed:
            shutil.copyfileobj(file, packed)
            packed.seek(0)
            file.seek(0)
            file.truncate()
            with stream(ask.name, gunzipped(ask.name, packed, Meter(Bounds(1, self.most)))) as pieces:
                shutil.copyfileobj(pieces, file)


@contextmanager
def _told(ask: Ask, how: str) -> Iterator[None]:
    """What may go better another time, and what will not."""
    try:
        yield
    except Unknown as unknown:
        raise Again(f"{how}{unknown}") from None
    except (Refused, httpx.InvalidURL) as error:  # also of a redirect that is not followed
        raise UnreadableInput(ask.name, f"{how}{error}") from None
    except httpx.TimeoutException:
        raise Again("there was no answer in time") from None
    except httpx.TransportError as error:
        raise Again(f"the connection broke: {error or type(error).__name__}") from None


async def _require_good(ask: Ask, answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.OK:
        return
    detail = f"it answered {answer.status_code}: {first_words(await _start(answer))}"
    if answer.status_code in PASSING:
        raise Again(detail, retry_after(answer.headers.get("retry-after", "")).total_seconds())
    raise (Missing if answer.status_code in GONE else UnreadableInput)(ask.name, detail)


async def _start(answer: httpx.Response) -> bytes:
    """As far as it comes soon; the status counts."""
    start = b""
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(PATIENCE_WITH_WORDS):
            async for piece in answer.aiter_raw():
                start += piece[:START]
                if len(start) >= START:
                    break
    return start[:START]


def _seen(ask: Ask, file: IO[bytes], content_type: str, look: Look[T]) -> T:
    start = start_of(file)
    if not start:
        raise Again("its answer is empty")
    fault = fault_of(ask.wanted, content_type, start)
    if fault:
        raise UnreadableInput(ask.name, fault)
    try:
        seen = look(file)
    except Wrong as wrong:
        raise UnreadableInput(ask.name, f"{wrong}: {first_words(start)}") from None
    file.seek(0)
    return seen
