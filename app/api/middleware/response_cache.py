"""A response cache in memory (RFC 9111), in front of everything that knows the database.

A response is stored by target, accepted media type and content coding, and is fresh as long as the database does not
change (`app.query.change_token`). All stored responses together are bounded in bytes.

Requests for a response that is being made are collapsed into one (RFC 9111 §4):

    first request     forwards; its response is gathered whole, stored, and only then sent
    further requests  wait for the stored response, never for the first client to read its own

If the head of the first response shows that it cannot be stored, the waiting requests are released at once. Probes,
metrics, event streams and requests that wait for a change are neither stored nor collapsed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from secrets import token_hex
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http import security_headers
from app.api.http.content_coding import coding_of
from app.api.http.negotiation import LONGEST
from app.api.http.stream_requests import is_stream
from app.api.limits.rate_limit import RateLimiter
from app.api.limits.read_turns import ReadTurns
from app.api.metrics import Metrics
from app.api.middleware.client_address import address_of
from app.api.middleware.concurrency_limit import PROBES
from app.query.change_token import ChangeToken

Headers = list[tuple[bytes, bytes]]
Key = tuple[bytes, bytes, bytes, str | None]

LARGEST = 5_000_000
"""The most bytes of a body that is stored: a page of `EVIDENCE_PAGE_BYTES` and what surrounds its items."""
LARGE = 65_536
"""Bytes above which a stored body is charged to the address it is sent to; charging costs more than a smaller one."""
LONGEST_ACCEPT = 200
NOT_STORED = frozenset({b"x-request-id", b"date", b"ratelimit", b"ratelimit-policy"})
NOT_OF_A_304 = security_headers.NAMES | {
    b"content-type",
    b"content-length",
    b"content-encoding",
    b"content-disposition",
    b"link",
}
BYPASSING = frozenset(
    {
        b"authorization",
        b"if-modified-since",
        b"if-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
        b"x-request-id",
        b"content-length",
        b"transfer-encoding",
    }
)
"""Request headers with which a request is forwarded without a look at the cache."""


@dataclass(slots=True)
class StoredResponse:
    """A whole 200, with the headers of the 304 that stands for it, and the token of the database's state."""

    token: Any
    etag: bytes
    headers: Headers
    headers_of_304: Headers
    body: bytes
    route: str

    @property
    def size(self) -> int:
        """The bytes that the response counts for, with an estimate of its headers."""
        return len(self.body) + 500


class CacheRequest(NamedTuple):
    """The parts of a request that select its response: the cache key and the value of `If-None-Match`."""

    key: Key | None
    """None if the request bypasses the cache."""
    none_match: bytes | None


@lru_cache(maxsize=512)
def _coding(header: bytes) -> str | None:
    return coding_of(header.decode("latin-1"))


def _cache_request(scope: Scope) -> CacheRequest:
    """Read what selects the response to a request.

    A request bypasses the cache if it has a header of `BYPASSING` or a header twice, or is for a probe or a stream.
    """
    found = dict(scope["headers"])
    accept = found.get(b"accept", b"")
    path, query = scope["raw_path"], scope["query_string"]
    if len(found) < len(scope["headers"]) or not BYPASSING.isdisjoint(found) or len(accept) > LONGEST_ACCEPT:
        return CacheRequest(None, None)
    if scope["path"] in PROBES or is_stream(scope):
        return CacheRequest(None, None)
    coding = _coding(found.get(b"accept-encoding", b"")[:LONGEST])
    return CacheRequest((path, query, accept, coding), found.get(b"if-none-match"))


