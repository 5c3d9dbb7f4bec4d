"""A bound on the reads of one address that run at a time, so that no address occupies all threads that read.

Further reads of an address wait in order for its own earlier ones, never for those of other addresses. A read gives
its turn back when the head of its response is sent: sending is bounded by the connection (`app.api.connections`). Event
streams and requests that wait for a change take a turn for each page that they read instead.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.problems import problem_response
from app.api.http.stream_requests import is_stream
from app.api.limits.read_turns import ReadTurns
from app.api.middleware.client_address import address_of
from app.common.problems import Problem

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths whose responses tell the present state of the service, so they neither wait nor are cached."""


class ConcurrencyLimit:
    """Lets a GET or HEAD request take a turn of its address, or answers with a 429 where none comes in time."""

    def __init__(self, app: ASGIApp, read_turns: ReadTurns) -> None:
        self.app, self.read_turns = app, read_turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or _takes_no_turn(scope):
            await self.app(scope, receive, send)
            return
        try:
            party = await self.read_turns.take(address_of(scope))
        except Problem as problem:
            await problem_response(problem, scope["request_id"])(scope, receive, send)
            return
        turn = _TurnEndingSend(send, self.read_turns, party)
        try:
            await self.app(scope, receive, turn)
        finally:
            turn.end()


class _TurnEndingSend:
    """A `send` that gives a turn back with the first message; the request gives it back if there is none."""

    def __init__(self, send: Send, read_turns: ReadTurns, party: str) -> None:
        self.send, self.read_turns, self.party = send, read_turns, party
        self.has_ended = False

    def end(self) -> None:
        """Give the turn back, unless that has been done."""
        if not self.has_ended:
            self.has_ended = True
            self.read_turns.end(self.party)

    async def __call__(self, message: Message) -> None:
        self.end()
        await self.send(message)


def _takes_no_turn(scope: Scope) -> bool:
    return scope["path"] in PROBES or is_stream(scope)
