"""Requests to addresses that others name: they reach the public internet and nothing behind it (SSRF).

A name is resolved once a request, every address it has must be public, and the connection goes to one of those very
addresses: what the name points to a moment later (DNS rebinding) is of no matter. `Host`, SNI and the certificate are
still the name's.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from app import __version__

LONGEST_URL = 2000
LONGEST_WAIT = 10.0
"""Seconds that one step of a request may take; whoever sends it bounds the whole."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host and a port to all its addresses; an `OSError` where it has none."""


class Refused(Exception):
    """An address that is not asked, and why."""


class Unknown(Refused):
    """A host that has no address, just now at least."""


async def resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


_UNICAST, _NAT64 = IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96")

_NOT_PUBLIC = (
    ip_network("192.0.0.0/24"),  # IETF protocol assignments (RFC 6890): services of networks, no hosts
    ip_network("192.88.99.0/24"),  # relays of 6to4, deprecated (RFC 7526)
    ip_network("3fff::/20"),  # documentation (RFC 9637)
    ip_network("5f00::/16"),  # segment routing (RFC 9602)
)
"""Of IANA's special-purpose registries, what Python takes for global, in some of its versions at least."""


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one end up at: mapped, 6to4, NAT64 (RFC 6052)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def is_public(address: str) -> bool:
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        carried = _carried(found)
        if carried is not None:
            return is_public(str(carried))
        if found not in _UNICAST:
            return False
    hidden = any(found in network for network in _NOT_PUBLIC)
    return found.is_global and not (hidden or found.is_multicast or found.is_reserved)


def read_url(text: str, *, private: bool) -> httpx.URL:
    """An address that may be asked, as far as it can be told from its letters; raises `Refused`."""
    if len(text) > LONGEST_URL or not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise Refused(f"a URL has at most {LONGEST_URL} printable ASCII characters, without blanks and backslashes")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Refused(f"this is no URL: {error}") from None
    _require_plain(url, private=private)
    return url


def _require_plain(url: httpx.URL, *, private: bool) -> None:
    if url.scheme not in (("http", "https") if private else ("https",)) or not url.host:
        raise Refused("a URL here begins with https://" + (" or http://" if private else ""))
    if url.userinfo:
        raise Refused("a URL here has no name and password in it")
    if url.fragment:
        raise Refused("a URL here has no fragment")
    if url.port is not None and not 0 < url.port < 65536:
        raise Refused(f"there is no port {url.port}")


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").strip("[]")


async def addresses_of(url: httpx.URL, *, private: bool, resolve: Resolve = resolve) -> list[str]:
    """All addresses of a URL's host; raises `Refused` if it has none, or if any of them is not public."""
    host = _host(url)
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            found = await resolve(host, url.port or (443 if url.scheme == "https" else 80))
    except (OSError, UnicodeError):  # a TimeoutError is an OSError
        raise Unknown(f"the host {host!r} has no address") from None
    hidden = [address for address in found if not (private or is_public(address))]
    if hidden or not found:
        raise Refused(f"the host {host!r} is not on the public internet")
    return found


def trusted() -> ssl.SSLContext:
    """What browsers trust, and what this machine was told to: its own store, or `SSL_CERT_FILE`."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class Guarded(httpx.AsyncBaseTransport):
    """Checks each request, redirects' too, and connects to the address that it checked.

    Connections are not kept: one to an address may have been made in another name.
    """

    def __init__(self, *, private: bool, resolve: Resolve = resolve) -> None:
        self.private, self.resolve = private, resolve
        limits = httpx.Limits(max_keepalive_connections=0)
        self._plain = httpx.AsyncHTTPTransport(verify=trusted(), trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _require_plain(request.url, private=self.private)
        *others, last = await addresses_of(request.url, private=self.private, resolve=self.resolve)
        for address in others:
            try:
                return await self._plain.handle_async_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._plain.handle_async_request(_pinned(request, last))

    async def aclose(self) -> None:
        await self._plain.aclose()


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to one address: `Host` is among its headers already, the name goes with it for TLS."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": _host(request.url)},
    )


def client(*, private: bool, resolve: Resolve = resolve, connecting: float = 3.0) -> httpx.AsyncClient:
    """A client that asks no proxy and follows no redirect."""
    return httpx.AsyncClient(
        transport=Guarded(private=private, resolve=resolve),
        timeout=httpx.Timeout(LONGEST_WAIT, connect=connecting),
        headers={"user-agent": f"clinical-evidence-api/{__version__}"},
        follow_redirects=False,
        trust_env=False,
    )


def retry_after(header: str) -> timedelta:
    """Seconds or a date (RFC 9110 §10.2.3); nothing where it is neither."""
    if header.isascii() and header.isdigit():
        return timedelta(seconds=int(header[:9]))
    try:
        at = parsedate_to_datetime(header)
        return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC))
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
