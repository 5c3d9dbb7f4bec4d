"""Finished answers, kept in memory in front of everything else: by address, accepted type and coding, for as long as
the database does not change. Bounded in bytes; what many ask for at once is made once.

An answer is made whole, then kept, then sent. Requests for an answer that is being made wait for the making, never for
another client's socket: a leader that will not be kept lets its followers go when its head is known. Probes, metrics,
event streams and requests that wait for a change neither lead nor follow.
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
from app.api.limits.rate_limit import Limits
from app.api.limits.read_turns import ReadTurns
from app.api.metrics import Metrics
from app.api.middleware.client_address import address_of
from app.api.middleware.concurrency_limit import PROBES
from app.query.change_token import Signal

Headers = list[tuple[bytes, bytes]]
Key = tuple[bytes, bytes, bytes, str | None]

LARGEST = 5_000_000
"""Bytes of a body that is still kept: a page of `EVIDENCE_PAGE_BYTES` and what stands around its items."""
LARGE = 65_536
"""Bytes of a kept body that are counted: smaller ones cost less than the counting."""
LONGEST_ACCEPT = 200
NOT_KEPT = frozenset({b"x-request-id", b"date", b"ratelimit", b"ratelimit-policy"})
NOT_OF_A_304 = security_headers.NAMES | {
    b"content-type",
    b"content-length",
    b"content-encoding",
    b"content-disposition",
    b"link",
}
OWN_WAY = frozenset(
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
"""Headers of requests that go their own way, past what is kept."""


@dataclass(slots=True)
class Answer:
    """A whole 200, and the state of the database, `token`, that it is of."""

    token: Any
    etag: bytes
    headers: Headers
    short_headers: Headers
    body: bytes
    route: str

    @property
    def size(self) -> int:
        return len(self.body) + 500


class Asked(NamedTuple):
    """What of a request decides its answer."""

    key: Key | None
    none_match: bytes | None


@lru_cache(maxsize=512)
def _coding(header: bytes) -> str | None:
    return coding_of(header.decode("latin-1"))


def _asked(scope: Scope) -> Asked:
    """The parts of a request that decide its answer; the key is None where the request must be answered anew.

    Those are requests with conditions of their own, with a header twice, probes, event streams and long polls.
    """
    found = dict(scope["headers"])
    accept = found.get(b"accept", b"")
    path, query = scope["raw_path"], scope["query_string"]
    if len(found) < len(scope["headers"]) or not OWN_WAY.isdisjoint(found) or len(accept) > LONGEST_ACCEPT:
        return Asked(None, None)
    if scope["path"] in PROBES or is_stream(scope):
        return Asked(None, None)
    coding = _coding(found.get(b"accept-encoding", b"")[:LONGEST])
    return Asked((path, query, accept, coding), found.get(b"if-none-match"))


class Finished:
    """The cache of finished answers as the outermost layer that knows the database.

    `most_bytes` bounds all kept answers together; 0 keeps none and turns the layer off. `patience` is how many seconds
    a request waits for another one's making before it makes the answer itself. A request that would have to wait for a
    turn of its address (`turns`) does not lead: its followers would wait for that address as well. Large answers count
    against the bytes of an address (`limits`), and one that has none left is refused further in.
    """

    def __init__(
        self,
        app: ASGIApp,
        signal: Signal,
        metrics: Metrics,
        most_bytes: int,
        *,
        patience: float = 30.0,
        turns: ReadTurns | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.app, self.signal, self.metrics, self.most_bytes = app, signal, metrics, most_bytes
        self.patience, self.turns, self.limits = patience, turns, limits
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._making: dict[tuple[Key, Any], asyncio.Event] = {}
        self._prefix, self._number = token_hex(6).encode(), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not self.most_bytes:
            await self.app(scope, receive, send)
            return
        asked = _asked(scope)
        token = await self.signal.token() if asked.key else None
        if asked.key is None or token is None:
            await self.app(scope, receive, send)
            return
        answer = self._get(asked.key, token)
        if answer is None:
            answer = await self._follow(asked.key, token)
        if answer is None:
            await self._lead(asked, token, scope, receive, send)
        elif len(answer.body) > LARGE and not self._charge(scope, answer):
            await self.app(scope, receive, send)
        else:
            await self._send(asked, answer, scope, send)

    def _charge(self, scope: Scope, answer: Answer) -> bool:
        """Count a large answer against the bytes of its address; False where the address has none left."""
        if self.limits is None or not self.limits.enabled:
            return True
        address = address_of(scope)
        if not self.limits.has_bytes_left(address):
            return False
        self.limits.charge(key_id=None, address=address, bytes_sent=len(answer.body), seconds=0.0)
        return True

    def _get(self, key: Key, token: Any) -> Answer | None:
        answer = self._kept.get(key)
        if answer is None or answer.token != token:
            return None
        self._kept.move_to_end(key)
        return answer

    async def _follow(self, key: Key, token: Any) -> Answer | None:
        """Return another request's answer once it is made; None where none is being made or it is not kept in time."""
        making = self._making.get((key, token))
        if making is None:
            return None
        with suppress(TimeoutError):
            await asyncio.wait_for(making.wait(), self.patience)
        return self._get(key, token)

    async def _lead(self, asked: Asked, token: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and keep its answer where it is a whole one that may be kept."""
        assert asked.key is not None
        making_key = (asked.key, token)
        alone = scope["method"] == "HEAD" or asked.none_match is not None or making_key in self._making
        if alone or (self.turns is not None and self.turns.are_taken(address_of(scope))):
            await self.app(scope, receive, send)
            return
        self._making[making_key] = asyncio.Event()
        maker = _Maker(scope, send, partial(self._settle, asked.key, token))
        try:
            await self.app(scope, receive, maker)
        finally:
            self._settle(asked.key, token, None)

    def _settle(self, key: Key, token: Any, answer: Answer | None) -> None:
        """End a making: keep its answer, if there is one, and let those who wait for it go on."""
        making = self._making.pop((key, token), None)
        if making is None:
            return
        if answer is not None:
            answer.token = token
            self._keep(key, answer)
        making.set()

    def _keep(self, key: Key, answer: Answer) -> None:
        before = self._kept.pop(key, None)
        self._bytes += answer.size - (before.size if before else 0)
        self._kept[key] = answer
        while self._bytes > self.most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size

    async def _send(self, asked: Asked, answer: Answer, scope: Scope, send: Send) -> None:
        fresh = asked.none_match is not None and (answer.etag in asked.none_match or asked.none_match == b"*")
        status, headers = (304, answer.short_headers) if fresh else (200, answer.headers)
        self._number += 1
        stamped = [*headers, (b"x-request-id", b"%b%x" % (self._prefix, self._number))]
        self.metrics.kept[scope["method"], answer.route, status] += 1
        await send({"type": "http.response.start", "status": status, "headers": stamped})
        body = b"" if fresh or scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})


class _Maker:
    """The `send` of a request that leads: it gathers an answer that may be kept, and passes on every other one.

    Whether an answer may be kept is known when its head comes; `settle` is called then without an answer where it may
    not, and with the whole answer, before its first byte is sent, where it may.
    """

    def __init__(self, scope: Scope, send: Send, settle: Callable[[Answer | None], None]) -> None:
        self.scope, self.send, self.settle = scope, send, settle
        self.start: Message | None = None
        """The head that is held back while the answer is gathered."""
        self.pieces: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._may_be_kept(message):
            self.start = message
        elif self.start is None:
            self.settle(None)
            await self.send(message)
        else:
            self.pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._end(self.start)

    def _may_be_kept(self, start: Message) -> bool:
        """A stream has no length, and is no answer to keep."""
        if start["status"] != 200 or self.scope.get("not_kept"):
            return False
        headers = dict(start["headers"])
        length = headers.get(b"content-length")
        return length is not None and int(length) <= LARGEST and b"etag" in headers

    async def _end(self, start: Message) -> None:
        body = b"".join(self.pieces)
        self.pieces.clear()
        self.settle(self._answer(start["headers"], body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    def _answer(self, made: Headers, body: bytes) -> Answer:
        headers = [(name, value) for name, value in made if name.lower() not in NOT_KEPT]
        short = [(name, value) for name, value in headers if name.lower() not in NOT_OF_A_304]
        route = getattr(self.scope.get("route"), "path", "none")
        return Answer(None, dict(headers)[b"etag"], headers, short, body, route)
