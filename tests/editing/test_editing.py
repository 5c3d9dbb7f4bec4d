"""Changes by hand over HTTP: what an editor does, what two do at once, and what is refused."""

import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select

from app.auth.models import AuditEntry
from app.database.engine import reading
from app.store import integrity as maintaining
from app.store.documents import Document, State
from tests.conftest import serving, settings_for

WHY = {"reason": "As printed in table 2"}
PATCH = {"content-type": "application/merge-patch+json"}


def revision(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalars(select(State.revision)).one()


def direction(editor: httpx.Client) -> dict[str, Any]:
    """A record of the smallest type, as one may be entered."""
    example = editor.get("/openapi.json").json()["components"]["examples"]["entered-directions"]["value"]
    return {**example, "id": "blink-rate", "title": "Blink rate after treatment"}


def test_create_replace_patch_delete_restore(editor: httpx.Client, copy: Engine) -> None:
    body = direction(editor)
    made = editor.post("/v1/directions", params=WHY, json=body)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/v1/directions/blink-rate"
    read = editor.get("/v1/directions/blink-rate", headers={"accept-encoding": "identity"})
    assert (read.content, read.headers["etag"]) == (made.content, made.headers["etag"])

    match = {"if-match": read.headers["etag"]}
    changed = editor.put("/v1/directions/blink-rate", params=WHY, json={**body, "title": "Blink rate"}, headers=match)
    assert changed.status_code == 200, changed.text
    assert changed.json()["title"] == "Blink rate"

    match = {"if-match": changed.headers["etag"]}
    patched = editor.patch(
        "/v1/directions/blink-rate", params=WHY, json={"note": "Seen twice."}, headers={**match, **PATCH}
    )
    assert (patched.json()["note"], patched.json()["title"]) == ("Seen twice.", "Blink rate")

    gone = editor.delete("/v1/directions/blink-rate", params=WHY, headers={"if-match": patched.headers["etag"]})
    assert gone.json() == {"id": "blink-rate", "type": "directions", "deleted": True, "version": 4}
    assert editor.get("/v1/directions/blink-rate").status_code in (404, 410)
    assert editor.post("/v1/directions", params=WHY, json=body).status_code == 409
    again = editor.delete("/v1/directions/blink-rate", params=WHY, headers={"if-match": "*"})
    assert again.status_code == 410

    back = editor.post("/v1/directions/blink-rate/restore", params=WHY)
    assert (back.json()["note"], back.json()["title"]) == ("Seen twice.", "Blink rate")
    assert editor.post("/v1/directions/blink-rate/restore", params=WHY).status_code == 409
    with reading(copy) as connection:
        of = (Document.type == "directions", Document.id == "blink-rate")
        changes = connection.scalars(select(Document.change).where(*of).order_by(Document.version)).all()
    assert changes == ["created", "updated", "updated", "deleted", "restored"]
    assert list(maintaining.check(copy)) == []


def test_a_change_is_found_and_counted_at_once(editor: httpx.Client) -> None:
    before = editor.get("/v1/directions?limit=0").json()["total"]
    editor.post("/v1/directions", params=WHY, json=direction(editor))
    assert editor.get("/v1/directions?limit=0").json()["total"] == before + 1
    assert editor.get("/v1/directions?q=blink").json()["total"] == 1
    editor.delete("/v1/directions/blink-rate", params=WHY, headers={"if-match": "*"})
    assert editor.get("/v1/directions?limit=0").json()["total"] == before
    assert editor.get("/v1/directions?q=blink").json()["total"] == 0
    assert editor.get("/v1/search?q=blink&type=directions").json()["total"] == 0


def test_a_reader_with_a_cache_sees_his_own_change(copy_url: str, own_keys: dict[str, str]) -> None:
    with serving(settings_for(copy_url, answer_cache_bytes=10_000_000)) as client:
        bearer = {"authorization": f"Bearer {own_keys['editor']}"}
        for number in range(20):
            read = client.get("/v1/studies/preempt-1")
            match = {"if-match": read.headers["etag"], **bearer, **PATCH}
            done = client.patch("/v1/studies/preempt-1", params=WHY, json={"note": f"{number}"}, headers=match)
            assert done.status_code == 200
            assert client.get("/v1/studies/preempt-1").json()["note"] == f"{number}"


def test_what_refers_to_a_record_keeps_it(editor: httpx.Client) -> None:
    refused = editor.delete("/v1/products/onabotulinumtoxina", params=WHY, headers={"if-match": "*"})
    assert refused.status_code == 409
    named = [path for error in refused.json()["errors"] for path in error["nearest"]]
    assert len(named) == 100
    assert "/v1/approvals/onabotulinumtoxina-chronic-migraine-mhra-2010-07" in named
    assert editor.delete("/v1/sources/article", params=WHY, headers={"if-match": "*"}).status_code == 409


def test_a_deleted_study_leaves_what_showed_it(editor: httpx.Client, copy: Engine) -> None:
    """A publication shows its studies: it is refreshed in the same revision."""
    study = editor.post(
        "/v1/studies",
        params=WHY,
        json={
            "id": "one-more",
            "scope": "study",
            "design": "cohort",
            "title": "One more",
            "publications": [{"publication": "pmid-20647170"}],
            "provenance": [{"source": "article"}],
        },
    )
    assert study.status_code == 201, study.text
    shown = [s["id"] for s in editor.get("/v1/publications/pmid-20647170").json()["studies"]]
    assert "one-more" in shown
    assert editor.delete("/v1/studies/one-more", params=WHY, headers={"if-match": "*"}).status_code == 200
    shown = [s["id"] for s in editor.get("/v1/publications/pmid-20647170").json()["studies"]]
    assert "one-more" not in shown
    assert list(maintaining.check(copy)) == []


def test_validate_only_changes_nothing(editor: httpx.Client, copy: Engine) -> None:
    before = revision(copy)
    checked = editor.post("/v1/directions", params={**WHY, "validate_only": "true"}, json=direction(editor))
    assert (checked.status_code, checked.json()["id"]) == (200, "blink-rate")
    assert "etag" not in checked.headers
    assert editor.get("/v1/directions/blink-rate").status_code == 404
    wrong = editor.post("/v1/directions", params={**WHY, "validate_only": "true"}, json={"id": "blink-rate"})
    assert wrong.status_code == 422
    assert revision(copy) == before


def test_a_condition_is_needed_and_kept(editor: httpx.Client, copy: Engine) -> None:
    before = revision(copy)
    patch = {"note": "x"}
    assert editor.patch("/v1/studies/preempt-1", params=WHY, json=patch, headers=PATCH).status_code == 428
    for wrong, status in (('"abc"', 412), ('W/"abc"', 412), ("abc", 400), ("", 400)):
        answer = editor.patch("/v1/studies/preempt-1", params=WHY, json=patch, headers={**PATCH, "if-match": wrong})
        assert answer.status_code == status, wrong
    assert revision(copy) == before
    weak = "W/" + editor.get("/v1/studies/preempt-1", headers={"accept-encoding": "identity"}).headers["etag"]
    answer = editor.patch("/v1/studies/preempt-1", params=WHY, json=patch, headers={**PATCH, "if-match": weak})
    assert answer.status_code == 200, "a proxy that compresses weakens the tags of what it passes on"
    for coding in ("identity", "gzip", "br", "zstd"):
        tag = editor.get("/v1/studies/preempt-1", headers={"accept-encoding": coding}).headers["etag"]
        answer = editor.patch(
            "/v1/studies/preempt-1", params=WHY, json={"note": coding}, headers={**PATCH, "if-match": tag}
        )
        assert answer.status_code == 200, coding


def test_a_reason_is_needed(editor: httpx.Client) -> None:
    body = direction(editor)
    for reason in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 1001}, {"reason": "a\nb"}):
        assert editor.post("/v1/directions", params=reason, json=body).status_code == 422
    assert editor.post("/v1/directions?reason=x&reson=y", json=body).status_code == 422


