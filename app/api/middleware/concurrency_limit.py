"""How many reads of one address are made at a time, so that no address takes all the threads that read.

The rest of an address's requests wait their turn, in order, behind each other and behind nobody else's. A turn ends
when the head of the answer is known: sending it is bounded elsewhere. Event streams and requests that wait for a change
take one for each page that they read instead.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.problems import problem_response
from app.api.http.stream_requests import is_stream
from app.api.limits.read_turns import ReadTurns
from app.api.middleware.client_address import address_of
from app.common.problems import Problem

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths whose answers say how the service is at this moment."""


class ConcurrencyLimit:
    def __init__(self, app: ASGIApp, turns: ReadTurns) -> None:
        self.app, self.turns = app, turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or _takes_no_turn(scope):
            await self.app(scope, receive, send)
            return
        try:
            party = await self.turns.take(address_of(scope))
        except Problem as problem:
            await problem_response(problem, scope["request_id"])(scope, receive, send)
            return
        answer = _Answer(send, self.turns, party)
        try:
            await self.app(scope, receive, answer)
        finally:
            answer.end()


class _Answer:
    """The `send` of a request that has a turn, which ends with the first message or with the request."""

    def __init__(self, send: Send, turns: ReadTurns, party: str) -> None:
        self.send, self.turns, self.party = send, turns, party
        self.is_over = False

    def end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.turns.end(self.party)

    async def __call__(self, message: Message) -> None:
        self.end()
        await self.send(message)


def _takes_no_turn(scope: Scope) -> bool:
    return scope["path"] in PROBES or is_stream(scope)
