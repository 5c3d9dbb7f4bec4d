"""Webhooks that tests register, and changes that they are told."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
from sqlalchemy import Engine, select

from app.auth import keys
from app.auth.audit import Who
from app.auth.models import AuditEntry, Role
from app.database.engine import table_of, writing
from app.editing import service as editing
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.revision import changing
from tests.receiving import Receiver

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


SOON = (0.05,) * 5


Serve = Callable[..., AbstractContextManager[httpx.Client]]


def key_for(engine: Engine, role: Role = "admin") -> str:
    with writing(engine) as connection:
        return keys.create(connection, name=f"{role} {time.time_ns()}", role=role, expires_at=None, by="test")[1]


def change(engine: Engine, id: str, type: RecordType = "sources") -> int:
    """One revision."""
    data: dict[str, Any] = {
        "id": id,
        "kind": "web-page",
        "tier": "other",
        "title": id,
        "url": f"https://example.org/{id}",
    }
    if type == "products":
        data = {"id": id, "name": id, "provenance": [{"source": "first"}]}
    with changing(engine) as connection:
        done = editing.create(connection, RESOURCES[type], data, editing.Change(Who("editor"), f"adds {id}"))
    assert done.summary.revision
    return done.summary.revision


def register(client: httpx.Client, receiver: Receiver, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": receiver.url, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def await_state(client: httpx.Client, id: str, seconds: float = 10.0, **wanted: Any) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.get(f"/v1/webhooks/{id}").json()
        if all(found[name] == value for name, value in wanted.items()):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.02)


def audit(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table_of(AuditEntry)).order_by(AuditEntry.number)))