def test_a_request_sent_twice_is_done_once(editor: httpx.Client, copy: Engine) -> None:
    body, named = direction(editor), {"idempotency-key": "first"}
    first = editor.post("/v1/directions", params=WHY, json=body, headers=named)
    after = revision(copy)
    second = editor.post("/v1/directions", params=WHY, json=body, headers=named)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    other = editor.post("/v1/directions", params=WHY, json={**body, "title": "Other"}, headers=named)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert revision(copy) == after
    for wrong in ("", "x" * 256, "a b"):
        answer = editor.post("/v1/directions", params=WHY, json=body, headers={"idempotency-key": wrong})
        assert answer.status_code == 400, wrong


def test_many_send_the_same_request_at_once(editor: httpx.Client, copy: Engine) -> None:
    body, named, before = direction(editor), {"idempotency-key": "many"}, revision(copy)
    statuses: list[int] = []

    def send() -> None:
        statuses.append(editor.post("/v1/directions", params=WHY, json=body, headers=named).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 8
    assert revision(copy) == before + 1


def test_of_two_editors_at_once_one_wins_and_nothing_is_lost(copy_url: str, own_keys: dict[str, str]) -> None:
    """Through two processes' worth of services on one database: the lock between them is the database's."""
    bearer = {"authorization": f"Bearer {own_keys['editor']}", **PATCH}
    outcomes: Counter[int] = Counter()
    notes: list[str] = []

    def edit(client: httpx.Client, editor: int) -> None:
        for number in range(15):
            tag = client.get("/v1/studies/preempt-1").headers["etag"]
            note = f"{editor}-{number}"
            headers = {**bearer, "if-match": tag}
            done = client.patch("/v1/studies/preempt-1", params=WHY, json={"note": note}, headers=headers)
            outcomes[done.status_code] += 1
            if done.status_code == 200:
                notes.append(note)

    with serving(settings_for(copy_url)) as one, serving(settings_for(copy_url)) as other:
        threads = [threading.Thread(target=edit, args=((one, other)[n % 2], n)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(outcomes) <= {200, 412}
        assert sum(outcomes.values()) == 90
        assert outcomes[200] == len(notes) > 0
        versions = one.get("/v1/studies/preempt-1").json()
        assert versions["note"] in notes


def test_every_change_is_in_the_audit(editor: httpx.Client, copy: Engine) -> None:
    made = editor.post("/v1/directions", params=WHY, json=direction(editor), headers={"x-request-id": "request-0001"})
    assert made.status_code == 201
    with reading(copy) as connection:
        line = connection.execute(select(AuditEntry.__table__).where(AuditEntry.action == "create")).mappings().one()
    assert line["actor"].startswith("editor ")
    assert (line["record_type"], line["record_id"], line["status"]) == ("directions", "blink-rate", 201)
    assert (line["request_id"], line["address"], line["detail"]) == ("request-0001", "127.0.0.1", WHY["reason"])
    assert line["revision"] == revision(copy)


BAD_CONTENT = [
    (b"", 400),
    (b"{", 400),
    (b"[1, 2", 400),
    (b'{"id": "a", "id": "b"}', 400),
    (b'{"id": NaN}', 400),
    (b'{"id": Infinity}', 400),
    (b'{"enrolled": 1e999}', 400),
    (b'{"enrolled": ' + b"9" * 5000 + b"}", 400),
    (b"[" * 10_000 + b"]" * 10_000, 400),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    (b"[" * 70 + b"]" * 70, 400),
    ('{"id": "ä"}'.encode("latin-1"), 400),
    (b"\xff\xfe{\x00}\x00", 400),
    (b"\xef\xbb\xbf{}", 400),
    (b"null", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"{}", 422),
    (b'{"id": "../../etc/passwd"}', 422),
    (b'{"id": "a/b"}', 422),
    (b'{"id": 7}', 422),
    (b'{"id": "present"}', 422),
    (b'{"id": "blink-rate", "title": "a\\u0000b"}', 422),
    (b'{"id": "blink-rate", "title": "a\\ud800b"}', 422),
    (b'{"id": "blink-rate", "titel": "a"}', 422),
]


@pytest.mark.parametrize(("content", "status"), BAD_CONTENT, ids=lambda value: repr(value)[:40])
def test_content_that_cannot_be_taken(editor: httpx.Client, copy: Engine, content: bytes, status: int) -> None:
    before = revision(copy)
    answer = editor.post("/v1/directions", params=WHY, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert revision(copy) == before


def test_types_and_sizes_of_content(copy_url: str, own_keys: dict[str, str]) -> None:
    with serving(settings_for(copy_url, max_content_bytes=10_000)) as client:
        client.headers["authorization"] = f"Bearer {own_keys['editor']}"
        for media in ("text/plain", "application/json; charset=latin-1", "application/xml", "multipart/form-data", ""):
            answer = client.post("/v1/directions", params=WHY, content=b"{}", headers={"content-type": media})
            assert answer.status_code == 415, media
        packed = {"content-type": "application/json", "content-encoding": "gzip"}
        assert client.post("/v1/directions", params=WHY, content=b"{}", headers=packed).status_code == 415
        xml = {"if-match": "*", "content-type": "text/xml"}
        plain = client.patch("/v1/studies/preempt-1", params=WHY, content=b"{}", headers=xml)
        assert (plain.status_code, plain.headers["accept-patch"]) == (415, "application/merge-patch+json")
        note = {"note": "Sent as plain JSON."}
        patched = client.patch("/v1/studies/preempt-1", params=WHY, json=note, headers={"if-match": "*"})
        assert (patched.status_code, patched.json()["note"]) == (200, note["note"]), patched.text
        long = b'{"id": "' + b"x" * 20_000 + b'"}'
        json = {"content-type": "application/json"}
        assert client.post("/v1/directions", params=WHY, content=long, headers=json).status_code == 413

        def endless() -> Any:
            while True:
                yield b" " * 1000

        with suppress(httpx.TransportError):  # the server may close while this still sends
            assert client.post("/v1/directions", params=WHY, content=endless(), headers=json).status_code == 413
        assert client.get("/healthz").status_code == 200
        body = {"content-type": "application/json", "if-match": "*"}
        refused = client.request("DELETE", "/v1/studies/preempt-1", params=WHY, content=b"{}", headers=body)
        assert refused.status_code == 413


def test_a_patch_of_a_quote_is_checked(editor: httpx.Client) -> None:
    wrong = [{"source": "article", "quote": "This is not in the article at all, whatever you say."}]
    answer = editor.patch(
        "/v1/studies/preempt-1", params=WHY, json={"provenance": wrong}, headers={**PATCH, "if-match": "*"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/provenance/0/quote")
    answer = editor.patch("/v1/studies/preempt-1", params=WHY, json={"id": "x"}, headers={**PATCH, "if-match": "*"})
    assert answer.status_code == 422


def test_what_changes_nothing_makes_no_version(editor: httpx.Client, copy: Engine) -> None:
    before = revision(copy)
    answer = editor.patch("/v1/studies/preempt-1", params=WHY, json={}, headers={**PATCH, "if-match": "*"})
    assert answer.status_code == 200
    assert revision(copy) == before


def test_a_change_of_a_name_is_shown_wherever_it_stands(editor: httpx.Client, copy: Engine) -> None:
    headers = {**PATCH, "if-match": "*"}
    done = editor.patch("/v1/products/onabotulinumtoxina", params=WHY, json={"name": "OnaBoNT-A"}, headers=headers)
    assert done.status_code == 200, done.text
    names = [product["name"] for product in editor.get("/v1/studies/preempt-1").json()["products"]]
    assert "OnaBoNT-A" in names
    with reading(copy) as connection:
        count = select(func.count()).where(Document.revision == revision(copy), Document.change == "refreshed")
        assert connection.scalars(count).one() > 50
    assert list(maintaining.check(copy)) == []


def test_an_invisible_character_is_refused_with_its_place(editor: httpx.Client) -> None:
    answer = editor.post("/v1/directions", params=WHY, json=direction(editor) | {"note": "seen\u200b twice"})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], "U+200B" in error["detail"]) == ("/note", True)
