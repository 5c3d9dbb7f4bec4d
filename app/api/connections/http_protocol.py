"""HTTP/1.1 on one connection: uvicorn's protocol, with bounds in time and in bytes.

Stage of a connection          bound                                     when the bound is exceeded
head of a request              `header_timeout_seconds`, LARGEST_HEAD    408 or 431, the connection closes
content of a request           LEAST_RATE within a `body_timeout`        408, the connection closes
response that is not read      LEAST_RATE within a `write_timeout`       the connection is cut off
content after the response     LINGER_SECONDS                            the connection closes
between two requests           uvicorn's keep-alive timeout              the connection closes

Trailers are dropped: nothing here reads them, and a trailer field must not be merged into the headers (RFC 9110
§6.5.1). A request that cannot be parsed, and a connection beyond the limits, is answered with a problem too.
"""

import asyncio
from typing import Any, Literal, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.connections.connection_limits import ConnectionLimits
from app.api.connections.raw_answers import raw_answer
from app.api.connections.send_budget import SendBudget
from app.api.connections.sending_protocol import LEAST_RATE, SendingProtocol
from app.api.middleware.client_address import address_of
from app.common.ip_addresses import network_of
from app.common.problems import Problem

LARGEST_HEAD = 131_072
"""The most bytes of a request line with its headers; the target alone may have 64 KB."""
MOST_PIPELINED = 32
"""The most pipelined requests that may wait on one connection behind the open one (RFC 9112 §9.3.2)."""
LINGER_SECONDS = 2.0
"""Seconds for the rest of a request after its response, so that its client comes to read the response."""
Stage = Literal["head", "content"]


class Timeouts(NamedTuple):
    """Seconds that a client may take for each stage of a connection."""

    header: float
    body: float
    write: float


def _head_too_large() -> Problem:
    return Problem("headers-too-large", f"The request line and the headers have more than {LARGEST_HEAD:,} bytes.")


class HttpProtocol(SendingProtocol):
    """uvicorn's protocol with bounds on what it receives; `SendingProtocol` bounds what it sends.

    uvicorn calls the methods without a docstring of their own: those of `asyncio.Protocol` and those of httptools.
    """

    def __init__(self, limits: ConnectionLimits, budget: SendBudget, timeouts: Timeouts, **given: Any) -> None:
        super().__init__(budget, timeouts.write, **given)
        self.limits, self.timeouts = limits, timeouts
        self.address = "unknown"
        self._in_head, self._head_bytes, self._received = True, 0, 0
        self._in_content, self._has_content_moved, self._framing_bytes = False, False, 0
        self._piece_bytes = 0
        """Bytes of all pieces that hold a part of the present head, with anything else that these pieces hold."""
        self._refusal: Problem | None = None
        self._ignores_input = False
        self._linger_timer: asyncio.TimerHandle | None = None
        self._stage: Stage | None = None
        self._stage_timer: asyncio.TimerHandle | None = None

    @property
    def is_answering(self) -> bool:
        """Whether a request is open: its response is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

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
        for timer in (self._stage_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _end_with(self, problem: Problem) -> None:
        """Answer with a problem and close the connection, dropping its open and pipelined requests."""
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
        if self._ignores_input:
            return
        keep_alive = self.timeout_keep_alive_task
        self._received += len(data)
        self._piece_bytes = self._piece_bytes + len(data) if self._in_head else len(data)
        self._has_content_moved = False
        HttpToolsProtocol.data_received(self, data)
        if self._in_head or self._in_content or self._stage is not None:
            self._watch(data)
        elif keep_alive is not None and self.cycle.response_complete:
            self._stay_idle(keep_alive)

    def _watch(self, data: bytes) -> None:
        """Bound the bytes and the time of a request that has not been received whole."""
        if self.transport.is_closing():
            return
        self._count(data)
        if max(self._head_bytes, self._framing_bytes) > LARGEST_HEAD:
            self._refuse_head()
        else:
            self._watch_stage()

    def _count(self, data: bytes) -> None:
        """Count bytes that the parser buffers (a head) or that carry no content (trailers, chunk extensions)."""
        if self._in_head:
            self._head_bytes += len(data) if self._head_bytes else 1  # the first piece may begin with other bytes
        elif self._in_content:  # a piece without content holds trailers or chunk extensions
            self._framing_bytes = 0 if self._has_content_moved else self._framing_bytes + len(data)

    def _stay_idle(self, keep_alive: asyncio.TimerHandle) -> None:
        """Restore the keep-alive timer after bytes that begin no request, such as an empty line."""
        self.timeout_keep_alive_task = self.loop.call_at(keep_alive.when(), self.timeout_keep_alive_handler)

    def _refuse_head(self) -> None:
        if self.is_answering or self._in_content:  # a problem would land in the middle of a response
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
            raise ValueError(self._refusal.detail)  # stops the parser; uvicorn then calls `send_400_response`
        HttpToolsProtocol.on_headers_complete(self)
        self.headers = []  # the parser appends trailers to this new list, which nothing reads
        if len(self.pipeline) > MOST_PIPELINED:
            self.transport.abort()
            raise ConnectionAbortedError("too many requests wait on one connection")  # stops the parser

    def on_chunk_header(self) -> None:
        self._has_content_moved = True

    def on_body(self, body: bytes) -> None:
        self._has_content_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_content = False
        HttpToolsProtocol.on_message_complete(self)
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None

    def _unsupported_upgrade_warning(self) -> None:
        """Answer a request with `Upgrade` as if it had none, and ignore all bytes after it: they may not be HTTP."""
        self._ignores_input = True
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
        """Make sure that a timer runs while a request is being received, and that it started with the present stage."""
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
        elif self._is_our_delay(stage) or (stage == "content" and self._is_fast_enough_since(received)):
            self._start_stage_timer(stage)
        elif self._in_head and not self._head_bytes:
            self._close()  # a client that has sent nothing waits for no response
        else:
            self._end_with(Problem("request-timeout", "The request did not come within the time allowed for it."))

    def _is_fast_enough_since(self, received: int) -> bool:
        return self._received - received >= LEAST_RATE * self.timeouts.body

    def _is_our_delay(self, stage: Stage) -> bool:
        """Return whether the request waits for this server and not for its client."""
        if self.flow.read_paused:
            return True
        return self.is_answering if stage == "head" else self.cycle.waiting_for_100_continue

    def on_response_complete(self) -> None:
        SendingProtocol.on_response_complete(self)
        if self._in_content and self._linger_timer is None and not self.pipeline:
            self._linger_timer = self.loop.call_later(LINGER_SECONDS, self._close)
