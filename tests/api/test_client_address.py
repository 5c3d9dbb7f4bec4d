"""Whose request it is: what a stranger writes into a header counts nowhere, what a trusted proxy says counts once."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select
from starlette.types import Message, Receive, Scope, Send

from app.api.middleware.client_address import ClientAddress, TrustedProxies, address_of, client_behind
from app.auth.models import AuditEntry
from app.common.ip_addresses import canonical_address, canonical_network, network_of
from app.database.engine import reading
from app.settings import Settings
from tests.conftest import serving, settings_for

JUNK = "x" * 3000
FEW = {"limits": True, "address_burst": 4}


def audited(engine: Engine) -> list[Mapping[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(select(AuditEntry.__table__)).mappings()]


@contextmanager
def reached_from(client: httpx.Client, address: str) -> Iterator[httpx.Client]:
    """A client of the same service whose connections come from another address of this host."""
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(base_url=client.base_url, transport=transport) as other:
        yield other


COUNTED = "/v1/none-such"
"""An address whose answers are never kept and that is no probe, so that each request is counted."""


def statuses(client: httpx.Client, forwarded: list[str]) -> list[int]:
    return [client.get(COUNTED, headers={"x-forwarded-for": each}).status_code for each in forwarded]


def test_an_invented_address_gets_no_fresh_allowance(copy_url: str, copy: Engine) -> None:
    with serving(settings_for(copy_url, **FEW)) as client:
        assert statuses(client, [f"203.0.113.{number}" for number in range(5)])[-1] == 429
        for header in ("forwarded", "x-real-ip", "x-client-ip"):
            assert client.get(COUNTED, headers={header: "for=203.0.113.99"}).status_code == 429


@pytest.mark.parametrize("header", ["203.0.113.7", JUNK, "127.0.0.1, 203.0.113.7"])
def test_an_invented_address_never_reaches_the_audit(copy_url: str, copy: Engine, header: str) -> None:
    with serving(settings_for(copy_url)) as client:
        assert client.post("/v1/studies", headers={"x-forwarded-for": header}).status_code == 401
    assert [line["address"] for line in audited(copy)] == ["127.0.0.1"]


def test_a_trusted_proxy_s_word_counts_and_what_the_client_wrote_does_not(copy_url: str, copy: Engine) -> None:
    with serving(settings_for(copy_url, trusted_proxies="127.0.0.1", **FEW)) as client:
        spoofed = [f"198.51.100.{number}, 203.0.113.7" for number in range(5)]
        assert statuses(client, spoofed)[-1] == 429
        assert statuses(client, ["203.0.113.8", "203.0.113.7:4711"]) == [404, 429]
        assert client.post("/v1/studies", headers={"x-forwarded-for": f"{JUNK},::ffff:203.0.113.9"}).status_code == 401
        with reached_from(client, "127.0.0.2") as stranger:
            assert statuses(stranger, [f"203.0.113.{number}" for number in range(20, 25)])[-1] == 429
    assert [line["address"] for line in audited(copy)] == ["203.0.113.9"]


@pytest.mark.parametrize("header", [JUNK, "unknown", "_hidden", "", "203.0.113.7:", "203.0.113.7 198.51.100.1"])
def test_what_is_no_address_leaves_the_proxy_s_own(copy_url: str, copy: Engine, header: str) -> None:
    with serving(settings_for(copy_url, trusted_proxies="127.0.0.0/8")) as client:
        assert client.post("/v1/studies", headers={"x-forwarded-for": header}).status_code == 401
    assert [line["address"] for line in audited(copy)] == ["127.0.0.1"]


TRUSTED = TrustedProxies("10.0.0.0/8, 2001:db8:1::/48,192.0.2.1,::ffff:198.51.100.0/120")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.1.2.3, 192.0.2.1", "203.0.113.7"),
        ("203.0.113.7,2001:db8:1::9", "203.0.113.7"),
        ("203.0.113.7, 198.51.100.9", "203.0.113.7"),
        ("203.0.113.7, junk, 10.1.2.3", "10.1.2.3"),
        ("junk", "10.0.0.1"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("[2001:DB8::0:7]:443", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("203.0.113.007", "10.0.0.1"),
        (", ".join(["203.0.113.7"] + ["10.1.1.1"] * 5000), "10.1.1.1"),
    ],
)
def test_the_list_is_read_from_its_right_end(forwarded: str, client: str) -> None:
    assert client_behind("10.0.0.1", [forwarded.encode()], TRUSTED) == client


def test_a_header_sent_twice_is_one_list() -> None:
    assert client_behind("10.0.0.1", [b"203.0.113.7", b"10.1.1.1"], TRUSTED) == "203.0.113.7"
    assert client_behind("10.0.0.1", [b"203.0.113.7", b"203.0.113.8"], TRUSTED) == "203.0.113.8"


def scope_behind(proxies: str, peer: str | None, **headers: str) -> Scope:
    """The scope that the application is handed, of a request from `peer` with these headers."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def dropped(message: Message) -> None: ...

    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "scheme": "http", "client": (peer, 4711) if peer else None, "headers": sent}
    asyncio.run(ClientAddress(app, TrustedProxies(proxies))(scope, nothing, dropped))
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "sent", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "http, HTTPS", "https"),
        ("10.0.0.1", "https, http", "http"),
        ("10.0.0.1", "gopher", "http"),
        ("::ffff:10.0.0.1", "https", "https"),
        ("10.0.0.2", "https", "http"),
    ],
)
def test_the_scheme_is_the_trusted_proxy_s(peer: str, sent: str, scheme: str) -> None:
    scope = scope_behind("10.0.0.1", peer, x_forwarded_proto=sent)
    assert (scope["scheme"], scope["client"]) == (scheme, (peer, 4711))


def test_addresses_have_one_spelling() -> None:
    assert address_of(scope_behind("", "::ffff:192.0.2.1")) == "192.0.2.1"
    assert address_of(scope_behind("", "FE80:0:0::1%eth0")) == "fe80::1"
    assert address_of(scope_behind("", None)) == "unknown"
    assert address_of(scope_behind("", "a socket")) == "unknown"
    assert [canonical_address(text) for text in ("", None, "1.2.3", "1" * 5000)] == [None] * 4
    assert canonical_network("2001:0db8::/64") == "2001:db8::/64"
    assert [canonical_network(text) for text in ("2001:db8::1/64", "x/64", "10.0.0.0/" + "0" * 90)] == [None] * 3
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert [network_of(same) for same in ("192.0.2.1", "unknown")] == ["192.0.2.1", "unknown"]


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.example.org", "*", "10.0.0.1/8", "10.0.0.1;10.0.0.2", "::1,"])
def test_a_wrong_proxy_is_named(wrong: str) -> None:
    named = repr(wrong.rpartition(",")[2])
    with pytest.raises(ValidationError, match="trusted_proxies") as refused:
        Settings.model_validate({"trusted_proxies": f"192.0.2.1,{wrong}"})
    assert f"{named} is neither an IP address nor a CIDR network" in str(refused.value)


def test_the_command_says_which_proxy_is_wrong() -> None:
    command = [sys.executable, "-c", "from app.cli.main import main; main()", "serve"]
    environment = {"EVIDENCE_TRUSTED_PROXIES": "10.0.0.300", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "EVIDENCE_TRUSTED_PROXIES" in ended.stderr
    assert "'10.0.0.300'" in ended.stderr
