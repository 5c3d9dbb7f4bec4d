"""HTTP/1.1 on one connection, as uvicorn speaks it, bounded in time and in bytes.

Stage of a connection       bound                                        what happens at its end
head of a request           `header_timeout_seconds`, LARGEST_HEAD       408 or 431, the connection closes
content of a request        LEAST_RATE within a `body_timeout`           408, the connection closes
answer that is not taken    LEAST_RATE within a `write_timeout`          the connection is cut off
content after its answer    LINGER_SECONDS                               the connection closes
between two requests        uvicorn's keep-alive timeout                 the connection closes

Trailers are dropped: nothing here reads them, and what a trailer says must not pass for a header (RFC 9110, 6.5.1).
What the parser cannot read, and every connection beyond the limits, is answered by a problem like everything else.
"""

import asyncio
import fcntl
import socket
import struct
import termios
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from secrets import token_hex
from typing import Any, Literal, NamedTuple

from starlette.types import ASGIApp, Message, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import KINDS, Problem
from app.web.client_address import address_of, network_of
from app.web.connection_limits import ConnectionLimits
from app.web.cors import ALLOW_ORIGIN, EXPOSE_HEADERS
from app.web.problems import problem_response
from app.web.security_headers import OF_NO_PAGE
from app.web.send_budget import SendBudget

LARGEST_HEAD = 131_072
"""Bytes of a request's line and headers that are read; the address alone may have 64 KB."""
MOST_PIPELINED = 32
"""Requests that may wait on one connection behind the one that is being answered (RFC 9112, 9.3.2)."""
LEAST_RATE = 1000
"""Bytes a second that must move within a timeout for a connection to count as alive."""
LINGER_SECONDS = 2.0
"""How long the rest of a request may still come when it has been answered, so that its client gets to the answer."""
COUNTED = 65_536
"""Bytes of a body from which on it is counted; smaller ones fit into what a connection may hold anyway."""
PIECE = 262_144
"""Bytes of a body that are handed to the connection at once."""

EVERYWHERE = (*OF_NO_PAGE, ALLOW_ORIGIN, EXPOSE_HEADERS)
"""Headers of answers that no layer of the application sees."""

Stage = Literal["head", "content"]


class Timeouts(NamedTuple):
    """Seconds that a client may take for each stage of a connection."""

    header: float
    body: float
    write: float


def raw_answer(problem: Problem) -> bytes:
    """A problem as the bytes of a whole HTTP/1.1 answer, after which the connection closes."""
    answer = problem_response(problem, token_hex(8))
    given = (*answer.raw_headers, *EVERYWHERE, (b"connection", b"close"))
    head = [b"%b: %b\r\n" % header for header in given]
    status = KINDS[problem.kind].status
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return b"".join([line, *head, b"\r\n", bytes(answer.body)])


def _party(scope: Any) -> str:
    """The address that an answer counts for: behind a trusted proxy that of the client, which came with the request."""
    return network_of(address_of(scope))


def _head_too_large() -> Problem:
    return Problem("headers-too-large", f"The request line and the headers have more than {LARGEST_HEAD:,} bytes.")


async def _nothing() -> None:
    """The rest of an answer that a refusal stands in place of."""


