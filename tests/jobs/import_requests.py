"""Imports as clients request and follow them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil  # type: ignore[import-untyped]
from sqlalchemy import Engine, select

from app.database.engine import reading
from app.records.sources.models import Source
from tests.answering import Reply

Json = dict[str, Any]


NDJSON = {"content-type": "application/x-ndjson"}


OVER = ("done", "failed", "interrupted", "cancelled")


def record(id: str, **more: Any) -> Json:
    return {"id": id, "kind": "web-page", "tier": "other", "url": f"https://example.org/{id}", **more}


def source(id: str, **more: Any) -> Json:
    return {"offers": [["sources", record(id, **more)]]}


def lines(*units: Json) -> bytes:
    return b"".join(orjson.dumps(unit) + b"\n" for unit in units)


def many(count: int, seconds: float = 0.0, start: int = 0) -> bytes:
    return lines(*({**source(f"s-{n}"), "seconds": seconds} for n in range(start, start + count)))


def start(client: httpx.Client, content: bytes, query: str = "", **headers: str) -> Json:
    answer = client.post(f"/v1/imports?format=toy{query}", content=content, headers={**NDJSON, **headers})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    assert answer.json()["state"] == "queued"
    return dict(answer.json())


def get(client: httpx.Client, id: str) -> Json:
    answer = client.get(f"/v1/imports/{id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def until(client: httpx.Client, id: str, ready: Callable[[Json], bool], seconds: float = 90.0) -> Json:
    deadline = time.monotonic() + seconds
    while not ready(found := get(client, id)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def ended(client: httpx.Client, id: str, seconds: float = 90.0) -> Json:
    return until(client, id, lambda found: found["state"] in OVER, seconds)


def running(client: httpx.Client, id: str) -> Json:
    return until(client, id, lambda found: found["state"] in ("reading", "writing") and bool(found["progress"]))


def sources(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.scalars(select(Source.id)))


def opened(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def wait_for(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def worker_of(service: psutil.Process) -> psutil.Process:
    while True:
        for child in service.children():
            if "app.jobs" in child.cmdline():
                return child
        time.sleep(0.01)


def page(*ids: str, following: str | None = None) -> Reply:
    said: Json = {"studies": [source(id) for id in ids], "totalCount": 5}
    return Reply(orjson.dumps(said | ({"nextPageToken": following} if following else {})))