class ResponseCache:
    """The middleware that answers from stored responses, and stores those that it forwards.

    `most_bytes` bounds all stored responses together; 0 turns the cache off. `patience` is how many seconds a collapsed
    request waits before it is forwarded itself. A request that would have to wait for a turn of its address
    (`read_turns`) is not waited for: other addresses would wait for that address too. A large response is charged to
    the bytes of its address (`rate_limiter`); if none are left, the request is forwarded, to be refused further in.
    """

    def __init__(
        self,
        app: ASGIApp,
        signal: ChangeToken,
        metrics: Metrics,
        most_bytes: int,
        *,
        patience: float = 30.0,
        read_turns: ReadTurns | None = None,
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        self.app, self.signal, self.metrics, self.most_bytes = app, signal, metrics, most_bytes
        self.patience, self.read_turns, self.rate_limiter = patience, read_turns, rate_limiter
        self._stored: OrderedDict[Key, StoredResponse] = OrderedDict()
        self._bytes = 0
        self._in_progress: dict[tuple[Key, Any], asyncio.Event] = {}
        """The responses that are being made, by key and token; an event is set when its response is stored, or not."""
        self._id_prefix, self._served = token_hex(6).encode(), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not self.most_bytes:
            await self.app(scope, receive, send)
            return
        request = _cache_request(scope)
        token = await self.signal.token() if request.key else None
        if request.key is None or token is None:
            await self.app(scope, receive, send)
        else:
            await self._answer(request, request.key, token, scope, receive, send)

    async def _answer(
        self, request: CacheRequest, key: Key, token: Any, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send the stored response of this key and token, or the one that is being made, or make it."""
        response = self._get(key, token) or await self._collapse(key, token)
        if response is None:
            await self._forward(request, token, scope, receive, send)
        elif len(response.body) > LARGE and not self._charge(scope, response):
            await self.app(scope, receive, send)
        else:
            await self._send(request, response, scope, send)

    def _charge(self, scope: Scope, response: StoredResponse) -> bool:
        """Charge a large response to its address; return False if the address has no bytes left."""
        if self.rate_limiter is None or not self.rate_limiter.enabled:
            return True
        address = address_of(scope)
        if not self.rate_limiter.has_bytes_left(address):
            return False
        self.rate_limiter.charge(key_id=None, address=address, bytes_sent=len(response.body), seconds=0.0)
        return True

    def _get(self, key: Key, token: Any) -> StoredResponse | None:
        response = self._stored.get(key)
        if response is None or response.token != token:
            return None
        self._stored.move_to_end(key)
        return response

    async def _collapse(self, key: Key, token: Any) -> StoredResponse | None:
        """Wait for a response that is being made and return it; None if there is none, or it is not stored in time."""
        making = self._in_progress.get((key, token))
        if making is None:
            return None
        with suppress(TimeoutError):
            await asyncio.wait_for(making.wait(), self.patience)
        return self._get(key, token)

    async def _forward(self, request: CacheRequest, token: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and store its response if others may wait for it and it can be stored."""
        assert request.key is not None
        progress_key = (request.key, token)
        alone = scope["method"] == "HEAD" or request.none_match is not None or progress_key in self._in_progress
        if alone or (self.read_turns is not None and self.read_turns.are_taken(address_of(scope))):
            await self.app(scope, receive, send)
            return
        self._in_progress[progress_key] = asyncio.Event()
        gathering = _GatheringSend(scope, send, partial(self._settle, request.key, token))
        try:
            await self.app(scope, receive, gathering)
        finally:
            self._settle(request.key, token, None)

    def _settle(self, key: Key, token: Any, response: StoredResponse | None) -> None:
        """End the making of a response: store it, if there is one, and release the requests that wait for it."""
        making = self._in_progress.pop((key, token), None)
        if making is None:
            return
        if response is not None:
            response.token = token
            self._store(key, response)
        making.set()

    def _store(self, key: Key, response: StoredResponse) -> None:
        before = self._stored.pop(key, None)
        self._bytes += response.size - (before.size if before else 0)
        self._stored[key] = response
        while self._bytes > self.most_bytes:
            _, oldest = self._stored.popitem(last=False)
            self._bytes -= oldest.size

    async def _send(self, request: CacheRequest, response: StoredResponse, scope: Scope, send: Send) -> None:
        fresh = request.none_match is not None and (response.etag in request.none_match or request.none_match == b"*")
        status, headers = (304, response.headers_of_304) if fresh else (200, response.headers)
        self._served += 1
        request_id = (b"x-request-id", b"%b%x" % (self._id_prefix, self._served))
        self.metrics.cache_hits[scope["method"], response.route, status] += 1
        await send({"type": "http.response.start", "status": status, "headers": [*headers, request_id]})
        body = b"" if fresh or scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})


class _GatheringSend:
    """The `send` of a forwarded request: it gathers a response that can be stored, and passes on any other at once.

    The head of a response shows whether it can be stored. If not, `settle` is called with None when the head comes; if
    so, `settle` is called with the whole response before its first byte is sent.
    """

    def __init__(self, scope: Scope, send: Send, settle: Callable[[StoredResponse | None], None]) -> None:
        self.scope, self.send, self.settle = scope, send, settle
        self.start: Message | None = None
        """The head of a response that is being gathered."""
        self.pieces: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._can_be_stored(message):
            self.start = message
        elif self.start is None:
            self.settle(None)
            await self.send(message)
        else:
            self.pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._end(self.start)

    def _can_be_stored(self, start: Message) -> bool:
        """Return whether a response is a 200 of a known, small length with an entity tag. Streams have no length."""
        if start["status"] != 200 or self.scope.get("bypass_cache"):
            return False
        headers = dict(start["headers"])
        length = headers.get(b"content-length")
        return length is not None and int(length) <= LARGEST and b"etag" in headers

    async def _end(self, start: Message) -> None:
        body = b"".join(self.pieces)
        self.pieces.clear()
        self.settle(self._response(start["headers"], body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    def _response(self, made: Headers, body: bytes) -> StoredResponse:
        headers = [(name, value) for name, value in made if name.lower() not in NOT_STORED]
        headers_of_304 = [(name, value) for name, value in headers if name.lower() not in NOT_OF_A_304]
        route = getattr(self.scope.get("route"), "path", "none")
        return StoredResponse(None, dict(headers)[b"etag"], headers, headers_of_304, body, route)
