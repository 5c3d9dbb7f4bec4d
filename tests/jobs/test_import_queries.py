"""Imports of what a publisher's service answers to a query."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Engine

from app.auth.models import Role
from tests.answering import Asked, Reply, answering
from tests.conftest import serving, settings_for
from tests.jobs.import_requests import NDJSON, ended, get, lines, page, record, sources, until, worker_of


@pytest.fixture
def asking(url: str, folder: Path, keys: dict[Role, str]) -> Callable[[str], Any]:
    def make(server: str) -> Any:
        more = {"imports_path": str(folder), "ctgov_url": server, "import_private": True}
        return serving(settings_for(url, **more))

    return make


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_a_query_is_fetched_page_by_page_and_no_page_twice(
    asking: Callable[[str], Any], keys: dict[Role, str], engine: Engine, folder: Path
) -> None:
    pages = {"": page("a", "b", following="two"), "two": page("c", "d", following="three"), "three": page("e")}
    held = threading.Event()

    def answer(asked: Asked) -> Reply:
        token = asked.query.get("pageToken", "")
        if token == "three":
            held.wait(60)
        return pages[token]

    with answering(answer) as server, asking(server.url) as client:
        client.headers["authorization"] = f"Bearer {keys['admin']}"
        wanted = {"format": "toy", "query": "botulinum toxin", "since": "2020-01-31", "reason": "Because"}
        answered = client.post("/v1/imports", json=wanted)
        assert answered.status_code == 202, answered.text
        id = answered.json()["id"]
        found = until(client, id, lambda found: (found["progress"] or {}).get("pages") == 2)
        assert (found["state"], found["progress"]["expected"], found["upload"]) == ("fetching", 5, None)
        worker_of(psutil.Process()).kill()
        assert ended(client, id)["state"] == "interrupted"
        until(client, id, lambda found: bool(found["resumable"]))
        held.set()
        assert client.post(f"/v1/imports/{id}/resume").status_code == 202
        done = ended(client, id)
        assert (done["state"], done["attempt"], done["progress"]["pages"]) == ("done", 2, 3), done
    tokens = [asked.query.get("pageToken", "") for asked in server.asked]
    assert (tokens[:2], set(tokens[2:])) == (["", "two"], {"three"})  # whatever was asked for when it was killed
    assert server.asked[0].query["filter.advanced"] == "AREA[LastUpdatePostDate]RANGE[2020-01-31,MAX]"
    assert sources(engine) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_a_server_that_answers_with_something_else_is_why_it_failed(
    asking: Callable[[str], Any], keys: dict[Role, str]
) -> None:
    with answering(lambda _: Reply(b"<html>Sorry</html>", "text/html")) as server, asking(server.url) as client:
        client.headers["authorization"] = f"Bearer {keys['admin']}"
        id = client.post("/v1/imports", json={"format": "toy", "query": "x"}).json()["id"]
        found = ended(client, id)
        assert (found["state"], found["problem"]["type"]) == ("failed", "/problems/malformed-content"), found
        assert "web page" in found["problem"]["detail"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_releases_and_previews_do_not_wait_for_an_import_that_fetches(
    asking: Callable[[str], Any], keys: dict[Role, str], engine: Engine
) -> None:
    held = threading.Event()

    def answer(_: Asked) -> Reply:
        held.wait(60)
        return page("a")

    with answering(answer) as server, asking(server.url) as client:
        client.headers["authorization"] = f"Bearer {keys['admin']}"
        id = client.post("/v1/imports", json={"format": "toy", "query": "x"}).json()["id"]
        until(client, id, lambda found: found["state"] == "fetching")
        sent: dict[str, Any] = {"content": lines({"type": "sources", "record": record("b")}), "headers": NDJSON}
        assert client.post("/v1/releases?preview=true", **sent).status_code == 200
        assert client.post("/v1/releases?name=meanwhile", **sent).status_code == 201
        assert (get(client, id)["state"], sources(engine)) == ("fetching", ["b"])
        held.set()
        assert ended(client, id)["state"] == "done"
    assert sources(engine) == ["a", "b"]
