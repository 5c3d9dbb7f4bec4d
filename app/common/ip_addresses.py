"""IP addresses in their canonical spelling, and the networks that a setting lists.

An address is stored, compared and counted in the text form of RFC 5952. An IPv4-mapped IPv6 address
(`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) becomes the IPv4 address, and a zone id (RFC 4007 §11), which has a meaning on
one host only, is dropped.
"""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

LONGEST_ADDRESS = 39
"""Characters of the longest IPv6 address."""

Network = IPv4Network | IPv6Network

_LONGEST_WITH_ZONE = 100
"""Characters of an address with a zone id, which is the name of an interface, at most. Longer text is not parsed."""


@lru_cache(maxsize=10_000)
def _parsed(text: str) -> str | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def canonical_address(text: str | None) -> str | None:
    """The canonical spelling of an address, or nothing if the text is none."""
    return _parsed(text) if text and len(text) <= _LONGEST_WITH_ZONE else None


def canonical_network(text: str | None) -> str | None:
    """The canonical spelling of an address or of a network such as `2001:db8::/64`; nothing if it is neither."""
    address, slash, length = (text or "").partition("/")
    if not slash:
        return canonical_address(text)
    try:
        return str(ip_network(text or "")) if len(address) + len(length) <= LONGEST_ADDRESS else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The network that counts as one client: the /64 of an IPv6 address, else the address itself.

    A subscriber gets at least a whole /64, and could otherwise pass for another client with each of its addresses.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{found}/64", strict=False)) if found.version == 6 else address


def read_networks(setting: str) -> tuple[Network, ...]:
    """Parse comma-separated addresses and CIDR networks; raises a `ValueError` that names a wrong one."""
    return tuple(_read_network(part.strip()) for part in setting.split(",")) if setting.strip() else ()


def _read_network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is neither an IP address nor a CIDR network ({error})") from None
    mapped = network.network_address.ipv4_mapped if network.version == 6 else None
    return IPv4Network((mapped, max(0, network.prefixlen - 96))) if mapped else network
