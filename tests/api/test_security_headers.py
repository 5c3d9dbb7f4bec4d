"""What browsers are told about every answer: whatever it is, whoever made it, and whether it was kept."""

import socket
from pathlib import Path

import httpx
import pytest

from tests.conftest import serving, settings_for

SAME = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "cross-origin",
}
POLICY = "content-security-policy"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGES = ["/docs", "/docs/docs.js", "/problems/not-found"]
NO_PAGES = [
    ("GET", "/", 200),
    ("GET", "/healthz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/v1/studies", 200),
    ("HEAD", "/v1/studies/preempt-1", 200),
    ("GET", "/v1/studies?format=csv", 200),
    ("GET", "/v1/sources/article/text", 200),
    ("GET", "/nothing", 404),
    ("GET", "/v1/studies?x=1", 422),
    ("GET", "/v1/studies?title=" + "x" * 34_000, 414),
    ("POST", "/v1/studies", 401),
    ("PUT", "/v1/search", 405),
    ("OPTIONS", "/v1/studies", 405),
]


def _told(answer: httpx.Response) -> dict[str, list[str]]:
    """All lines of the headers that this is about."""
    return {name: answer.headers.get_list(name) for name in (*SAME, POLICY) if name in answer.headers}


def _every(policy: str) -> dict[str, list[str]]:
    return {name: [value] for name, value in {**SAME, POLICY: policy}.items()}


@pytest.mark.parametrize(("method", "path", "status"), NO_PAGES)
def test_what_is_no_page_may_do_nothing(api: httpx.Client, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, _told(answer)) == (status, _every(NOTHING))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_its_own_policy_and_no_other(api: httpx.Client, path: str) -> None:
    told = _told(api.get(path))
    assert told[POLICY] == [
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    ]
    assert told == _every(told[POLICY][0])


def test_preflights_have_them_granted_or_refused(api: httpx.Client) -> None:
    for method, status in (("GET", 200), ("DELETE", 400)):
        asked = {"origin": "https://example.org", "access-control-request-method": method}
        answer = api.options("/v1/studies", headers=asked)
        assert (answer.status_code, _told(answer)) == (status, _every(NOTHING))
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]


@pytest.mark.parametrize(
    "sent", [b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"no HTTP at all\r\n\r\n"]
)
def test_what_no_parser_reads_is_answered_with_them_too(api: httpx.Client, sent: bytes) -> None:
    with socket.create_connection((api.base_url.host, api.base_url.port or 80)) as raw:
        raw.sendall(sent)
        head = raw.recv(65536).lower().partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "http/1.1 400 bad request"
    assert {f"{name}: {value}" for name, value in {**SAME, POLICY: NOTHING}.items()} <= set(head)


@pytest.mark.parametrize("kept", [0, 64_000_000])
def test_a_304_leaves_those_of_the_copy_as_they_are(sqlite_copy: Path, kept: int) -> None:
    """Its headers replace those of the copy (RFC 9111 §3.2): a page would lose its own policy."""
    with serving(settings_for(f"sqlite:///{sqlite_copy}", answer_cache_bytes=kept)) as client:
        for path in ("/docs", "/v1/studies/preempt-1", "/v1/sources/article/text"):
            first, second = (client.get(path) for _ in range(2))
            assert _told(first) == _told(second)
            assert len(_told(second)) == 4
            fresh = client.get(path, headers={"if-none-match": first.headers["etag"]})
            assert (fresh.status_code, _told(fresh)) == (304, {})
            assert fresh.headers["access-control-allow-origin"] == "*"
            assert "content-disposition" not in fresh.headers


def test_a_stored_text_has_a_name_and_one_type(api: httpx.Client) -> None:
    answer = api.get("/v1/sources/article/text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'inline; filename="article.txt"'
