"""The change feed: ordered, complete, resumable, and no change is skipped however many write at once."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.auth import audit
from app.auth.audit import Event, Who
from app.auth.models import Role
from app.database.engine import writing
from tests.conftest import serving, settings_for
from tests.editing.test_editing import PATCH, WHY, direction


def pages(client: httpx.Client, url: str) -> Iterator[dict[str, Any]]:
    following: str | None = url
    while following:
        page = client.get(following).raise_for_status().json()
        yield from page["items"]
        following = page["next"]


def note(client: httpx.Client, id: str, text: str) -> httpx.Response:
    headers = {**PATCH, "if-match": "*"}
    return client.patch(f"/v1/studies/{id}", params=WHY, json={"note": text}, headers=headers)


def test_everything_there_ever_was(api: httpx.Client) -> None:
    total = sum(entry["total"] for entry in api.get("/").json()["records"])
    for limit in (7 if total < 100 else 97, 1000):
        items = list(pages(api, f"/v1/changes?limit={limit}"))
        assert len(items) == total
        keys = [(item["revision"], item["type"], item["id"]) for item in items]
        assert len(set(keys)) == total
        assert {item["change"] for item in items} == {"created"}
    some = list(pages(api, "/v1/changes?type=studies,mechanisms&limit=50"))
    assert {item["type"] for item in some} == {"studies", "mechanisms"}


def test_a_change_its_consequences_and_a_tombstone(editor: httpx.Client) -> None:
    start = editor.get("/v1/changes?limit=1").json()["revision"]
    made = editor.post("/v1/directions", params=WHY, json=direction(editor))
    headers = {**PATCH, "if-match": made.headers["etag"]}
    editor.patch("/v1/directions/blink-rate", params={"reason": "Why not"}, json={"note": "x"}, headers=headers)
    editor.delete("/v1/directions/blink-rate", params=WHY, headers={"if-match": "*"})
    items = list(pages(editor, f"/v1/changes?since={start}&limit=1"))
    assert [(item["change"], item["version"], item["fields"]) for item in items] == [
        ("created", 1, None),
        ("updated", 2, ["note"]),
        ("deleted", 3, None),
    ]
    assert items[1]["reason"] == "Why not"
    assert items[1]["actor"].startswith("editor ")
    assert items[2]["href"] == "/v1/directions/blink-rate/versions/3"
    assert editor.get(f"/v1/changes?since={start + 3}").json()["items"] == []
    renamed = {**PATCH, "if-match": "*"}
    editor.patch("/v1/products/onabotulinumtoxina", params=WHY, json={"name": "OnaBoNT-A"}, headers=renamed)
    items = list(pages(editor, f"/v1/changes?since={start + 3}&type=studies"))
    assert {(item["change"], tuple(item["fields"])) for item in items} == {("refreshed", ("products",))}


def test_since_a_moment(editor: httpx.Client) -> None:
    assert editor.get("/v1/changes?since=2026-01-31&limit=1").json()["items"][0]["revision"] == 1
    note(editor, "preempt-1", "one")
    first = editor.get("/v1/changes?since=1").json()["items"][0]
    note(editor, "preempt-1", "two")
    later = editor.get("/v1/changes", params={"since": first["at"], "limit": 5}).json()["items"]
    assert [item["revision"] for item in later] == [first["revision"] + 1]
    for wrong in ("2999-01-01", "2026-13-01", "yesterday"):
        assert editor.get(f"/v1/changes?since={wrong}").status_code == 422


def test_waiting_for_a_change(editor: httpx.Client) -> None:
    start = editor.get("/v1/changes?limit=1").json()["revision"]
    began = time.monotonic()
    assert editor.get(f"/v1/changes?since={start}&wait=1").json()["items"] == []
    assert time.monotonic() - began >= 1
    later = threading.Timer(0.3, note, (editor, "preempt-1", "waited for"))
    later.start()
    began = time.monotonic()
    answer = editor.get(f"/v1/changes?since={start}&wait=20")
    assert [item["id"] for item in answer.json()["items"]] == ["preempt-1"]
    assert time.monotonic() - began < 10
    assert answer.headers["cache-control"] == "no-store"
    later.join()


def test_what_no_page_shows_ends_no_wait(editor: httpx.Client, copy: Engine) -> None:
    """A line of the audit is written to the same database, and is no change of a record."""
    start = editor.get("/v1/changes?limit=1").json()["revision"]

    def write() -> None:
        with writing(copy) as connection:
            audit.note(connection, [Event(Who("anonymous"), "refused", 401)])

    later = threading.Timer(0.5, write)
    later.start()
    began = time.monotonic()
    assert editor.get(f"/v1/changes?since={start}&wait=2").json()["items"] == []
    assert time.monotonic() - began >= 2
    later.join()


def events(client: httpx.Client, url: str, number: int, **headers: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with client.stream("GET", url, headers={"accept": "text/event-stream", **headers}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if line and name in ("event", "id", "data"):
                event[name] = json.loads(value) if name == "data" else value
            elif not line and event:
                found.append(event)
                event = {}
                if len(found) == number:
                    break
    return found


def test_a_stream_goes_on_and_is_resumed(editor: httpx.Client) -> None:
    start = editor.get("/v1/changes?limit=1").json()["revision"]
    writer = threading.Thread(target=lambda: [note(editor, "preempt-1", f"{n}") for n in range(6)])
    writer.start()
    first = events(editor, f"/v1/changes?since={start}", 3)
    writer.join()
    rest = events(editor, f"/v1/changes?since={start}", 3, **{"last-event-id": first[-1]["id"]})
    assert [event["data"]["revision"] for event in (*first, *rest)] == list(range(start + 1, start + 7))
    assert {event["event"] for event in first} == {"change"}
    whole = events(editor, "/v1/changes", 300)
    assert len({event["id"] for event in whole}) == 300


def test_who_waits_does_not_hold_up_the_end(copy_url: str) -> None:
    with httpx.Client(timeout=90) as own, serving(settings_for(copy_url)) as client:
        start = client.get("/v1/changes?limit=1").json()["revision"]
        address = f"{client.base_url}/v1/changes?since={start}"
        waiting = [
            threading.Thread(target=own.get, args=(f"{address}&wait=60",)),
            threading.Thread(target=events, args=(own, address, 1)),
        ]
        for thread in waiting:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
    for thread in waiting:
        thread.join()
    assert time.monotonic() - began < 15


class Follower(threading.Thread):
    """Reads the feed as fast as it answers, until it is told that nobody writes any longer."""

    def __init__(self, client: httpx.Client, since: int) -> None:
        super().__init__()
        self.client, self.since = client, since
        self.over = threading.Event()
        self.seen: list[tuple[int, str]] = []

    def run(self) -> None:
        while not self._read(last=self.over.is_set()):
            pass

    def _read(self, *, last: bool) -> bool:
        page = self.client.get(f"/v1/changes?since={self.since}&type=studies&limit=1000").json()
        self.seen.extend((item["revision"], item["id"]) for item in page["items"])
        self.since = page["revision"]
        return last and not page["items"]


def test_no_change_is_skipped_under_concurrent_writers(copy_url: str, own_keys: dict[Role, str]) -> None:
    """The classic fault: a number is taken early and seen late, so a reader who has seen a later one never sees it.

    Two services on one database write, and a third is read from.
    """
    done: list[int] = []

    def write(client: httpx.Client, id: str) -> None:
        done.extend(note(client, id, f"{number}").status_code for number in range(25))

    services = [serving(settings_for(copy_url)) for _ in range(3)]
    with services[0] as one, services[1] as two, services[2] as three:
        for client in (one, two):
            client.headers["authorization"] = f"Bearer {own_keys['editor']}"
        start = three.get("/v1/changes?limit=1").json()["revision"]
        follower = Follower(three, start)
        ids = ["preempt-1", "preempt-2", "compel", "compel-safety"]
        writers = [threading.Thread(target=write, args=((one, two)[n % 2], id)) for n, id in enumerate(ids)]
        for thread in (follower, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        follower.over.set()
        follower.join()
        told = pages(three, f"/v1/changes?since={start}&type=studies&limit=9")
        everything = [(item["revision"], item["id"]) for item in told]
    assert done == [200] * 100
    assert len({revision for revision, _ in everything if revision > start}) == 100
    assert follower.seen == everything
    assert len(set(everything)) == len(everything)


@pytest.mark.parametrize(
    "query",
    [f"since={value}" for value in ("-1", "x", "1.5", "99999999999", "1&since=2")]
    + [f"wait={value}" for value in ("61", "-1")]
    + [f"limit={value}" for value in ("0", "1001")]
    + ["type=study", "cursor=abc", "nothing=1", "format=csv"],
)
def test_what_cannot_be_asked_of_the_feed(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/v1/changes?{query}")
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("last", ["", "x", "1/2", "a/b/c", "1/studies/x/y"])
def test_a_last_event_id_that_was_not_given_here(api: httpx.Client, last: str) -> None:
    headers = {"accept": "text/event-stream", "last-event-id": last}
    assert api.get("/v1/changes", headers=headers).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"accept": "text/event-stream"}])
def test_a_revision_that_is_not_reached_yet_was_not_given_here(api: httpx.Client, headers: dict[str, str]) -> None:
    """After a backup is restored, a reader may be ahead of the database: it must not wait for the numbers to meet."""
    for query in ("since=99999", "since=99999&wait=1"):
        answer = api.get(f"/v1/changes?{query}", headers=headers)
        assert answer.status_code == 400
        assert "99999 was not given here" in answer.json()["detail"]


def test_the_feed_is_kept_as_long_as_nothing_changes(copy_url: str, own_keys: dict[Role, str], copy: Engine) -> None:
    with serving(settings_for(copy_url, answer_cache_bytes=10_000_000)) as client:
        client.headers["authorization"] = f"Bearer {own_keys['editor']}"
        reader = httpx.Client(base_url=client.base_url)
        start = reader.get("/v1/changes?limit=1").json()["revision"]
        for number in range(5):
            assert reader.get(f"/v1/changes?since={start}").json()["items"] == []
            note(client, "preempt-1", f"{number}")
            assert len(reader.get(f"/v1/changes?since={start}").json()["items"]) == 1
            start += 1
        reader.close()
