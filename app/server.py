"""The server process: it opens the socket, prints its address, and then runs uvicorn on it."""

import gc
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import uvicorn
from fastapi import FastAPI

from app.api.connections.connection_limits import ConnectionLimits, allow_files
from app.api.connections.http_protocol import HttpProtocol, Timeouts
from app.api.connections.send_budget import SendBudget
from app.api.middleware.client_address import TrustedProxies
from app.main import create_app
from app.settings import Settings


class AddressInUse(Exception):
    """The address cannot be listened on; the message says why."""


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        message = f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}."
        raise AddressInUse(message) from None


def _print_addresses(address: str) -> None:
    print(f"Clinical Evidence API on {address}")
    print(f"  documentation  {address}/docs")
    print(f"  contract       {address}/openapi.json")
    print(f"  try            curl '{address}/v1/studies?indication=chronic-migraine&sort=-year&limit=3'", flush=True)


class Server(uvicorn.Server):
    """uvicorn's server, which at its end first releases the requests that wait for changes."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving: end long polls and event streams, then wait for all responses to end."""
        self.config.app.state.service.change_waiter.stop()  # type: ignore[union-attr]  # the application below
        await super().shutdown(sockets)


def _protocol(settings: Settings) -> Callable[..., HttpProtocol]:
    """Return what makes the protocol of a connection, with the limits and the budget that all connections share."""
    proxies = TrustedProxies(settings.trusted_proxies)
    limits = ConnectionLimits(allow_files(settings.max_connections), settings.address_connections, proxies.trusts)
    budget = SendBudget(settings.unsent_bytes, time.monotonic)
    timeouts = Timeouts(settings.header_timeout_seconds, settings.body_timeout_seconds, settings.write_timeout_seconds)
    return partial(HttpProtocol, limits, budget, timeouts)


def server_of(settings: Settings, app: FastAPI | None = None) -> uvicorn.Server:
    """Return the server of an application, by default one made from the settings."""
    config = uvicorn.Config(
        app or create_app(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe 127.0.0.1 by default; `client_address` decides
        loop="uvloop",
        http=_protocol(settings),  # type: ignore[arg-type]  # uvicorn calls it as it would call a class
    )
    return Server(config)


def run(settings: Settings) -> None:
    """Serve until the process is told to stop; raise `AddressInUse` if the address cannot be listened on."""
    listener = _listen(settings)
    host, port = listener.getsockname()[:2]
    _print_addresses(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    server = server_of(settings)
    gc.collect()
    gc.freeze()  # imported modules live as long as the process, so no collection need visit them
    with suppress(KeyboardInterrupt):  # SIGINT is the usual way to stop the server, and no error
        server.run(sockets=[listener])
