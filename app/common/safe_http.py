"""Safe requests to URLs that users name: they reach the public internet only, not private networks (SSRF).

The host's name is resolved once for each request, all its addresses must be public, and the connection goes to one of
them. So it does not matter if the name resolves to another address a moment later (DNS rebinding). The `Host` header,
SNI and the check of the certificate use the name.
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
"""Characters."""
LONGEST_WAIT = 10.0
"""Seconds that one step of a request may take. The caller limits the request as a whole."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Resolves a host and a port to all addresses of the host; raises an `OSError` if it has none."""


class Refused(Exception):
    """A URL to which no request is sent; the message says why."""


class Unknown(Refused):
    """The URL's host has no address at present."""


async def resolve(host: str, port: int) -> list[str]:
    """Resolve a host by the system's resolver."""
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
"""Networks of IANA's special-purpose address registries that some versions of Python take for global ones."""


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which packets for an IPv6 address are translated: mapped, 6to4 or NAT64 (RFC 6052)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def is_public(address: str) -> bool:
    """Whether an address is a unicast address of the public internet."""
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
    """Parse a URL and check all that can be checked without resolving its host; raises `Refused`.

    `private` also allows `http`, for URLs on a network of one's own.
    """
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
    """All addresses of a URL's host; raises `Unknown` if it has none, and `Refused` if any of them is not public.

    `private` allows addresses that are not public.
    """
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


def _ssl_context() -> ssl.SSLContext:
    """Trusts the certificate authorities that browsers do, and those of the machine's own store or `SSL_CERT_FILE`."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class SafeTransport(httpx.AsyncBaseTransport):
    """A transport that checks each request, also after a redirect, and connects to an address that it checked.

    Connections are not reused, since a connection to an address may have been made for another name.
    """

    def __init__(self, *, private: bool, resolve: Resolve = resolve) -> None:
        self.private, self.resolve = private, resolve
        limits = httpx.Limits(max_keepalive_connections=0)
        self._plain = httpx.AsyncHTTPTransport(verify=_ssl_context(), trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first of the host's addresses that accepts a connection."""
        _require_plain(request.url, private=self.private)
        *others, last = await addresses_of(request.url, private=self.private, resolve=self.resolve)
        for address in others:
            try:
                return await self._plain.handle_async_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._plain.handle_async_request(_pinned(request, last))

    async def aclose(self) -> None:
        """Close the transport."""
        await self._plain.aclose()


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to one address. Its headers have the `Host` already, and TLS is given the name."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": _host(request.url)},
    )


def client(*, private: bool, resolve: Resolve = resolve, connecting: float = 3.0) -> httpx.AsyncClient:
    """A client that sends only safe requests, by no proxy, and follows no redirects."""
    return httpx.AsyncClient(
        transport=SafeTransport(private=private, resolve=resolve),
        timeout=httpx.Timeout(LONGEST_WAIT, connect=connecting),
        headers={"user-agent": f"clinical-evidence-api/{__version__}"},
        follow_redirects=False,
        trust_env=False,
    )


def retry_after(header: str) -> timedelta:
    """The time that a `Retry-After` header asks to wait, in seconds or as a date (RFC 9110 §10.2.3); zero if it is
    neither, or a date that has passed.
    """
    if header.isascii() and header.isdigit():
        return timedelta(seconds=int(header[:9]))
    try:
        at = parsedate_to_datetime(header)
        return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC))
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
