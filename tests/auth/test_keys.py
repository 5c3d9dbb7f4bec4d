"""Keys, roles, limits and the audit: who may do what, how much, and what is kept of it."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from app.api.limits.rate_limit import RateLimiter
from app.auth import keys as access_keys
from app.auth.models import AccessKey, AuditEntry, Role
from app.database.engine import reading
from app.settings import Settings
from tests.api.test_openapi import QUESTIONS, WRITES
from tests.commands import run
from tests.conftest import serving, settings_for

WHY = {"reason": "x"}


def audit(engine: Engine, action: str) -> list[Mapping[str, Any]]:
    with reading(engine) as connection:
        query = select(AuditEntry.__table__).where(AuditEntry.action == action).order_by(AuditEntry.number)
        return [dict(row) for row in connection.execute(query).mappings()]


def awaited(engine: Engine, action: str, number: int) -> list[Mapping[str, Any]]:
    """Lines of the audit that are gathered before they are written."""
    deadline = time.monotonic() + 10
    while len(found := audit(engine, action)) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(("path", "verb", "operation"), WRITES)
def test_every_write_needs_a_key_of_its_role(
    api: httpx.Client, keys: dict[Role, str], path: str, verb: str, operation: dict[str, Any]
) -> None:
    """Walks OpenAPI: a write whose check was forgotten would not answer 401 and 403."""
    assert operation["security"] == [{"key": []}]
    assert {"401", "403"} <= set(operation["responses"])
    where = path.format(**{p["name"]: p["example"] for p in operation["parameters"] if p["in"] == "path"})
    assert api.request(verb, where, params=WHY).status_code == 401
    refused = api.request(verb, where, params=WHY, headers=bearer(keys["reader"]))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")


def test_every_route_that_writes_is_in_openapi(api: httpx.Client) -> None:
    from app.main import create_app

    app = create_app(settings_for("sqlite:///none.db"))
    verbs = {
        (method, getattr(route, "path", "")) for route in app.routes for method in getattr(route, "methods", ()) or ()
    }
    writes = {(method, path.replace("{id:path}", "{id}")) for method, path in verbs if method not in ("GET", "HEAD")}
    questions = {(verb.upper(), path) for path, verb in QUESTIONS}
    assert writes - questions == {(param.values[1].upper(), param.values[0]) for param in WRITES}  # type: ignore[union-attr]
    assert questions <= writes


def wrong_keys(key: str) -> dict[str, str]:
    return {
        "no scheme": key,
        "another scheme": f"Basic {key}",
        "no key": "Bearer",
        "another": f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}",
        "shorter": f"Bearer {key[:-1]}",
        "longer": f"Bearer {key}A",
        "unknown id": "Bearer evk_" + "0" * 12 + key[16:],
        "very long": "Bearer evk_" + "0" * 20_000,
        "not ascii": "Bearer evk_\u00e4",
    }


@pytest.mark.parametrize("kind", wrong_keys("x" * 60))
def test_a_wrong_key_is_refused_for_reading_too(api: httpx.Client, keys: dict[Role, str], kind: str) -> None:
    header = wrong_keys(keys["editor"])[kind].encode("latin-1")
    for method, path in (("GET", "/v1/studies/preempt-1"), ("POST", "/v1/studies")):
        answer = api.request(method, path, headers=[(b"authorization", header)])
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_in_the_address_is_no_key(api: httpx.Client, keys: dict[Role, str]) -> None:
    for name in ("key", "access_token", "token"):
        answer = api.get("/v1/studies", params={name: keys["editor"]})
        assert answer.status_code == 422
    answer = api.post("/v1/studies", params={**WHY, "access_token": keys["editor"]})
    assert answer.status_code == 401


def test_expired_and_revoked_keys(copy_url: str, copy: Engine) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    with copy.begin() as connection:
        _, short = access_keys.create(connection, name="short", role="editor", expires_at=soon, by="t")
        id, long = access_keys.create(connection, name="long", role="editor", expires_at=None, by="t")
    with serving(settings_for(copy_url, answer_cache_bytes=1_000_000)) as client:
        for key in (short, long):
            assert client.get("/v1/studies/preempt-1", headers=bearer(key)).status_code == 200
        with copy.begin() as connection:
            assert access_keys.revoke(connection, id)
            assert not access_keys.revoke(connection, id)
        refused = client.get("/v1/studies/preempt-1", headers=bearer(long))
        assert (refused.status_code, refused.json()["detail"]) == (401, "The key was revoked.")
        time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()))
        refused = client.get("/v1/studies/preempt-1", headers=bearer(short))
        assert (refused.status_code, refused.json()["detail"]) == (401, "The key has expired.")


def test_no_secret_is_stored(copy: Engine, own_keys: dict[Role, str]) -> None:
    with reading(copy) as connection:
        rows = [str(tuple(row)) for row in connection.execute(select(AccessKey.__table__))]
    secrets = [key.split("_", 2)[2] for key in own_keys.values()]
    assert len(rows) == 3
    assert not [row for row in rows for secret in secrets if secret in row]


def test_refusals_and_uses_are_in_the_audit(copy_url: str, copy: Engine, own_keys: dict[Role, str]) -> None:
    with serving(settings_for(copy_url)) as client:
        client.post("/v1/studies", params=WHY, json={})
        client.post("/v1/studies", params=WHY, json={}, headers=bearer(own_keys["reader"]))
        client.get("/v1/studies/preempt-1", headers=bearer("evk_nothing"))
        for _ in range(3):
            client.get("/v1/studies/preempt-1", headers=bearer(own_keys["reader"]))
        known, used = awaited(copy, "refused", 1), awaited(copy, "key used", 1)
    assert [(line["status"], line["detail"]) for line in known] == [(403, "POST /v1/studies")]
    assert known[0]["actor"].startswith("reader ")
    strangers = audit(copy, "refused")[1:]  # summed, and written when the minute or the service ends
    assert sum(int(line["detail"].split()[0]) if "one minute" in line["detail"] else 1 for line in strangers) == 2
    assert {(line["status"], line["actor"]) for line in strangers} == {(401, "anonymous")}
    assert len(used) == 1


def test_the_audit_is_written_when_the_service_ends(copy_url: str, copy: Engine) -> None:
    with serving(settings_for(copy_url)) as client:
        client.post("/v1/studies", params=WHY, json={})
    assert len(audit(copy, "refused")) == 1


def test_the_audit_cannot_be_changed(copy: Engine, copy_url: str) -> None:
    with serving(settings_for(copy_url)) as client:
        client.post("/v1/studies", params=WHY, json={})
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(IntegrityError, match="append-only"), copy.begin() as connection:
            connection.execute(text(statement))
    assert len(audit(copy, "refused")) == 1


def test_limits_by_address_and_by_key(copy_url: str, own_keys: dict[Role, str]) -> None:
    few = {"limits": True, "address_burst": 5, "key_burst": 8, "address_quota": 1000, "key_quota": 20}
    few["answer_cache_bytes"] = 0  # each request is to be counted, and what is kept is free
    with serving(settings_for(copy_url, **few)) as client:
        told = client.get("/").json()["limits"]
        assert told["address"] == {
            "burst": '"burst";q=5;w=10',
            "day": '"day";q=1000;w=86400',
            "bytes": '"bytes";q=5000000000;w=3600',
            "time": '"time";q=60000;w=60',
        }
        answers = [client.get("/v1/studies/preempt-1") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429]
        assert answers[0].headers["ratelimit-policy"] == ", ".join(told["address"].values())
        assert answers[0].headers["ratelimit"].startswith('"burst";r=3;t=')
        refused = answers[-1]
        assert refused.json()["type"] == "/problems/slow-down"
        assert 1 <= int(refused.headers["retry-after"]) <= 12  # this window, and a fifth of the next
        assert '"burst";r=0' in refused.headers["ratelimit"]
        key = bearer(own_keys["reader"])
        with_key = [client.get("/v1/studies/preempt-1", headers=key).status_code for _ in range(9)]
        assert with_key == [200] * 8 + [429]
        assert client.get("/v1/studies/preempt-1", headers=bearer(own_keys["editor"])).status_code == 200


def test_addresses_of_one_household_are_counted_together() -> None:
    limits = RateLimiter(Settings(address_burst=2))
    addresses = ["2001:db8::1", "2001:db8::ffff", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.2", "unknown"]
    refused = [limits.take(key_id=None, address=address).problem is not None for address in addresses]
    assert refused == [False, False, True, False, False, False, False]


def test_a_day_s_quota(copy_url: str) -> None:
    with serving(settings_for(copy_url, limits=True, address_quota=3)) as client:
        statuses = [client.get(f"/v1/studies?limit={number}").status_code for number in range(4)]
        refused = client.get("/v1/studies")
        probes = [client.get(path).status_code for path in ("/healthz", "/readyz")]
    assert statuses == [200, 200, 200, 429]
    assert probes == [200, 200]  # a proxy's address is that of all its users, and of the probe
    assert refused.json()["type"] == "/problems/quota-spent"
    assert int(refused.headers["retry-after"]) > 0


def test_kept_answers_tell_nobody_elses_limits(copy_url: str) -> None:
    with serving(settings_for(copy_url, limits=True, answer_cache_bytes=1_000_000)) as client:
        assert "ratelimit" in client.get("/v1/studies/preempt-1").headers
        assert "ratelimit" not in client.get("/v1/studies/preempt-1").headers


def test_keys_by_the_command(sqlite_copy: Path) -> None:
    made = run(sqlite_copy, "key", "create", "Ada", "--role", "editor", "--expires", "30d")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    with serving(settings_for(f"sqlite:///{sqlite_copy}")) as client:
        assert client.get("/v1/studies/preempt-1", headers=bearer(key)).status_code == 200
        again = run(sqlite_copy, "key", "create", "Ada", "--role", "admin")
        assert (again.returncode, again.stdout) == (1, "")
        listed = run(sqlite_copy, "key", "list").stdout
        assert "\teditor\tactive\t" in listed
        assert key.split("_", 2)[2] not in listed
        assert run(sqlite_copy, "key", "revoke", "Ada").returncode == 0
        assert run(sqlite_copy, "key", "revoke", "Ada").returncode == 1
        assert "\trevoked\t" in run(sqlite_copy, "key", "list").stdout
        assert client.get("/v1/studies/preempt-1", headers=bearer(key)).status_code == 401
    lines = [json.loads(line) for line in run(sqlite_copy, "audit").stdout.splitlines()]
    actions = [line["action"] for line in lines]
    assert actions[0] == "create key"
    assert {"key used", "revoke key"} <= set(actions)
    assert run(sqlite_copy, "audit", "--action", "revoke key").stdout.count("\n") == 1
    assert key.split("_", 2)[2] not in run(sqlite_copy, "audit").stdout


@pytest.mark.parametrize(
    "arguments",
    [("key", "create", "A", "--role", "owner"), ("key", "create", "A"), ("key", "create", " ", "--role", "reader")]
    + [("key", "create", "A", "--role", "reader", "--expires", when) for when in ("soon", "2001-01-01", "0d")],
)
def test_wrong_use_of_the_key_command(sqlite_copy: Path, arguments: tuple[str, ...]) -> None:
    assert run(sqlite_copy, *arguments).returncode == 2
