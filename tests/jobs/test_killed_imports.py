"""Imports whose worker or service is stopped or killed, and services that share a folder."""

import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Engine, select

from app.auth.models import Role
from app.database.engine import reading
from app.jobs.models import ImportRun
from app.store import integrity as maintaining
from tests.commands import environment, evidence
from tests.jobs.import_requests import (
    NDJSON,
    OVER,
    ended,
    get,
    lines,
    many,
    opened,
    record,
    running,
    sources,
    start,
    until,
    wait_for,
    worker_of,
)


def reached(client: httpx.Client, id: str, state: str) -> None:
    """Some moment after it is there, or past it."""
    until(client, id, lambda found: found["state"] in (state, "writing", *OVER))
    time.sleep(random.random() * 0.5)


@pytest.mark.parametrize(
    ("backend", "state"),
    [("sqlite", "queued"), ("postgresql", "reading"), ("sqlite", "writing"), ("postgresql", "writing")],
    indirect=["backend"],
)
@pytest.mark.usefixtures("own_interpreters")
@pytest.mark.long
def test_a_worker_that_is_killed_did_all_or_nothing(
    admin: httpx.Client, engine: Engine, state: str, folder: Path
) -> None:
    begun = start(admin, many(1000, 0.001))
    worker = worker_of(psutil.Process())
    reached(admin, begun["id"], state)
    with suppress(psutil.NoSuchProcess):
        worker.kill()
    found = ended(admin, begun["id"])
    assert found["state"] in ("interrupted", "done")
    if found["state"] == "interrupted":
        assert sources(engine) == []
        until(admin, begun["id"], lambda found: bool(found["resumable"]))
        again = admin.post(f"/v1/imports/{begun['id']}/resume")
        assert (again.status_code, again.json()["attempt"], again.json()["state"]) == (202, 2, "queued"), again.text
        assert ended(admin, begun["id"])["state"] == "done"
    assert len(sources(engine)) == 1000
    wait_for(lambda: opened(folder) == [])
    assert list(maintaining.check(engine)) == []


