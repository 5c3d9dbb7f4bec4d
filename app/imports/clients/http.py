"""One request and its answer: redirects are checked and followed, and the answer is stored in a temporary file.

    Request -> redirects -> temporary file -> gunzip if need be -> check of the type -> `inspect`

    TransientFault    the answer may be better later: `Downloads` retries
    UnexpectedAnswer  the answer is not as documented; becomes `UnreadableInput`
    UnreadableInput   the answer cannot be used
      Missing         there is nothing at the address

No proxy is used. Compression is declined, but an answer that is gzipped anyway is unpacked within the same limits. The
temporary files have no name, so that they disappear however the process ends.
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
TIMEOUTS = httpx.Timeout(60.0, connect=10.0)
"""Seconds for the next piece of an answer. A search may take a while before it answers."""
ERROR_TEXT_SECONDS = 2.0
"""Seconds that are spent on reading the text of an error."""
TRANSIENT_STATUSES = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which a request is retried."""
MISSING_STATUSES = (404, 410)
"""Statuses that mean that there is nothing at an address."""
HEADERS = {"accept-encoding": "identity"}

T = TypeVar("T")
Inspect = Callable[[IO[bytes]], T]
"""Examines an answer; raises `TransientFault` if it was cut off, and `UnexpectedAnswer` if it is not as documented."""


class Missing(UnreadableInput):
    """There is nothing at an address: its status is 404 or 410."""


class TransientFault(Exception):
    """An answer that may be better later."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait
        """The seconds that the server asks to wait."""


class UnexpectedAnswer(Exception):
    """An answer that is not as documented."""


class Request(NamedTuple):
    """A request."""

    url: httpx.URL
    wanted: Kind | None = None
    """The type that the answer must have, if that is known."""
    form: Mapping[str, str] | None = None
    """Form data, which makes the request a POST. It may hold a key and is therefore in no error text."""

    @property
    def name(self) -> str:
        """The request's name in error texts."""
        return str(self.url)


class RequestSender(NamedTuple):
    """Sends requests."""

    client: httpx.AsyncClient
    pace: Pace
    most: int
    """The largest answer in bytes."""
    private: bool

    async def answer(self, request: Request, inspect: Inspect[T]) -> tuple[IO[bytes], T]:
        """Returns the answer as a file, which the caller closes, and what `inspect` returns for it."""
        file = TemporaryFile(prefix="evidence-")  # noqa: SIM115 - the caller closes it
        try:
            answer = await self._follow_redirects(request, file)
            self._unpack(request, file, answer.headers.get("content-encoding", ""))
            return file, _inspected(request, file, answer.headers.get("content-type", ""), inspect)
        except BaseException:
            file.close()
            raise

    async def _follow_redirects(self, request: Request, file: IO[bytes]) -> httpx.Response:
        url = request.url
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._request(request, url, file)
            if not answer.has_redirect_location:
                return answer
            url = self._redirect_target(request, url, answer)
        raise UnreadableInput(request.name, f"it leads on more than {MOST_REDIRECTS} times")

    def _redirect_target(self, request: Request, url: httpx.URL, answer: httpx.Response) -> httpx.URL:
        """The address that a redirect leads to; raises `UnreadableInput` if it may not be followed.

        The addresses of its host are checked when the connection is made.
        """
        to = answer.headers["location"]
        try:
            target = url.join(to).copy_with(fragment=None)
            target = read_url(str(target), private=self.private)
        except (Refused, httpx.InvalidURL, ValueError) as error:
            raise UnreadableInput(request.name, f"it leads to {to[:200]!r}: {error}") from None
        if request.form is not None or (url.scheme == "https" and target.scheme != "https"):
            what = "what is posted" if request.form is not None else "from https to http"
            raise UnreadableInput(request.name, f"it leads to {to[:200]!r}, and {what} is not led on")
        return target

    async def _request(self, request: Request, url: httpx.URL, file: IO[bytes]) -> httpx.Response:
        await self.pace.wait_turn(url.host)
        method = "GET" if request.form is None else "POST"
        exchange = self.client.stream(method, url, data=request.form, headers=HEADERS, timeout=TIMEOUTS)
        with _mapped_errors(request, "" if url == request.url else "it leads on: "):
            async with exchange as answer:
                if not answer.has_redirect_location:
                    await _require_success(request, answer)
                    await self._save(request, answer, file)
                return answer

    async def _save(self, request: Request, answer: httpx.Response, file: IO[bytes]) -> None:
        """Writes the answer to the file as it comes. That it is complete is checked by the HTTP client."""
        promised = answer.headers.get("content-length", "")
        self._require_small(request, int(promised[:18]) if promised.isascii() and promised.isdigit() else 0)
        async for piece in answer.aiter_raw():
            file.write(piece)
            self._require_small(request, file.tell())

    def _require_small(self, request: Request, size: int) -> None:
        if size > self.most:
            raise UnreadableInput(request.name, f"its answer is larger than {self.most:,} bytes")

    def _unpack(self, request: Request, file: IO[bytes], coding: str) -> None:
        if coding.lower() not in ("", "identity", "gzip", "x-gzip"):
            raise UnreadableInput(request.name, f"its answer is packed as {coding[:40]!r}, which nobody asked for")
        if coding.lower() in ("", "identity"):
            return
        file.seek(0)
        with TemporaryFile(prefix="evidence-") as packed:
            shutil.copyfileobj(file, packed)
            packed.seek(0)
            file.seek(0)
            file.truncate()
            with stream(request.name, gunzipped(request.name, packed, Meter(Bounds(1, self.most)))) as pieces:
                shutil.copyfileobj(pieces, file)


@contextmanager
def _mapped_errors(request: Request, prefix: str) -> Iterator[None]:
    """Turns errors of the HTTP client into `TransientFault`, if a retry may help, or else `UnreadableInput`."""
    try:
        yield
    except Unknown as unknown:
        raise TransientFault(f"{prefix}{unknown}") from None
    except (Refused, httpx.InvalidURL) as error:  # also of a redirect that is not followed
        raise UnreadableInput(request.name, f"{prefix}{error}") from None
    except httpx.TimeoutException:
        raise TransientFault("there was no answer in time") from None
    except httpx.TransportError as error:
        raise TransientFault(f"the connection broke: {error or type(error).__name__}") from None


async def _require_success(request: Request, answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.OK:
        return
    detail = f"it answered {answer.status_code}: {first_words(await _error_start(answer))}"
    if answer.status_code in TRANSIENT_STATUSES:
        raise TransientFault(detail, retry_after(answer.headers.get("retry-after", "")).total_seconds())
    raise (Missing if answer.status_code in MISSING_STATUSES else UnreadableInput)(request.name, detail)


async def _error_start(answer: httpx.Response) -> bytes:
    """The start of an error's text, as far as it comes soon; without it the status alone is reported."""
    start = b""
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(ERROR_TEXT_SECONDS):
            async for piece in answer.aiter_raw():
                start += piece[:START]
                if len(start) >= START:
                    break
    return start[:START]


def _inspected(request: Request, file: IO[bytes], content_type: str, inspect: Inspect[T]) -> T:
    """Checks the type of an answer and returns what `inspect` returns for it."""
    start = start_of(file)
    if not start:
        raise TransientFault("its answer is empty")
    fault = fault_of(request.wanted, content_type, start)
    if fault:
        raise UnreadableInput(request.name, fault)
    try:
        found = inspect(file)
    except UnexpectedAnswer as wrong:
        raise UnreadableInput(request.name, f"{wrong}: {first_words(start)}") from None
    file.seek(0)
    return found
