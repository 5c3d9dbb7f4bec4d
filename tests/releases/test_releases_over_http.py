"""Releases over HTTP: previewed, made, listed, reverted, refused and repeated."""

import io
import socket
import sys
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.store import integrity as maintaining
from tests.conftest import keys_of, serving, settings_for
from tests.releases.operations import SECOND, SOURCES, body, documents, everything, gone, source


@pytest.fixture
def admin(first: Engine, url: str) -> Iterator[httpx.Client]:
    """A service over the first release, and a client that may make others."""
    key = keys_of(first)["admin"]
    with serving(settings_for(url, max_release_bytes=200_000)) as client:
        client.headers["authorization"] = f"Bearer {key}"
        yield client


NDJSON = {"content-type": "application/x-ndjson"}


def test_a_release_over_http_from_preview_to_revert(admin: httpx.Client, first: Engine) -> None:
    before, shown, sent = everything(first), documents(first), body(*SECOND)
    said = admin.post("/v1/releases?preview=true", content=sent, headers=NDJSON)
    assert (said.status_code, said.json()["counts"]["deleted"]) == (200, 2)
    assert everything(first)["documents"] == before["documents"]
    done = admin.post("/v1/releases?name=second&reason=Because", content=sent, headers=NDJSON)
    assert (done.status_code, done.headers["location"]) == (201, "/v1/releases/second"), done.text
    assert done.json()["records"] == said.json()["records"]
    assert admin.get("/v1/products/q").status_code in (404, 410)
    one = admin.get("/v1/releases/second").json()
    assert (one["reason"], one["records"], one["reverted_by"]) == ("Because", done.json()["records"], None)
    again = admin.post("/v1/releases?name=third", content=body(source("a", publisher="Somebody")), headers=NDJSON)
    assert (again.status_code, again.json()["revision"]) == (200, None)
    reverted = admin.post("/v1/releases/second/revert?reason=Wrong")
    assert (reverted.status_code, reverted.json()["name"]) == (201, "revert-second"), reverted.text
    assert documents(first) == shown
    page = admin.get("/v1/releases?limit=2").json()
    assert ([item["name"] for item in page["items"]], page["total"]) == (["revert-second", "second"], 3)
    rest = admin.get(page["next"]).json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["first"], None)
    assert list(maintaining.check(first)) == []


def test_a_release_over_http_is_refused_as_a_whole(admin: httpx.Client, first: Engine) -> None:
    before = everything(first)["documents"]

    def refused(path: str, content: bytes = b"", **headers: str) -> tuple[int, str, Any]:
        answer = admin.post(path, content=content, headers={**NDJSON, **headers})
        said = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, said["type"].removeprefix("/problems/"), said["errors"]

    status, kind, errors = refused("/v1/releases?name=x", body(source("x"), gone("sources", "zz")))
    assert (status, kind) == (422, "invalid-record")
    assert errors == [
        {
            "pointer": "/id",
            "detail": "there is no 'zz' among the sources to delete",
            "nearest": [],
            "file": "release",
            "line": 2,
            "record": "zz",
        }
    ]
    for half in (
        b'{"type":"sources","record":{"id":"\\ud800","\\ud800":1}}',
        b'{"type":"sources","id":"\\ud800","deleted":true}',
    ):
        assert refused("/v1/releases?name=x", half)[:2] == (422, "invalid-record")
    assert refused("/v1/releases?name=first", body(source("x")))[:2] == (409, "conflict")
    assert refused("/v1/releases", b"")[:2] == (422, "invalid-parameter")
    assert refused("/v1/releases?name=X_y", b"")[:2] == (422, "invalid-parameter")
    assert refused("/v1/releases?name=x&nmae=y", b"")[2][0]["nearest"] == ["name"]
    assert refused("/v1/releases?name=x", b"#" * 200_001)[:2] == (413, "content-too-large")
    assert refused("/v1/releases?name=x", b"", **{"content-type": "text/csv"})[:2] == (415, "unsupported-media-type")
    assert refused("/v1/releases/none/revert")[:2] == (404, "not-found")
    assert refused("/v1/releases/first/revert", b"x")[:2] == (413, "content-too-large")
    assert refused("/v1/releases?name=x", b"PK\x03\x04rubbish", **{"content-type": "application/zip"})[0] == 422
    assert admin.get("/v1/releases/frist").json()["errors"][0]["nearest"] == ["/v1/releases/first"]
    assert admin.get("/v1/releases?cursor=x").status_code == 400
    assert admin.get("/v1/releases", headers={"authorization": ""}).status_code == 401
    assert everything(first)["documents"] == before


