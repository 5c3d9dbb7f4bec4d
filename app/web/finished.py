"""Finished answers, kept in memory in front of everything else: by address, accepted type and coding, for as long as
the database does not change. Bounded in bytes; what many ask for at once is made once.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from secrets import token_hex
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.codings import coding_of
from app.web.metrics import Metrics
from app.web.negotiation import LONGEST
from app.web.signals import Signal

Headers = list[tuple[bytes, bytes]]
Key = tuple[bytes, bytes, bytes, str | None]

LARGEST = 4_000_000
"""Bytes of a body that is still kept."""
LONGEST_ACCEPT = 200
NOT_KEPT = frozenset({b"x-request-id", b"date", b"ratelimit", b"ratelimit-policy"})
NOT_OF_A_304 = frozenset({b"content-type", b"content-length", b"content-encoding", b"content-disposition", b"link"})
OWN_WAY = frozenset(
    {
        b"authorization",
        b"if-modified-since",
        b"if-match",
        b"if-unmodified-since",
        b"x-request-id",
        b"content-length",
        b"transfer-encoding",
    }
)
"""Headers of requests that go their own way, past what is kept."""


@dataclass(slots=True)
class Answer:
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
    """A request with conditions of its own, or with a header twice, is not answered from what is kept."""
    found = dict(scope["headers"])
    accept = found.get(b"accept", b"")
    if len(found) < len(scope["headers"]) or not OWN_WAY.isdisjoint(found) or len(accept) > LONGEST_ACCEPT:
        return Asked(None, None)
    coding = _coding(found.get(b"accept-encoding", b"")[:LONGEST])
    return Asked((scope["raw_path"], scope["query_string"], accept, coding), found.get(b"if-none-match"))


class Finished:
    def __init__(self, app: ASGIApp, signal: Signal, metrics: Metrics, most_bytes: int) -> None:
        self.app, self.signal, self.metrics, self.most_bytes = app, signal, metrics, most_bytes
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._making: dict[Key, asyncio.Event] = {}
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
            answer = await self._wait(asked.key, token)
        if answer is None:
            await self._make(asked, token, scope, receive, send)
            return
        await self._send(asked, answer, scope, send)

    def _get(self, key: Key, token: Any) -> Answer | None:
        answer = self._kept.get(key)
        if answer is None or answer.token != token:
            return None
        self._kept.move_to_end(key)
        return answer

    async def _wait(self, key: Key, token: Any) -> Answer | None:
        """Another request's making of the same answer, if it is under way."""
        making = self._making.get(key)
        if making is None:
            return None
        await making.wait()
        return self._get(key, token)

    async def _make(self, asked: Asked, token: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and keeps the answer, if it is a whole one that may be kept."""
        assert asked.key is not None
        if scope["method"] == "HEAD" or asked.none_match is not None or asked.key in self._making:
            await self.app(scope, receive, send)
            return
        done = self._making[asked.key] = asyncio.Event()
        keeper = _Keeper(send, scope, done)
        try:
            await self.app(scope, receive, keeper)
            answer = keeper.answer(token, getattr(scope.get("route"), "path", "none"))
            if answer is not None:
                self._keep(asked.key, answer)
        finally:
            del self._making[asked.key]
            done.set()

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
        await send({"type": "http.response.start", "status": status, "headers": stamped})
        body = b"" if fresh or scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})
        self.metrics.kept[scope["method"], answer.route, status] += 1


class _Keeper:
    """Passes an answer on and keeps what it was."""

    def __init__(self, send: Send, scope: Scope, done: asyncio.Event) -> None:
        self.send, self.scope, self.done = send, scope, done
        self.status = 0
        self.headers: Headers = []
        self.pieces: list[bytes] = []
        self.whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
            if self.scope.get("not_kept"):
                self.done.set()  # nobody needs to wait for a client that may take hours
        elif self.status == 200 and self._is_short():
            self.pieces.append(message.get("body", b""))
            self.whole = not message.get("more_body", False)
        await self.send(message)

    def _is_short(self) -> bool:
        """Streams have no length, and are no answers to keep."""
        length = dict(self.headers).get(b"content-length")
        return not self.scope.get("not_kept") and length is not None and int(length) <= LARGEST

    def answer(self, token: Any, route: str) -> Answer | None:
        headers = [(name, value) for name, value in self.headers if name.lower() not in NOT_KEPT]
        etag = dict(headers).get(b"etag")
        if not self.whole or etag is None:
            return None
        short = [(name, value) for name, value in headers if name.lower() not in NOT_OF_A_304]
        return Answer(token, etag, headers, short, b"".join(self.pieces), route)