class Served:
    """The service as a process of its own."""

    def __init__(self, url: str, folder: Path, key: str) -> None:
        more = {"EVIDENCE_IMPORTS_PATH": str(folder), "EVIDENCE_SEARCH_PATH": ":memory:", "EVIDENCE_LIMITS": "false"}
        command = [*evidence(), "serve", "--port", "0"]
        self.process = subprocess.Popen(command, env=environment(url, **more), stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        address = self.process.stdout.readline().split()[-1]
        self.client = httpx.Client(base_url=address, timeout=30, headers={"authorization": f"Bearer {key}"})
        while True:
            try:
                self.client.get("/healthz")
                return
            except httpx.ConnectError:
                time.sleep(0.05)

    def end(self, signal: signal.Signals = signal.SIGTERM) -> None:
        self.client.close()
        self.process.send_signal(signal)
        self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()


Serve = Callable[[], Served]


@pytest.fixture
def serve(url: str, folder: Path, keys: dict[Role, str]) -> Iterator[Serve]:
    made: list[Served] = []

    def begin() -> Served:
        made.append(Served(url, folder, keys["admin"]))
        return made[-1]

    yield begin
    for served in made:
        if served.process.poll() is None:
            served.end()


@pytest.mark.parametrize(
    ("backend", "state"),
    [("postgresql", "queued"), ("sqlite", "reading"), ("sqlite", "writing"), ("postgresql", "writing")],
    indirect=["backend"],
)
@pytest.mark.usefixtures("own_interpreters")
@pytest.mark.long
def test_a_service_that_is_killed_leaves_nothing_half_done(
    serve: Serve, engine: Engine, state: str, folder: Path
) -> None:
    service = serve()
    begun, waiting = start(service.client, many(1000, 0.001)), start(service.client, many(1, start=5000))
    worker = worker_of(psutil.Process(service.process.pid))
    reached(service.client, begun["id"], state)
    service.end(signal.SIGKILL)
    worker.wait(5)  # it ends by itself
    next_one = serve().client
    found = ended(next_one, begun["id"])
    assert found["state"] in ("interrupted", "done")
    assert ended(next_one, waiting["id"])["state"] == "done"  # what waited, waits no longer
    if found["state"] == "interrupted":
        assert sources(engine) == ["s-5000"]
        assert next_one.post(f"/v1/imports/{begun['id']}/resume").status_code == 202
        assert ended(next_one, begun["id"])["attempt"] == 2
    assert len(sources(engine)) == 1001
    wait_for(lambda: opened(folder) == [])
    assert list(maintaining.check(engine)) == []


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # what it is about is in the folder
@pytest.mark.usefixtures("own_interpreters")
def test_a_service_that_is_stopped_interrupts_what_runs(serve: Serve, engine: Engine) -> None:
    service = serve()
    begun = start(service.client, many(1000, 0.01))
    running(service.client, begun["id"])
    service.end()
    with reading(engine) as connection:
        assert connection.scalars(select(ImportRun.state)).one() == "interrupted"
    again = serve().client
    assert get(again, begun["id"])["resumable"]
    answer = again.delete(f"/v1/imports/{begun['id']}")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # what it is about is in the folder
@pytest.mark.usefixtures("own_interpreters")
@pytest.mark.long
def test_two_services_see_and_serve_the_same_imports(serve: Serve, engine: Engine) -> None:
    one, other = serve(), serve()
    begun = start(one.client, many(300, 0.01))
    first = running(other.client, begun["id"])
    time.sleep(1.5)  # long enough for the other one to look after the folder, and to take nothing for dead
    second = get(other.client, begun["id"])
    assert second["progress"]["units"] > first["progress"]["units"]
    assert second["state"] in ("reading", "writing")
    waiting = start(other.client, many(1, start=900))
    assert ended(one.client, begun["id"])["state"] == "done"
    assert ended(one.client, waiting["id"])["state"] == "done"
    again = start(one.client, many(300, 0.02, start=1000))
    running(other.client, again["id"])
    assert other.client.delete(f"/v1/imports/{again['id']}").json()["state"] == "cancelled"
    last = start(one.client, many(300, 0.01, start=2000))
    running(other.client, last["id"])
    one.end(signal.SIGKILL)
    assert ended(other.client, last["id"])["state"] == "interrupted"  # noticed by the one that is left
    assert other.client.post(f"/v1/imports/{last['id']}/resume").status_code == 202
    assert ended(other.client, last["id"])["state"] == "done"
    assert len(sources(engine)) == 601


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # the one that is shared by machines
@pytest.mark.long
def test_a_service_with_another_folder_says_what_it_can_see(
    serve: Serve, url: str, engine: Engine, tmp_path: Path, keys: dict[Role, str]
) -> None:
    begun = start(serve().client, many(400, 0.01))
    other = Served(url, tmp_path / "elsewhere", keys["admin"])
    wait_for(lambda: other.client.get(f"/v1/imports/{begun['id']}").status_code == 200)
    time.sleep(1.5)
    found = get(other.client, begun["id"])
    assert (found["state"], found["progress"], found["resumable"]) == ("reading", None, False)
    assert other.client.post(f"/v1/imports/{begun['id']}/resume").status_code == 409
    assert ended(other.client, begun["id"])["state"] == "done"
    other.end()


@pytest.mark.usefixtures("own_interpreters")
def test_a_release_whose_process_is_killed_changes_nothing_and_blocks_no_other(
    admin: httpx.Client, engine: Engine
) -> None:
    items = [{"type": "sources", "record": record(f"s-{number}")} for number in range(1500)]
    answers: list[httpx.Response] = []
    sending = threading.Thread(
        target=lambda: answers.append(admin.post("/v1/releases?name=killed", content=lines(*items), headers=NDJSON))
    )
    sending.start()
    worker_of(psutil.Process()).kill()
    sending.join()
    assert (answers[0].status_code, answers[0].json()["detail"]) == (
        500,
        "The release broke off; nothing was changed.",
    )
    assert sources(engine) == []
    assert admin.post("/v1/releases?name=next", content=lines(items[0]), headers=NDJSON).status_code == 201


@pytest.mark.usefixtures("own_interpreters")
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the process
def test_a_release_ends_with_the_service_that_was_to_answer_it(serve: Serve, engine: Engine) -> None:
    service = serve()
    items = [{"type": "sources", "record": record(f"s-{number}")} for number in range(1500)]

    def send() -> None:
        with suppress(httpx.TransportError):
            service.client.post("/v1/releases?name=orphan", content=lines(*items), headers=NDJSON)

    sending = threading.Thread(target=send)
    sending.start()
    worker = worker_of(psutil.Process(service.process.pid))
    service.process.kill()
    sending.join()
    service.end()  # what is left of it
    worker.wait(30)
    made = serve().client.get("/v1/releases/orphan").status_code == 200
    assert len(sources(engine)) == (1500 if made else 0)  # all or nothing, and nothing after it has ended