def test_a_stream_without_a_length_is_bounded_too(admin: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"\n" * 10_000

    try:
        answer = admin.post("/v1/releases?name=x", content=pieces(), headers=NDJSON)
        assert answer.status_code == 413
    except httpx.WriteError:
        pass  # the connection was closed before all was sent, which is an answer too


def test_a_request_sent_twice_is_answered_as_before(admin: httpx.Client, first: Engine) -> None:
    headers, sent = {**NDJSON, "idempotency-key": "one"}, body(source("x"))
    answers = [admin.post("/v1/releases?name=once", content=sent, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"
    other = admin.post("/v1/releases?name=once", content=sent + b"\n", headers=headers)
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    keyed = {"idempotency-key": "two"}
    reverts = [admin.post("/v1/releases/once/revert", headers=keyed) for _ in range(2)]
    assert [(answer.status_code, answer.content == reverts[0].content) for answer in reverts] == [(201, True)] * 2


@pytest.mark.usefixtures("own_interpreters")
def test_a_zip_over_http(admin: httpx.Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("sources.yaml", SOURCES)
    sent = {"content": buffer.getvalue(), "headers": {"content-type": "application/zip"}}
    done = admin.post("/v1/releases?name=zipped", **sent)  # type: ignore[arg-type]  # one dict of two kinds of values
    assert (done.status_code, done.json()["counts"]["created"]) == (201, 1), done.text


def test_a_client_that_goes_away_leaves_nothing(admin: httpx.Client, first: Engine) -> None:
    before = everything(first)["documents"]
    address = (admin.base_url.host, admin.base_url.port or 0)
    head = f"POST /v1/releases?name=gone HTTP/1.1\r\nhost: x\r\nauthorization: {admin.headers['authorization']}\r\n"
    with socket.create_connection(address) as connection:
        connection.sendall(f"{head}content-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n".encode())
        connection.sendall(body(source("x")))
    time.sleep(0.3)
    assert admin.get("/v1/releases").json()["total"] == 1
    assert everything(first)["documents"] == before


def test_what_a_look_refuses_begins_no_process(
    admin: httpx.Client, first: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin.post("/v1/releases?name=second", content=body(source("x")), headers=NDJSON).status_code == 201
    keyed = {"idempotency-key": "one"}
    reverted = admin.post("/v1/releases/second/revert", headers=keyed)
    assert reverted.status_code == 201, reverted.text
    monkeypatch.setattr(sys, "executable", "/none/such")  # what begins a process is a 500 from now on
    assert admin.post("/v1/releases/first/revert").status_code == 500
    unknown = admin.post("/v1/releases/secnd/revert")
    assert (unknown.status_code, "second" in unknown.json()["errors"][0]["nearest"]) == (404, True)
    again = admin.post("/v1/releases/second/revert")
    assert (again.status_code, again.json()["errors"][0]["nearest"]) == (409, ["/v1/releases/revert-second"])
    assert admin.post("/v1/releases/first/revert?name=second").status_code == 409
    replayed = admin.post("/v1/releases/second/revert", headers=keyed)
    assert (replayed.status_code, replayed.content) == (201, reverted.content)
    assert replayed.headers["idempotent-replayed"] == "true"
