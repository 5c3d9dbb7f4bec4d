"""The public sees pseudonyms of actors, or nothing, as a setting says."""

import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.auth.models import Role
from app.auth.pseudonyms import pseudonym, shown_actors
from app.database.engine import reading
from tests.auth.audit_entries import rows
from tests.conftest import serving, settings_for


@pytest.fixture
def edited(copy_url: str, own_keys: dict[Role, str]) -> str:
    """The URL of a database in which an editor changed one study three times."""
    with serving(settings_for(copy_url)) as client:
        for text_ in ("one", "two", "three"):
            headers = {"authorization": f"Bearer {own_keys['editor']}", "if-match": "*"}
            headers["content-type"] = "application/merge-patch+json"
            answer = client.patch("/v1/studies/preempt-1?reason=x", headers=headers, json={"note": text_})
            assert answer.status_code == 200
    return copy_url


def first_event(client: httpx.Client, path: str) -> dict[str, Any]:
    with client.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
        data = next(line for line in stream.iter_lines() if line.startswith("data: "))
    event: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return event


PUBLIC = (
    "/v1/changes?since=1&type=studies",
    "/v1/changes?since=1&wait=1",
    "/v1/studies/preempt-1/versions?limit=2",
    "/v1/studies/preempt-1/versions/2",
    "/v1/studies/preempt-1/diff?from=2&to=4",
)


def answers(client: httpx.Client) -> Iterator[str]:
    yield from (client.get(path).raise_for_status().text for path in PUBLIC)
    yield json.dumps(first_event(client, "/v1/changes?since=1"))


def test_what_the_public_sees_of_actors(edited: str, copy: Engine) -> None:
    name = next(row["actor"] for row in rows(copy) if row["action"] == "patch")
    with serving(settings_for(edited)) as client:
        assert all(name in body for body in answers(client))
    with serving(settings_for(edited, public_actors="pseudonyms", answer_cache_bytes=1_000_000)) as client:
        shown = client.get(PUBLIC[3]).json()["actor"]
        assert shown.startswith("actor-")
        assert len(shown) == len("actor-") + 12
        for body in answers(client):
            assert name not in body
            assert shown in body
        assert client.get("/v1/studies/preempt-1").json()["note"] == "three"
    assert [row["actor"] for row in rows(copy) if row["action"] == "patch"] == [name] * 3


def test_pseudonyms_are_a_database_s_own_and_another_setting_is_another_answer(edited: str) -> None:
    paths = (PUBLIC[0], *PUBLIC[2:])
    with serving(settings_for(edited)) as client:
        named = [client.get(path).headers for path in paths]
    with serving(settings_for(edited, public_actors="pseudonyms")) as client:
        for path, before in zip(paths, named, strict=True):
            kept = {"if-none-match": before["etag"]}
            dated = {"if-modified-since": before.get("last-modified") or "Fri, 01 Jan 2100 00:00:00 GMT"}
            assert [client.get(path, headers=headers).status_code for headers in (kept, dated)] == [200, 200], path
        again = client.get(paths[0])
        assert client.get(paths[0], headers={"if-none-match": again.headers["etag"]}).status_code == 304


def test_a_database_s_secret_makes_its_pseudonyms(copy: Engine, engine: Engine) -> None:
    with reading(copy) as one, reading(engine) as other:
        shown = [shown_actors(connection, "pseudonyms")("Ada") for connection in (one, one, other)]
        assert shown_actors(one, "names")("Ada") == "Ada"
    assert shown[0] == shown[1] != shown[2]
    keyed = hmac.new(b"0" * 64, b"Ada", "sha256").hexdigest()
    assert pseudonym("0" * 64, "Ada") == f"actor-{keyed[:12]}"
