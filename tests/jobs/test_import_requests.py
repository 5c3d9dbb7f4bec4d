"""Requests of imports: repeated, refused, and those of the contract's examples."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Engine

from app.api.metrics import Metrics
from app.api.middleware.request_context import RequestContext
from app.api.openapi.imports import EXAMPLES, SCHEMAS
from app.auth.models import Role
from app.jobs.failures import problem_of
from tests.api.test_openapi import DOCUMENT, plain
from tests.jobs.import_requests import NDJSON, ended, many, opened, wait_for


def test_an_id_that_is_too_long_for_one_is_none(admin: httpx.Client) -> None:
    for answer in (admin.get, admin.delete, lambda path: admin.post(f"{path}/resume")):
        assert answer("/v1/imports/" + "a" * 300).status_code == 404


def test_a_full_disk_is_said_to_be_full() -> None:
    """`/dev/full` is one, whatever is written to it."""

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        with Path("/dev/full").open("wb") as file:
            file.write(b"x")

    app = RequestContext(keep, Metrics(), access_log=False)
    transport = httpx.ASGITransport(app)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/v1/imports")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["type"]) == (507, "/problems/insufficient-storage")
    assert problem_of(OSError(errno.ENOSPC, "full"), "import", None).kind == "insufficient-storage"


def test_a_request_sent_twice_counts_once(admin: httpx.Client, engine: Engine, folder: Path) -> None:
    keyed = {**NDJSON, "idempotency-key": "one"}
    content = many(30, 0.02)

    def send(content: bytes) -> httpx.Response:
        return admin.post("/v1/imports?format=toy", content=content, headers=keyed)

    answers = [send(content) for _ in range(2)]  # while it waits or runs
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert send(content + b"\n").json()["type"] == "/problems/idempotency-key-reused"
    id = answers[0].json()["id"]
    assert ended(admin, id)["state"] == "done"
    wait_for(lambda: opened(folder) == [])
    again = send(content)  # and when it is over
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (202, answers[0].content, "true")
    assert send(content + b"\n").json()["type"] == "/problems/idempotency-key-reused"
    assert admin.get("/v1/imports").json()["total"] == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_what_cannot_be_imported_is_refused_at_once(admin: httpx.Client, keys: dict[Role, str], folder: Path) -> None:
    def refused(path: str, content: bytes = b"x", **headers: str) -> tuple[int, str, Any]:
        answer = admin.post(path, content=content, headers={**NDJSON, **headers})
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        said = answer.json()
        return answer.status_code, said["type"].removeprefix("/problems/"), said["errors"]

    assert refused("/v1/imports")[:2] == (422, "invalid-parameter")
    assert refused("/v1/imports?format=cgtov")[2][0]["nearest"][0] == "ctgov"
    assert refused("/v1/imports?fromat=ctgov")[2][0]["nearest"] == ["format"]
    assert refused("/v1/imports?format=pubmed&since=2020-01-01")[1] == "invalid-parameter"
    assert refused("/v1/imports?format=ctgov&since=2020-13-01")[1] == "invalid-parameter"
    assert refused("/v1/imports?format=ctgov&on_error=go&dry_run=1&name=A&reason=")[2].__len__() == 4
    assert refused("/v1/imports?format=ctgov&allow_older=maybe")[2][0]["parameter"] == "allow_older"
    assert refused("/v1/imports?format=mesh&allow_older=true")[2][0]["parameter"] == "allow_older"
    assert refused("/v1/imports?format=toy", b"#" * 2_000_001)[:2] == (413, "content-too-large")
    assert refused("/v1/imports?format=toy", b"")[:2] == (400, "malformed-content")
    assert refused("/v1/imports?format=toy", b"x", **{"content-type": "text/csv"})[:2] == (
        415,
        "unsupported-media-type",
    )
    typed = {"content-type": "application/json"}
    for said, pointer in (
        ({"format": "ctgov"}, "/query"),
        ({"format": "references", "query": "x"}, "/format"),
        ({"format": "cgtov", "query": "x"}, "/format"),
        ({"format": "ctgov", "query": ""}, "/query"),
        ({"format": "ctgov", "query": "x\u0000"}, "/query"),
        ({"format": "ctgov", "query": "x", "since": "2020-02-30"}, "/since"),
        ({"format": "ctgov", "query": "x", "dry_run": "true"}, "/dry_run"),
        ({"format": "ctgov", "query": "x", "allow_older": 1}, "/allow_older"),
        ({"format": "ctgov", "query": "x", "nmae": "y"}, "/nmae"),
    ):
        status, kind, errors = refused("/v1/imports", orjson.dumps(said), **typed)
        assert (status, kind, errors[0]["pointer"]) == (422, "invalid-record", pointer)
    assert refused("/v1/imports", b"{", **typed)[:2] == (400, "malformed-content")
    assert admin.get("/v1/imports/..%2fturn").status_code == 404
    assert admin.get("/v1/imports/turn").status_code == 404
    assert admin.get("/v1/imports?cursor=x").status_code == 400
    assert admin.get("/v1/imports?lmit=1").status_code == 422
    assert admin.post("/v1/imports/0123/resume").status_code == 404
    assert admin.delete("/v1/imports/0123").status_code == 404
    for role, status in ((None, 401), ("reader", 403), ("editor", 403)):
        key = {"authorization": f"Bearer {keys[role]}" if role else ""}  # type: ignore[index]  # a literal's type
        for method, path in (
            ("POST", "/v1/imports?format=toy"),
            ("GET", "/v1/imports"),
            ("GET", "/v1/imports/0123"),
            ("GET", "/v1/imports/0123/events"),
            ("POST", "/v1/imports/0123/resume"),
            ("DELETE", "/v1/imports/0123"),
        ):
            assert admin.request(method, path, headers=key).status_code == status, (role, method, path)
    assert admin.get("/v1/imports").json()["total"] == 0
    assert not folder.exists() or opened(folder) == []


def test_examples_are_what_they_are_examples_of(admin: httpx.Client) -> None:
    for model, _ in SCHEMAS:
        assert model.model_validate_json(orjson.dumps(EXAMPLES[model.__name__]))
    operation = plain(DOCUMENT["paths"]["/v1/imports"]["post"])
    given = {item["name"]: item["example"] for item in operation["parameters"] if item["in"] == "query"}
    answer = admin.post("/v1/imports", params=given, content=b"{}", headers=NDJSON)
    assert answer.status_code == 202, answer.text
    assert answer.json().keys() == EXAMPLES["ImportOut"].keys()
    assert admin.delete(f"/v1/imports/{answer.json()['id']}").status_code in (200, 409)
