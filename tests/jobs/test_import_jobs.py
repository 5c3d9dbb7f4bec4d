"""Imports over HTTP: in the background, one at a time, all or nothing, whatever is killed and whenever."""

import asyncio
import errno
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Engine, select

from app.api.metrics import Metrics
from app.api.middleware.request_context import RequestContext
from app.api.openapi.imports import EXAMPLES, SCHEMAS
from app.api.routes import imports
from app.auth.models import AuditEntry, Role
from app.database.engine import reading
from app.imports import registry as formats
from app.jobs import recovery as settling
from app.jobs.failures import problem_of
from app.jobs.models import ImportRun
from app.jobs.queue import QueueFolder
from app.records.sources.models import Source
from app.store import integrity as maintaining
from tests.answering import Asked, Reply, answering
from tests.api.test_openapi import DOCUMENT
from tests.commands import EVIDENCE, environment
from tests.conftest import keys_of, serving, settings_for
from tests.toy import reader

Json = dict[str, Any]
NDJSON = {"content-type": "application/x-ndjson"}
OVER = ("done", "failed", "interrupted", "cancelled")


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", reader.PYTHONPATH)
    monkeypatch.setitem(formats.FORMATS, "toy", reader.TOY)


def record(id: str, **more: Any) -> Json:
    return {"id": id, "kind": "web-page", "tier": "other", "url": f"https://example.org/{id}", **more}


def source(id: str, **more: Any) -> Json:
    return {"offers": [["sources", record(id, **more)]]}


def lines(*units: Json) -> bytes:
    return b"".join(orjson.dumps(unit) + b"\n" for unit in units)


def many(count: int, seconds: float = 0.0, start: int = 0) -> bytes:
    return lines(*({**source(f"s-{n}"), "seconds": seconds} for n in range(start, start + count)))


@pytest.fixture
def keys(engine: Engine) -> dict[Role, str]:
    return keys_of(engine)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "imports"


@pytest.fixture
def settings(url: str, folder: Path) -> Any:
    return settings_for(url, imports_path=str(folder), max_import_bytes=2_000_000)


@pytest.fixture
def admin(settings: Any, keys: dict[Role, str]) -> Iterator[httpx.Client]:
    with serving(settings) as client:
        client.headers["authorization"] = f"Bearer {keys['admin']}"
        yield client


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


def test_descriptors_are_imported_as_records_are(admin: httpx.Client) -> None:
    """They become no release, so none can be named."""
    content, text = b"D000001\tCalcimycin\tA-23187\tD03.633\n", {"content-type": "text/tab-separated-values"}
    refused = admin.post("/v1/imports?format=mesh&name=a", content=content, headers=text)
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "name")
    begun = admin.post("/v1/imports?format=mesh", content=content, headers=text)
    assert begun.status_code == 202, begun.text
    done = ended(admin, begun.json()["id"])
    assert (done["state"], done["report"]["units"]["applied"], done["release"]) == ("done", 1, None)


def sources(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.scalars(select(Source.id)))


def audit(engine: Engine) -> list[tuple[str, str | None]]:
    with reading(engine) as connection:
        rows = connection.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.number))
        return [(row[0], row[1]) for row in rows if row[0] == "import"]


