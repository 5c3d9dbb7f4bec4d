"""Sending responses on one connection: in pieces, counted by the send budget, and cut off if the client stalls."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Any

from starlette.types import ASGIApp, Message, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.connections.raw_answers import EVERYWHERE
from app.api.connections.send_budget import SendBudget
from app.api.connections.unsent_bytes import untaken_bytes
from app.api.connections.whole_answers import whole_answer
from app.api.http.problems import problem_response
from app.api.middleware.client_address import address_of
from app.common.ip_addresses import network_of
from app.common.problems import Problem

LEAST_RATE = 1000
"""Bytes a second that a client must send or take, as an average over a timeout, to keep its connection."""
COUNTED = 65_536
"""Bytes above which a body is counted by the budget; smaller ones fit into the buffer of a connection."""
PIECE = 262_144
"""Bytes of a body that are written to the connection at a time."""


async def _nothing() -> None:
    """The awaitable of a `send` that has nothing to wait for."""


def _party(scope: Any) -> str:
    """Return the network that a response counts for: the client's, not the proxy's, behind a trusted proxy."""
    return network_of(address_of(scope))


class SendingProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on what it sends; `write_timeout` is in seconds.

    The methods without a docstring are those of `asyncio.Protocol` and of uvicorn.
    """

    def __init__(self, budget: SendBudget, write_timeout: float, **given: Any) -> None:
        super().__init__(**given)
        self.budget, self._write_timeout = budget, write_timeout
        self._application: ASGIApp = self.app  # `app` is replaced below
        self.app = self._answer  # what uvicorn calls for each request
        self.progressed_at = time.monotonic()
        self._write_timer: asyncio.TimerHandle | None = None

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether a response waits for the client to read it."""
        return self.flow.write_paused

    def cut_off(self) -> None:
        """End the connection at once and drop all bytes that were not sent yet."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.budget.leave(self)
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().connection_lost(exc)

    def _close(self) -> None:
        """Close the connection when all written bytes are sent; cut it off if the client does not take them."""
        self.transport.close()
        if self._write_timer is None:
            self._watch_writing()

    def _answer(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Call the application for one request, with a `send` of its own that applies the bounds."""
        return self._application(scope, receive, self._bounded(scope, send))

    def _bounded(self, scope: Any, plain: Any) -> Send:
        """Return the `send` of one response. The head is held until the body begins, to go with a small body."""
        cycle, is_closing = plain.__self__, self.transport.is_closing
        head: Message | None = None
        is_refused = False

        def send(message: Message) -> Awaitable[None]:
            nonlocal head, is_refused
            if is_closing():  # uvloop raises an error on writing to a closing connection
                cycle.disconnected = True
            if is_refused:
                return _nothing()
            if message["type"] == "http.response.start":
                is_refused = bool(self.budget.bytes_held) and not self._has_room_for(message, scope)
                head, cycle.response_started = message, not is_refused  # an exception from now on closes the connection
                return self._send_refusal(plain) if is_refused else _nothing()
            start, head = head, None
            if start is not None and self._write_whole(cycle, start, message):
                return _nothing()
            return self._send_parts(plain, start, message, scope)

        return send

    def _write_whole(self, cycle: RequestResponseCycle, start: Message, message: Message) -> bool:
        """Write a small response at once and end its request as uvicorn would; return False if it must go in parts."""
        body = message.get("body", b"")
        if cycle.disconnected or self.flow.write_paused or len(body) > COUNTED or message.get("more_body"):
            return False
        method, status, headers, of_server = (
            cycle.scope["method"],
            start["status"],
            start["headers"],
            cycle.default_headers,
        )
        written = whole_answer(method, status, headers, of_server, body, keep_alive=cycle.keep_alive)
        if written is None:
            return False
        cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        self.transport.write(written)
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    async def _send_parts(self, plain: Any, start: Message | None, message: Message, scope: Any) -> None:
        """Send a part of a body, after the head (`start`) if it is the first part; the budget counts a large part."""
        if start is not None:
            plain.__self__.response_started = False
            await self._send_when_room(plain, start)
        if len(message.get("body", b"")) > COUNTED:
            await self._send_large(plain, message, _party(scope))
        else:
            await self._send_when_room(plain, message)

    def _has_room_for(self, message: Message, scope: Any) -> bool:
        """Return whether the budget admits the body whose length a response's head gives; without a length it does."""
        size = _length(message)
        return size <= COUNTED or self.budget.admits(_party(scope), size)

    async def _send_when_room(self, plain: Any, message: Message) -> None:
        """Send a message, waiting for the client if need be; uvloop raises an error if the client leaves meanwhile."""
        try:
            await plain(message)
        except RuntimeError:
            if not self.transport.is_closing():
                raise
            plain.__self__.disconnected = True

    async def _send_large(self, plain: Any, message: Message, party: str) -> None:
        """Send a body in pieces, each when the connection's buffer has room; count the body until the last is sent."""
        body, more = message["body"], message.get("more_body", False)
        view = memoryview(body)
        self.budget.enter(self, party, body)
        try:
            for start in range(0, len(body), PIECE):
                self.progressed_at = time.monotonic()
                piece, rest = bytes(view[start : start + PIECE]), more or start + PIECE < len(body)
                await self._send_when_room(plain, {"type": message["type"], "body": piece, "more_body": rest})
            self.progressed_at = time.monotonic()
            if self.flow.write_paused:
                await self.flow.drain()
        finally:
            self.budget.leave(self)

    async def _send_refusal(self, plain: Callable[[Any], Awaitable[None]]) -> None:
        detail = "Too many answers wait for clients that do not read them."
        answer = problem_response(Problem("too-busy", detail, headers={"retry-after": "5"}), token_hex(8))
        headers = [*answer.raw_headers, *EVERYWHERE]
        await plain({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await plain({"type": "http.response.body", "body": bytes(answer.body)})

    def on_response_complete(self) -> None:
        HttpToolsProtocol.on_response_complete(self)
        if self.transport.is_closing() and self._write_timer is None and self.transport.get_write_buffer_size():
            self._watch_writing()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None and not self.transport.is_closing():
            self._write_timer.cancel()
            self._write_timer = None

    def _watch_writing(self) -> None:
        self._write_timer = self.loop.call_later(
            self._write_timeout, self._check_writing, untaken_bytes(self.transport)
        )

    def _check_writing(self, before: int) -> None:
        """Cut the connection off if its client has taken less of the waiting bytes than `LEAST_RATE` demands."""
        if before - untaken_bytes(self.transport) < min(before, LEAST_RATE * self._write_timeout):
            self.transport.abort()
        else:
            self._watch_writing()


def _length(message: Message) -> int:
    """Return the Content-Length in a response's head, or 0 without one."""
    return next((int(value) for name, value in message.get("headers", ()) if name == b"content-length"), 0)
