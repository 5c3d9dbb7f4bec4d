"""Outgoing requests reach the public internet alone, and whom they mean to reach."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

import httpx
import pytest
import trustme

from app.common import safe_http as outgoing
from app.common.safe_http import Refused, Resolve, addresses_of, client, is_public, read_url
from tests.receiving import Answer, receiving

PUBLIC = [
    "93.184.215.14",
    "192.0.1.1",
    "192.88.98.255",
    "192.88.100.0",
    "2a00::1",
    "8.8.8.8",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
HIDDEN = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.0.170",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.0",
    "192.88.99.1",
    "192.88.99.255",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:192.88.99.1",
    "64:ff9b::7f00:1",
    "64:ff9b::c000:9",
    "64:ff9b:1::808:808",
    "2001::1",
    "2001:0:808:808::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2002:7f00:1::1",
    "2002:c058:6301::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize(("addresses", "public"), [(PUBLIC, True), (HIDDEN, False)])
def test_what_is_public(addresses: list[str], public: bool) -> None:
    assert [address for address in addresses if is_public(address) is not public] == []


def naming(*answers: Sequence[str]) -> Resolve:
    """A resolver that gives these answers in turn, and the last one for ever."""
    turns = chain(answers, repeat(answers[-1]))

    async def resolve(host: str, port: int) -> list[str]:
        return list(next(turns))

    return resolve


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::1", "93.184.215.14"], []])
def test_a_name_with_any_hidden_address_is_refused(found: list[str]) -> None:
    url = read_url("https://receiver.example/", private=False)
    with pytest.raises(Refused, match="not on the public internet"):
        asyncio.run(addresses_of(url, private=False, resolve=naming(found)))


@pytest.mark.parametrize("text", ["https://localhost/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/"])
def test_names_of_this_machine_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        asyncio.run(addresses_of(read_url(text, private=False), private=False))


def test_a_name_that_moves_between_requests_is_checked_each_time() -> None:
    async def ask() -> None:
        async with client(private=False, resolve=naming(["127.0.0.1"])) as asking:
            await asking.get("https://receiver.example/")

    with pytest.raises(Refused):
        asyncio.run(ask())


def test_each_request_is_resolved_once_and_goes_to_what_was_checked() -> None:
    """Whoever answers the next question otherwise answers nobody."""
    with receiving() as receiver:
        port = httpx.URL(receiver.url).port

        async def ask() -> httpx.Response:
            resolve = naming(["127.0.0.1"], ["192.0.2.1"])
            async with client(private=True, resolve=resolve) as asking:
                return await asking.post(f"http://receiver.example:{port}/hook", content=b"x")

        assert asyncio.run(ask()).status_code == 204
        assert receiver.taken[0].headers["host"] == f"receiver.example:{port}"


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with receiving() as receiver:
        port = httpx.URL(receiver.url).port

        async def ask() -> httpx.Response:
            async with client(private=True, resolve=naming(["127.0.0.2", "::1", "127.0.0.1"])) as asking:
                return await asking.post(f"http://receiver.example:{port}/hook", content=b"x")

        assert asyncio.run(ask()).status_code == 204
        assert len(receiver.taken) == 1


def test_the_certificate_is_the_names_although_the_address_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, ours = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example").configure_cert(ours)
    asked: list[str | None] = []
    ours.sni_callback = lambda _socket, name, _context: asked.append(name)

    async def ask(url: str) -> int:
        async with client(private=True, resolve=naming(["127.0.0.1"])) as asking:
            return (await asking.post(url, content=b"x")).status_code

    with receiving(ours) as receiver:
        port = httpx.URL(receiver.url).port
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            asyncio.run(ask(f"https://receiver.example:{port}/"))
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert asyncio.run(ask(f"https://receiver.example:{port}/")) == 204
        for other in ("other.example", "127.0.0.1"):
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                asyncio.run(ask(f"https://{other}:{port}/"))
    assert asked[0] == "receiver.example"


def test_redirects_and_proxies_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with receiving() as receiver, receiving() as elsewhere:
        receiver.always = Answer(307, (("location", elsewhere.url),))

        async def ask() -> int:
            async with client(private=True) as asking:
                return (await asking.post(receiver.url, content=b"x")).status_code

        assert asyncio.run(ask()) == 307
        assert elsewhere.taken == []


def test_a_redirect_that_is_followed_is_checked_too() -> None:
    """For those who follow them: the way is the same."""

    async def ask(url: str) -> None:
        guarded = outgoing.SafeTransport(private=False, resolve=naming(["127.0.0.1"]))
        async with httpx.AsyncClient(transport=guarded, follow_redirects=True, trust_env=False) as asking:
            await asking.get(url)

    for url in ("https://receiver.example/", "http://receiver.example/", "https://a:b@receiver.example/"):
        with pytest.raises(Refused):
            asyncio.run(ask(url))


def test_a_port_that_nobody_listens_on_is_an_error_like_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def ask() -> None:
        async with client(private=True) as asking:
            await asking.get(f"http://127.0.0.1:{port}/")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(ask())
