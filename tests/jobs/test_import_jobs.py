"""Imports over HTTP: in the background, one at a time, all or nothing."""

import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import orjson
import pytest
from sqlalchemy import Engine, select

from app.api.routes import imports
from app.auth.models import AuditEntry
from app.database.engine import reading
from app.jobs import recovery as settling
from app.jobs.queue import QueueFolder
from tests.jobs.import_requests import (
    NDJSON,
    Json,
    ended,
    get,
    lines,
    many,
    opened,
    running,
    source,
    sources,
    start,
    wait_for,
)


@pytest.mark.usefixtures("own_interpreters")
def test_descriptors_are_imported_as_records_are(admin: httpx.Client) -> None:
    """They become no release, so none can be named."""
    content, text = b"D000001\tCalcimycin\tA-23187\tD03.633\n", {"content-type": "text/tab-separated-values"}
    refused = admin.post("/v1/imports?format=mesh&name=a", content=content, headers=text)
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "name")
    begun = admin.post("/v1/imports?format=mesh", content=content, headers=text)
    assert begun.status_code == 202, begun.text
    done = ended(admin, begun.json()["id"])
    assert (done["state"], done["report"]["units"]["applied"], done["release"]) == ("done", 1, None)


def audit(engine: Engine) -> list[tuple[str, str | None]]:
    with reading(engine) as connection:
        rows = connection.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.number))
        return [(row[0], row[1]) for row in rows if row[0] == "import"]


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


def test_an_older_record_is_imported_only_if_allowed(admin: httpx.Client) -> None:
    def outcome(day: str, query: str = "") -> tuple[bool, int, int]:
        done = ended(admin, start(admin, lines(source("a", effective_date=day)), query)["id"])
        assert done["state"] == "done"
        return done["allow_older"], done["report"]["units"]["applied"], done["report"]["units"]["skipped"]

    assert outcome("2024-05-06") == (False, 1, 0)
    assert outcome("2023-05-06") == (False, 0, 1)
    assert outcome("2023-05-06", "&allow_older=true") == (True, 1, 0)


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