class HttpProtocol(HttpToolsProtocol):
    def __init__(self, limits: ConnectionLimits, budget: SendBudget, timeouts: Timeouts, **given: Any) -> None:
        super().__init__(**given)
        self.limits, self.budget, self.timeouts = limits, budget, timeouts
        self._application: ASGIApp = self.app  # Starlette has its name
        self.app = self._answer  # what uvicorn calls for each request
        self.address = "unknown"
        self.progressed_at = time.monotonic()
        self._in_head, self._head_bytes, self._received = True, 0, 0
        self._in_content, self._moves_on, self._framing_bytes = False, False, 0
        self._piece_bytes = 0
        """Bytes of all pieces that hold a part of the head that is being read, whatever else is in them."""
        self._refusal: Problem | None = None
        self._is_deaf = False
        self._linger_timer: asyncio.TimerHandle | None = None
        self._stage: Stage | None = None
        self._stage_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    @property
    def is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether an answer waits for the client to read it."""
        return self.flow.write_paused

    def cut_off(self) -> None:
        """End the connection at once; what was not sent yet is dropped."""
        self.transport.abort()

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self.address = network_of(address_of({"client": self.client}))
        refused = self.limits.admit(self)
        if refused:
            self._end_with(refused)
            return
        self._watch_stage()

    def connection_lost(self, exc: Exception | None) -> None:
        self.limits.forget(self)
        self.budget.leave(self)
        for timer in (self._stage_timer, self._write_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _close(self) -> None:
        """Close the connection when what was written has been sent, or cut it off where the client does not take it."""
        self.transport.close()
        if self._write_timer is None:
            self._watch_writing()

    def _end_with(self, problem: Problem) -> None:
        """Answer with a problem and close, dropping whatever else is asked for on this connection."""
        if self.is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not self.transport.is_closing():
            self.transport.write(raw_answer(problem))
            self._close()

    def timeout_keep_alive_handler(self) -> None:
        if not self.transport.is_closing():
            self._close()

    # Receiving

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        keep_alive = self.timeout_keep_alive_task
        self._received += len(data)
        self._piece_bytes, self._moves_on = self._piece_bytes * self._in_head + len(data), False
        HttpToolsProtocol.data_received(self, data)
        if self._in_head or self._in_content or self._stage is not None:
            self._watch(data)
        elif keep_alive is not None and self.cycle.response_complete:
            self._stay_idle(keep_alive)

    def _watch(self, data: bytes) -> None:
        """Bound the bytes and the time of a request that is not here as a whole yet."""
        if self.transport.is_closing():
            return
        self._count(data)
        if max(self._head_bytes, self._framing_bytes) > LARGEST_HEAD:
            self._refuse_head()
        else:
            self._watch_stage()

    def _count(self, data: bytes) -> None:
        """Count bytes that are kept by the parser or are of no use, by what the connection is in the middle of."""
        if self._in_head:
            self._head_bytes += len(data) if self._head_bytes else 1  # the first piece may hold other things as well
        elif self._in_content:  # what comes without a byte of content is trailers, or chunks' extensions
            self._framing_bytes = 0 if self._moves_on else self._framing_bytes + len(data)

    def _stay_idle(self, keep_alive: asyncio.TimerHandle) -> None:
        """Bytes that begin no request, such as an empty line, do not keep a connection beyond its time."""
        self.timeout_keep_alive_task = self.loop.call_at(keep_alive.when(), self.timeout_keep_alive_handler)

    def _refuse_head(self) -> None:
        if self.is_answering or self._in_content:  # an answer is on its way, and nothing may be put between
            self.transport.abort()
            return
        self._end_with(_head_too_large())

    def on_message_begin(self) -> None:
        HttpToolsProtocol.on_message_begin(self)
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head, self._in_content, self._head_bytes, self._framing_bytes = False, True, 0, 0
        if self._piece_bytes > LARGEST_HEAD and sum(len(n) + len(v) for n, v in self.headers) > LARGEST_HEAD:
            self._refusal = _head_too_large()
            raise ValueError(self._refusal.detail)  # the parser reads no further, and `send_400_response` answers
        HttpToolsProtocol.on_headers_complete(self)
        self.headers = []  # trailers go into this list, and are dropped with it
        if len(self.pipeline) > MOST_PIPELINED:
            self.transport.abort()
            raise ConnectionAbortedError("too many requests wait on one connection")  # the parser reads no further

    def on_chunk_header(self) -> None:
        self._moves_on = True

    def on_body(self, body: bytes) -> None:
        self._moves_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_content = False
        HttpToolsProtocol.on_message_complete(self)
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is upgraded to here: the request is answered, and whatever follows it is not HTTP any more."""
        self._is_deaf = True
        self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        if self.transport.is_closing():
            return
        malformed = Problem("malformed-request", f"{msg} An address may have no more than 64 KB.")
        self._end_with(self._refusal or malformed)

    def _stage_now(self) -> Stage | None:
        if self._in_head:
            return "head" if self._head_bytes or self.cycle is None else None
        return "content" if self.cycle.more_body and not self.cycle.response_complete else None

    def _watch_stage(self) -> None:
        """See to it that a timer runs while a request is being received, and that it began with this stage of it."""
        stage = self._stage_now()
        if stage is self._stage:
            return
        if self._stage_timer is not None:
            self._stage_timer.cancel()
        self._stage, self._stage_timer = stage, None
        if stage is not None:
            self._start_stage_timer(stage)

    def _start_stage_timer(self, stage: Stage) -> None:
        seconds = self.timeouts.header if stage == "head" else self.timeouts.body
        self._stage_timer = self.loop.call_later(seconds, self._stage_over, stage, self._received)

    def _stage_over(self, stage: Stage, received: int) -> None:
        if self.transport.is_closing():
            return
        if self._stage_now() != stage:
            self._watch_stage()
        elif self._is_our_delay(stage) or (stage == "content" and self._moved_on_since(received)):
            self._start_stage_timer(stage)
        elif self._in_head and not self._head_bytes:
            self._close()  # a client that has asked for nothing waits for no answer
        else:
            self._end_with(Problem("request-timeout", "The request did not come within the time allowed for it."))

    def _moved_on_since(self, received: int) -> bool:
        return self._received - received >= LEAST_RATE * self.timeouts.body

    def _is_our_delay(self, stage: Stage) -> bool:
        """Whether it is not the client that the request waits for."""
        if self.flow.read_paused:
            return True
        return self.is_answering if stage == "head" else self.cycle.waiting_for_100_continue

    # Sending

    def _answer(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Call the application with a `send` that is bounded; what is made for one answer ends with it."""
        return self._application(scope, receive, self._bounded(scope, send))

    def _bounded(self, scope: Any, plain: Any) -> Send:
        """The `send` of one answer: small messages go straight through, large bodies are counted and sent in pieces."""
        refused, is_closing = False, self.transport.is_closing

        def send(message: Message) -> Awaitable[None]:
            nonlocal refused
            if is_closing():  # uvloop raises an error where one writes to a client that has left
                plain.__self__.disconnected = True
            if refused:
                return _nothing()
            if len(message.get("body", b"")) > COUNTED:
                return self._send_large(plain, message, _party(scope))
            if self.budget.held and message["type"] == "http.response.start":
                refused = not self._has_room_for(message, scope)
            if refused:
                return self._send_refusal(plain)
            return self._send_when_room(plain, message) if self.flow.write_paused else plain(message)

        return send

    def _has_room_for(self, start: Message, scope: Any) -> bool:
        """Whether the body that an answer's head promises may be sent now."""
        size = _length(start)
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
        if self._in_content and self._linger_timer is None and not self.pipeline:
            self._linger_timer = self.loop.call_later(LINGER_SECONDS, self._close)
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
        self._write_timer = self.loop.call_later(self.timeouts.write, self._check_writing, self._untaken())

    def _check_writing(self, before: int) -> None:
        """Cut the connection off where its client has taken next to nothing of what waits for it."""
        if before - self._untaken() < min(before, LEAST_RATE * self.timeouts.write):
            self.transport.abort()
        else:
            self._watch_writing()

    def _untaken(self) -> int:
        """Bytes that the client has not confirmed: those that wait here, and on Linux those that wait in the kernel."""
        waiting = self.transport.get_write_buffer_size()
        connection: socket.socket | None = self.transport.get_extra_info("socket")
        if connection is None:
            return waiting
        try:
            answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        except (OSError, ValueError):  # it is closed already
            return waiting
        return waiting + int(struct.unpack("i", answer)[0])


def _length(start: Message) -> int:
    """The content-length of an answer's head; 0 where it has none."""
    return next((int(value) for name, value in start["headers"] if name == b"content-length"), 0)
