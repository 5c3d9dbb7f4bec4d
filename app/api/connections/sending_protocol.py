"""How answers are sent on one connection: in pieces, counted, and only as long as the client takes them."""

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
"""Bytes a second that must move within a timeout for a connection to count as alive."""
COUNTED = 65_536
"""Bytes of a body from which on it is counted; smaller ones fit into what a connection may hold anyway."""
PIECE = 262_144
"""Bytes of a body that are handed to the connection at once."""


async def _nothing() -> None:
    """What there is to wait for where nothing is sent."""


def _party(scope: Any) -> str:
    """The address that an answer counts for: behind a trusted proxy that of the client, which came with the request."""
    return network_of(address_of(scope))


class SendingProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on what it sends; `write_timeout` is in seconds."""

    def __init__(self, budget: SendBudget, write_timeout: float, **given: Any) -> None:
        super().__init__(**given)
        self.budget, self._write_timeout = budget, write_timeout
        self._application: ASGIApp = self.app  # Starlette has its name
        self.app = self._answer  # what uvicorn calls for each request
        self.progressed_at = time.monotonic()
        self._write_timer: asyncio.TimerHandle | None = None

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether an answer waits for the client to read it."""
        return self.flow.write_paused

    def cut_off(self) -> None:
        """End the connection at once; what was not sent yet is dropped."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.budget.leave(self)
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().connection_lost(exc)

    def _close(self) -> None:
        """Close the connection when what was written has been sent, or cut it off where the client does not take it."""
        self.transport.close()
        if self._write_timer is None:
            self._watch_writing()

    def _answer(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Call the application with a `send` that is bounded; what is made for one answer ends with it."""
        return self._application(scope, receive, self._bounded(scope, send))

    def _bounded(self, scope: Any, plain: Any) -> Send:
        """The `send` of one answer. Its head waits for the first of its body, and goes with it where that is all."""
        cycle, is_closing = plain.__self__, self.transport.is_closing
        head: Message | None = None
        is_refused = False

        def send(message: Message) -> Awaitable[None]:
            nonlocal head, is_refused
            if is_closing():  # uvloop raises an error where one writes to a client that has left
                cycle.disconnected = True
            if is_refused:
                return _nothing()
            if message["type"] == "http.response.start":
                is_refused = bool(self.budget.held) and not self._has_room_for(message, scope)
                head, cycle.response_started = message, not is_refused  # what breaks off now ends the connection
                return self._send_refusal(plain) if is_refused else _nothing()
            start, head = head, None
            if start is not None and self._write_whole(cycle, start, message):
                return _nothing()
            return self._send_parts(plain, start, message, scope)

        return send

    def _write_whole(self, cycle: RequestResponseCycle, start: Message, message: Message) -> bool:
        """Write a small answer at once and end its request as uvicorn does; False where it must be sent in parts."""
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
        """Send a part of a body, behind the head (`start`) if it is the first: by the budget where it is large."""
        if start is not None:
            plain.__self__.response_started = False
            await self._send_when_room(plain, start)
        if len(message.get("body", b"")) > COUNTED:
            await self._send_large(plain, message, _party(scope))
        else:
            await self._send_when_room(plain, message)

    def _has_room_for(self, message: Message, scope: Any) -> bool:
        """Whether the body that an answer's head promises may be sent now; what is no head promises none."""
        size = _length(message)
        return size <= COUNTED or self.budget.admits(_party(scope), size)

    async def _send_when_room(self, plain: Any, message: Message) -> None:
        """Send a message that may have to wait for the client, who may leave meanwhile: uvloop raises an error then."""
        try:
            await plain(message)
        except RuntimeError:
            if not self.transport.is_closing():
                raise
            plain.__self__.disconnected = True

    async def _send_large(self, plain: Any, message: Message, party: str) -> None:
        """Send a body in pieces, each when the one before has left the connection's buffer, and count it until then."""
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
        """Cut the connection off where its client has taken next to nothing of what waits for it."""
        if before - untaken_bytes(self.transport) < min(before, LEAST_RATE * self._write_timeout):
            self.transport.abort()
        else:
            self._watch_writing()


def _length(message: Message) -> int:
    """The content-length of an answer's head; 0 where it has none."""
    return next((int(value) for name, value in message.get("headers", ()) if name == b"content-length"), 0)
