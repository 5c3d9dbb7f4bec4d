"""One process that serves: the socket first, so that what is printed is true, then uvicorn on it."""

import asyncio
import gc
import socket
from contextlib import suppress
from secrets import token_hex
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import Problem
from app.main import create_app
from app.settings import Settings
from app.web.problems import problem_response
from app.web.security_headers import OF_NO_PAGE


class AddressTaken(Exception):
    pass


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        message = f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}."
        raise AddressTaken(message) from None


def _greet(address: str) -> None:
    print(f"Clinical Evidence API on {address}")
    print(f"  documentation  {address}/docs")
    print(f"  contract       {address}/openapi.json")
    print(f"  try            curl '{address}/v1/studies?indication=chronic-migraine&sort=-year&limit=3'", flush=True)


class _Transport:
    """A connection that may be written to when its client has left: what is written is lost.

    uvloop raises an error there until it has told the protocol, which would be logged with a trace as if the
    application were at fault.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_closing, self.close = transport.is_closing, transport.close

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """What the parser cannot read is answered as a problem too: an address beyond 64 KB, or no HTTP at all."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as it is there
        super().connection_made(_Transport(transport))  # type: ignore[arg-type]  # all that is used of one

    def send_400_response(self, msg: str) -> None:
        problem = Problem("malformed-request", f"{msg} An address may have no more than 64 KB.")
        answer = problem_response(problem, token_hex(8))
        head = [b"%b: %b\r\n" % header for header in (*answer.raw_headers, *OF_NO_PAGE, (b"connection", b"close"))]
        self.transport.write(b"".join([b"HTTP/1.1 400 Bad Request\r\n", *head, b"\r\n", bytes(answer.body)]))
        self.transport.close()


class Server(uvicorn.Server):
    """Those who wait for changes are let go before the server waits for all answers to end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.service.watch.stop()  # type: ignore[union-attr]  # the application below
        await super().shutdown(sockets)


def server_of(settings: Settings, app: FastAPI | None = None) -> uvicorn.Server:
    config = uvicorn.Config(
        app or create_app(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
        http=Protocol,
    )
    return Server(config)


def run(settings: Settings) -> None:
    """Serves until told to stop."""
    listener = _listen(settings)
    host, port = listener.getsockname()[:2]
    _greet(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    server = server_of(settings)
    gc.collect()
    gc.freeze()  # what was imported stays for good: the collector need not look at it again
    with suppress(KeyboardInterrupt):  # asked to stop, it has stopped; there is nothing to tell
        server.run(sockets=[listener])
