"""The client's address: that of the connection, or the one that a trusted proxy forwards.

    client ----> proxy 203.0.113.9 ----> proxy 10.0.0.2 ----> this service
                 X-Forwarded-For: client         X-Forwarded-For: client, 203.0.113.9

`EVIDENCE_TRUSTED_PROXIES` names the proxies whose headers are believed. Each proxy appends the address that it was
reached from, so the list is read from its right end: trusted addresses are skipped, and the first other one is the
client. Everything left of it was sent by that client and may be invented. An entry that is no address ends the
reading, and the last address before it counts.

`Forwarded` (RFC 7239) is not read. A proxy that writes only `X-Forwarded-For`, as most do, passes a client's own
`Forwarded` on unchanged, and it would be believed.
"""

import re
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from app.common.ip_addresses import canonical_address, read_networks

UNKNOWN = "unknown"
"""The address of a connection that has none, such as one over a Unix socket."""

MOST_HOPS = 20
"""The most entries of `X-Forwarded-For` that are read; no chain of proxies is that long."""

_SCHEMES = {b"http": "http", b"https": "https"}
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d{1,5})?|([^:]+):\d{1,5}")
"""`[IPv6]`, `[IPv6]:port` and `IPv4:port`, as some proxies write them."""


def address_of(scope: Scope) -> str:
    """Return the client's address in its canonical spelling, or `unknown`."""
    client = scope.get("client")
    return (canonical_address(client[0]) if client else None) or UNKNOWN


class TrustedProxies:
    """The proxies whose headers are believed, from a setting of comma-separated addresses and CIDR networks."""

    def __init__(self, setting: str) -> None:
        self._networks = read_networks(setting)
        self._answers: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, host: str) -> bool:
        """Return whether an address belongs to a trusted proxy."""
        answer = self._answers.get(host)
        if answer is None:
            if len(self._answers) >= 4096:
                self._answers.clear()
            answer = self._answers[host] = self._contain(host)
        return answer

    def _contain(self, host: str) -> bool:
        address = canonical_address(host)
        return address is not None and any(ip_address(address) in network for network in self._networks)


def _entry(text: str) -> str | None:
    """Return the address in one entry of `X-Forwarded-For`, which may have a port, or None if there is none."""
    found = _WITH_PORT.fullmatch(text)
    return canonical_address(found[1] or found[2] if found else text)


def client_behind(peer: str, forwarded: list[bytes], proxies: TrustedProxies) -> str:
    """Return the client's address from the values of `X-Forwarded-For` that a trusted `peer` sent."""
    last = peer
    for entry in reversed(b",".join(forwarded).rsplit(b",", MOST_HOPS)[-MOST_HOPS:]):
        address = _entry(entry.strip().decode("latin-1"))
        if address is None:
            return last
        last = address
        if not proxies.trusts(address):
            return last
    return last


class ClientAddress:
    """The outermost middleware: it sets `client` and `scheme` of a request that came through a trusted proxy."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self.app, self.proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            peer = scope.get("client")
            if peer and self.proxies.trusts(peer[0]):
                self._forward(scope, peer[0])
        await self.app(scope, receive, send)

    def _forward(self, scope: Scope, peer: str) -> None:
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        schemes = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        if forwarded:
            scope["client"] = (client_behind(peer, forwarded, self.proxies), 0)  # its port is not known
        if schemes:
            nearest = schemes[-1].rpartition(b",")[2].strip().lower()
            scope["scheme"] = _SCHEMES.get(nearest, scope["scheme"])