def opened(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def wait_for(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_file_that_is_sent_becomes_a_release(admin: httpx.Client, engine: Engine, folder: Path) -> None:
    begun = start(admin, lines(source("a"), source("b")), "&reason=Because&name=first")
    done = ended(admin, begun["id"])
    assert (done["state"], done["release"], done["attempt"], done["problem"]) == ("done", "first", 1, None), done
    assert done["report"]["counts"]["created"] == 2
    assert done["progress"]["units"] == 2
    assert done["upload"]["bytes"] == len(lines(source("a"), source("b")))
    assert sources(engine) == ["a", "b"]
    release = admin.get("/v1/releases/first").json()
    assert (release["reason"], release["actor"]) == ("Because", done["created_by"])
    wait_for(lambda: opened(folder) == [])
    assert audit(engine) == [("import", "first: Because")]
    again = ended(admin, start(admin, lines(source("a")))["id"])
    assert (again["state"], again["release"], again["report"]["units"]["unchanged"]) == ("done", None, 1)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_a_dry_run_says_what_would_be_and_changes_nothing(admin: httpx.Client, engine: Engine, folder: Path) -> None:
    begun = start(admin, lines(source("a"), {"refusal": "odd"}), "&dry_run=true&on_error=skip")
    done = ended(admin, begun["id"])
    assert (done["state"], done["release"], done["report"]["revision"]) == ("done", None, None), done
    assert (done["report"]["counts"]["created"], done["report"]["refusals_total"]) == (1, 1)
    assert sources(engine) == []
    assert admin.get("/v1/releases").json()["total"] == 0
    wait_for(lambda: opened(folder) == [])
    assert get(admin, begun["id"]) == done


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # the engine's own tests have both
def test_one_refusal_stops_it_or_is_skipped(admin: httpx.Client, engine: Engine) -> None:
    content = lines(source("a"), {"refusal": "odd"}, source("b"))
    failed = ended(admin, start(admin, content)["id"])
    assert (failed["state"], failed["release"]) == ("failed", None)
    assert failed["problem"]["type"] == "/problems/invalid-record"
    assert failed["problem"]["errors"][0] == {
        "file": "line 2", "record": "", "pointer": "", "detail": "odd", "nearest": []
    }  # fmt: skip
    assert failed["report"]["stopped"]
    assert sources(engine) == []
    done = ended(admin, start(admin, content, "&on_error=skip")["id"])
    assert (done["state"], done["progress"]["refused"]) == ("done", 1), done
    assert sources(engine) == ["a", "b"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the reader
@pytest.mark.long
def test_what_cannot_be_read_on_is_refused_and_a_reader_that_breaks_off_fails(
    admin: httpx.Client, engine: Engine
) -> None:
    found = ended(admin, start(admin, lines(source("a"), {"unreadable": "half a line"}), "&on_error=skip")["id"])
    assert found["state"] == "done", found
    assert (
        found["report"]["refusals"][0] | {"place": "upload", "detail": "half a line"} == found["report"]["refusals"][0]
    )
    broken = ended(admin, start(admin, lines(source("b"), {"die": True}), "&on_error=skip")["id"])
    assert (broken["state"], broken["problem"]["type"]) == ("failed", "/problems/malformed-content"), broken
    nonsense = ended(admin, start(admin, b"no json\n", "&on_error=skip")["id"])
    assert nonsense["state"] == "failed", nonsense
    assert sources(engine) == ["a"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_since_passes_over_what_says_that_it_is_older(admin: httpx.Client, engine: Engine) -> None:
    notes = {"a": "2020-01-31", "b": "2020", "c": "2019-12", "d": None}
    content = lines(*(source(id, **({"note": note} if note else {})) for id, note in notes.items()))
    assert ended(admin, start(admin, content, "&since=2020-02-01")["id"])["state"] == "done"
    assert sources(engine) == ["b", "d"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
@pytest.mark.long
def test_others_wait_for_their_turn_and_come_in_order(admin: httpx.Client, engine: Engine, folder: Path) -> None:
    first = start(admin, many(60, 0.03))
    running(admin, first["id"])
    started = time.monotonic()
    rest = [start(admin, many(1, start=100 + number)) for number in range(3)]
    assert time.monotonic() - started < 2  # whatever holds the database
    assert [get(admin, run["id"])["state"] for run in rest] == ["queued"] * 3
    page = admin.get("/v1/imports?limit=2").json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([rest[2]["id"], rest[1]["id"]], 4)
    following = admin.get(page["next"]).json()
    assert [item["id"] for item in following["items"]] == [rest[0]["id"], first["id"]]
    assert following["next"] is None
    done = [ended(admin, run["id"]) for run in (first, *rest)]
    assert [run["state"] for run in done] == ["done"] * 4
    assert all(before["ended_at"] <= after["started_at"] for before, after in pairwise(done))
    wait_for(lambda: opened(folder) == [])
    assert admin.get("/v1/imports?limit=0").json() == {"items": [], "total": 4, "next": None}
    assert [item["id"] for item in admin.get("/v1/imports").json()["items"]] == [
        run["id"] for run in (*rest[::-1], first)
    ]
    assert "report" not in admin.get("/v1/imports").json()["items"][0]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_what_waits_and_what_runs_can_be_cancelled(admin: httpx.Client, engine: Engine, folder: Path) -> None:
    first, second = start(admin, many(500, 0.03)), start(admin, many(1, start=900))
    running(admin, first["id"])
    answer = admin.delete(f"/v1/imports/{second['id']}")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    answer = admin.delete(f"/v1/imports/{first['id']}")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    wait_for(lambda: opened(folder) == [])
    assert [get(admin, run["id"])["state"] for run in (first, second)] == ["cancelled"] * 2
    assert sources(engine) == []
    assert admin.delete(f"/v1/imports/{first['id']}").status_code == 409
    assert admin.post(f"/v1/imports/{first['id']}/resume").status_code == 409
    assert sorted(detail or "" for _, detail in audit(engine)) == sorted(
        f"{run['id']}: cancelled" for run in (first, second)
    )


def worker_of(service: psutil.Process) -> psutil.Process:
    while True:
        for child in service.children():
            if "app.jobs" in child.cmdline():
                return child
        time.sleep(0.01)


def reached(client: httpx.Client, id: str, state: str) -> None:
    """Some moment after it is there, or past it."""
    until(client, id, lambda found: found["state"] in (state, "writing", *OVER))
    time.sleep(random.random() * 0.5)


@pytest.mark.parametrize(
    ("backend", "state"),
    [("sqlite", "queued"), ("postgresql", "reading"), ("sqlite", "writing"), ("postgresql", "writing")],
    indirect=["backend"],
)
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
        command = [*EVIDENCE, "serve", "--port", "0"]
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


def page(*ids: str, following: str | None = None) -> Reply:
    said: Json = {"studies": [source(id) for id in ids], "totalCount": 5}
    return Reply(orjson.dumps(said | ({"nextPageToken": following} if following else {})))


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


def test_files_of_an_earlier_version_in_the_folder_are_read(tmp_path: Path) -> None:
    run = tmp_path / "0123"
    run.mkdir()
    order = {"format": "toy", "query": "x", "since": None, "on_error": "stop", "dry_run": False, "name": None,
             "reason": None, "id": "0123", "upload": None, "created_at": "2026-11-01T00:00:00Z", "created_by": "a key",
             "address": "192.0.2.1", "request_id": "r"}  # fmt: skip
    standing = {"state": "queued", "attempt": 1, "started_at": None, "ended_at": None, "progress": None,
                "problem": None, "release": None, "settled": False}  # fmt: skip
    answer = {"asked": ["key", "once", "hash"], "at": "2026-11-01T00:00:00.000001+00:00", "status": 202,
              "headers": {"location": "/v1/imports/0123"}, "body": '{"id":"0123"}'}  # fmt: skip
    for name, content in (("order", order), ("standing", standing), ("answers", [answer])):
        (run / f"{name}.json").write_bytes(orjson.dumps(content))
    queue = QueueFolder(tmp_path)
    found = queue.find("0123")
    assert found is not None
    assert (found.request.query, found.request.who.address, found.status.state) == ("x", "192.0.2.1", "queued")
    for _ in range(2):  # as they were written, and as they are written now
        kept = queue.answers("0123")[0]
        assert kept.asked == ("key", "once", "hash")
        assert kept.at == datetime(2026, 11, 1, 0, 0, 0, 1, UTC)
        assert kept.given == (202, {"location": "/v1/imports/0123"}, b'{"id":"0123"}')
        queue.add_answer("0123", kept)
    assert queue.answers("0123") == [kept] * 3


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


def events(client: httpx.Client, path: str, **headers: str) -> list[tuple[str, Json]]:
    with client.stream("GET", path, headers=headers, timeout=90) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = "".join(answer.iter_text()).split("\n\n")
    split = [event.split("\n") for event in told if event.startswith("event: import")]
    return [(id.removeprefix("id: "), orjson.loads(data.removeprefix("data: "))) for _, id, data in split]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_progress_is_streamed_until_it_ends(admin: httpx.Client) -> None:
    begun = start(admin, many(150, 0.02))
    told = events(admin, f"/v1/imports/{begun['id']}/events")
    states = list(dict.fromkeys(found["state"] for _, found in told))
    assert states[-1] == "done"
    assert set(states) <= {"queued", "reading", "writing", "done"}
    assert len(told) > 3
    last, found = told[-1]
    assert found == get(admin, begun["id"])
    accepted = {"accept": "text/event-stream"}
    assert events(admin, f"/v1/imports/{begun['id']}", **accepted) == [told[-1]]
    again = admin.get(f"/v1/imports/{begun['id']}/events", headers={"last-event-id": last})
    assert (again.status_code, again.content) == (204, b"")
    assert admin.get(f"/v1/imports/{begun['id']}/events", headers={"last-event-id": "x"}).status_code == 400
    assert admin.get("/v1/imports/0123/events").status_code == 404
    assert admin.get(f"/v1/imports/{begun['id']}/events", headers={"accept": "text/csv"}).status_code == 406


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


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_what_is_kept_is_bounded(admin: httpx.Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "MOST_KEPT", 1)
    failed = [ended(admin, start(admin, lines({"refusal": str(number)}))["id"])["id"] for number in range(2)]
    wait_for(lambda: opened(folder) == [failed[1]])
    assert get(admin, failed[0])["state"] == "failed"
    assert not get(admin, failed[0])["resumable"]
    answer = admin.post(f"/v1/imports/{failed[0]}/resume")
    assert (answer.status_code, "not kept any more" in answer.json()["detail"]) == (409, True)
    assert admin.post(f"/v1/imports/{failed[1]}/resume").status_code == 202


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what it is about is in the folder
def test_only_so_many_wait(admin: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MOST_WAITING", 1)
    first = start(admin, many(500, 0.03))
    running(admin, first["id"])
    start(admin, many(1, start=900))
    answer = admin.post("/v1/imports?format=toy", content=many(1), headers=NDJSON)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")


def test_readers_and_writers_of_other_things_are_served_meanwhile(admin: httpx.Client) -> None:
    """A reader that waited for the import's lock would wait for as long as the import takes, or get no answer."""
    begun = start(admin, many(300, 0.02))
    running(admin, begun["id"])
    slowest = 0.0
    while get(admin, begun["id"])["state"] != "done":
        for path in ("/v1/sources", "/v1/imports", "/readyz"):
            started = time.monotonic()
            assert admin.get(path).status_code == 200
            slowest = max(slowest, time.monotonic() - started)
    assert slowest < 3


def test_examples_are_what_they_are_examples_of(admin: httpx.Client) -> None:
    for model, _ in SCHEMAS:
        assert model.model_validate_json(orjson.dumps(EXAMPLES[model.__name__]))
    operation = DOCUMENT["paths"]["/v1/imports"]["post"]
    given = {item["name"]: item["example"] for item in operation["parameters"] if item["in"] == "query"}
    answer = admin.post("/v1/imports", params=given, content=b"{}", headers=NDJSON)
    assert answer.status_code == 202, answer.text
    assert answer.json().keys() == EXAMPLES["ImportOut"].keys()
    assert admin.delete(f"/v1/imports/{answer.json()['id']}").status_code in (200, 409)
