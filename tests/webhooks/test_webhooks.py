"""Webhooks: signed, in order, at least once, in nobody's way, and for admins alone."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, select, update
from standardwebhooks import Webhook as Independent
from structlog.testing import capture_logs

from app.api.openapi.webhooks import EXAMPLES, SCHEMAS
from app.auth import keys
from app.auth.audit import Who
from app.auth.models import AuditEntry, Role
from app.database.engine import table_of, writing
from app.editing import service as editing
from app.main import create_app
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.store.documents import State
from app.store.revision import changing
from app.webhooks.models import Webhook
from app.webhooks.schemas import WebhookCreated, WebhookOut
from app.webhooks.state import DELAYS, Delays
from tests.api.test_http import is_problem
from tests.api.test_openapi import DOCUMENT
from tests.commands import environment, evidence
from tests.conftest import serving, settings_for
from tests.receiving import Answer, Receiver, receiving

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SOON = (0.05,) * 5

Serve = Callable[..., AbstractContextManager[httpx.Client]]


def key_for(engine: Engine, role: Role = "admin") -> str:
    with writing(engine) as connection:
        return keys.create(connection, name=f"{role} {time.time_ns()}", role=role, expires_at=None, by="test")[1]


@pytest.fixture
def serve(url: str, engine: Engine) -> Serve:
    """The service over this test's database, and an admin's client of it."""
    key = key_for(engine)

    @contextmanager
    def make(delays: Delays = SOON, **more: Any) -> Iterator[httpx.Client]:
        settings = settings_for(url, **{"webhooks_private": True, **more})
        with serving(settings, create_app(settings, webhook_delays=delays)) as client:
            client.headers["authorization"] = f"Bearer {key}"
            yield client

    return make


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


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


def test_a_change_is_told_and_signed_as_others_verify_it(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    change(engine, "before")
    with serve() as client:
        webhook = register(client, receiver)
        revision = change(engine, "first")
        taken = receiver.await_taken(1)[0]
        found = await_state(client, webhook["id"], seen_revision=revision, last_status=204)
    message = Independent(webhook["secret"]).verify(taken.body, taken.headers)
    with engine.connect() as connection:
        epoch = connection.scalars(select(State.epoch)).one()
    assert taken.headers["webhook-id"] == f"msg_{epoch}_{revision}_{webhook['id']}"
    assert taken.headers["content-type"] == "application/json"
    assert message == {
        "type": "revision.committed",
        "timestamp": message["data"]["at"],
        "data": {
            "revision": revision,
            "at": message["timestamp"],
            "actor": "editor",
            "reason": "adds first",
            "counts": {"sources": {"created": 1}},
            "changes": f"/v1/changes?since={revision - 1}",
        },
    }
    assert found["delivered_at"] > message["timestamp"]
    assert len(receiver.taken) == 1


def test_messages_come_in_order_and_again_until_they_are_taken(
    serve: Serve, engine: Engine, receiver: Receiver
) -> None:
    receiver.answers.extend([Answer(), Answer(500), Answer(503), Answer(204, body=b"x" * 100_000)])
    with serve() as client:
        webhook = register(client, receiver, secret=SECRET)
        assert webhook["secret"] == SECRET
        revisions = [change(engine, name) for name in ("first", "second", "third", "fourth")]
        taken = receiver.await_taken(6)
        found = await_state(client, webhook["id"], seen_revision=revisions[-1])
    first, second, third, fourth = revisions
    assert [one.revision for one in taken] == [first, second, second, second, third, fourth]
    assert len({(one.headers["webhook-id"], one.body) for one in taken}) == 4
    assert (found["attempts"], found["last_error"], found["next_attempt_at"]) == (0, None, None)
    for one in taken:
        Independent(SECRET).verify(one.body, one.headers)


def test_what_was_committed_is_told_after_a_restart(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    receiver.always = Answer(after=60)
    with serve() as client:
        register(client, receiver)
        first = change(engine, "first")
        receiver.await_taken(1)  # and not answered: the service stops in the middle of it
        started = time.monotonic()
    assert time.monotonic() - started < 3
    second = change(engine, "second")
    receiver.always = Answer()
    with serve():
        taken = receiver.await_taken(3)
    assert [one.revision for one in taken] == [first, first, second]
    assert taken[0].headers["webhook-id"] == taken[1].headers["webhook-id"]


def test_what_a_killed_process_was_telling_is_told_by_the_next(
    serve: Serve, url: str, engine: Engine, receiver: Receiver
) -> None:
    with serve() as client:
        register(client, receiver)
    receiver.always = Answer(after=60)
    env = environment(url, EVIDENCE_WEBHOOKS_PRIVATE="true", EVIDENCE_SEARCH_PATH=":memory:")
    killed = subprocess.Popen([*evidence(), "serve", "--port", "0"], env=env, stdout=subprocess.DEVNULL)
    revision = change(engine, "first")
    receiver.await_taken(1)
    killed.kill()
    killed.wait()
    receiver.always = Answer()
    with writing(engine) as connection:  # its claim has half a minute to go, which nobody wants to wait for here
        connection.execute(update(Webhook).values(claimed_until=datetime.now(UTC) + timedelta(seconds=1)))
    with serve():
        taken = receiver.await_taken(2)
    assert [one.revision for one in taken] == [revision, revision]


def test_a_claim_of_a_process_that_died_ends(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with serve() as client:
        register(client, receiver)
    ends = datetime.now(UTC) + timedelta(seconds=3)
    with writing(engine) as connection:
        connection.execute(update(Webhook).values(claimed_until=ends))
    change(engine, "first")
    with serve():
        assert receiver.await_taken(1)[0].at >= ends.timestamp()


def test_two_processes_tell_it_once(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with serve() as client, serve():
        webhook = register(client, receiver)
        revisions = [change(engine, f"number-{number}") for number in range(20)]
        await_state(client, webhook["id"], seen_revision=revisions[-1])
        time.sleep(1.2)
    assert [one.revision for one in receiver.taken] == revisions


def test_a_receiver_that_is_gone_is_not_asked_again(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    receiver.answers.append(Answer(410))
    with serve() as client:
        webhook = register(client, receiver)
        first = change(engine, "first")
        receiver.await_taken(1)
        found = await_state(client, webhook["id"], last_status=410)
        assert found["disabled_at"]
        second = change(engine, "second")
        time.sleep(1.5)
        assert len(receiver.taken) == 1
        assert client.post(f"/v1/webhooks/{webhook['id']}/enable").json()["disabled_at"] is None
        taken = receiver.await_taken(3)
    assert [one.revision for one in taken] == [first, first, second]
    disabled = [line for line in audit(engine) if line.action == "disable webhook"]
    assert [(line.actor, line.status) for line in disabled] == [("service", 410)]


def test_after_the_last_attempt_it_is_disabled(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    receiver.always = Answer(500)
    with capture_logs() as lines, serve(delays=(0.05, 0.05)) as client:
        webhook = register(client, receiver)
        change(engine, "first")
        receiver.await_taken(3)
        found = await_state(client, webhook["id"], attempts=3)
    assert found["disabled_at"]
    assert len(receiver.taken) == 3
    told = [line["event"] for line in lines if line.get("webhook") == webhook["id"]]
    assert told == ["webhook not delivered", "webhook not delivered", "webhook disabled"]


def test_retry_after_is_heeded(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    receiver.answers.append(Answer(429, (("retry-after", "2"),)))
    with serve() as client:
        register(client, receiver)
        change(engine, "first")
        first, second = receiver.await_taken(2)
    assert second.at - first.at >= 2


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    assert DELAYS == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


def test_a_slow_receiver_holds_up_neither_writes_nor_others(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with receiving() as slow, serve() as client:
        slow.always = Answer(after=8)
        register(client, slow)
        register(client, receiver)
        started = time.monotonic()
        change(engine, "first")
        assert time.monotonic() - started < 1
        receiver.await_taken(1, 4)
        slow.await_taken(1)
        started = time.monotonic()
        change(engine, "second")
        made = client.post("/v1/webhooks", json={"url": receiver.url})
        assert made.status_code == 201
        receiver.await_taken(2, 4)
        assert time.monotonic() - started < 5
        assert len(slow.taken) == 1
        started = time.monotonic()
    assert time.monotonic() - started < 3


def test_those_that_failed_wait_for_each_other_only(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with receiving() as dead, serve() as client:
        dead.always = Answer(after=60)
        for _ in range(12):
            register(client, dead)
        register(client, receiver)
        with writing(engine) as connection:
            connection.execute(update(Webhook).where(Webhook.url == dead.url).values(attempts=1))
        change(engine, "first")
        receiver.await_taken(1, 4)
        assert len(dead.await_taken(8)) == 8


def test_what_cannot_be_written_down_just_now_is_told_again(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    receiver.answers.append(Answer(after=1))
    with serve(lock_timeout_ms=200) as client:
        webhook = register(client, receiver)
        revision = change(engine, "first")
        receiver.await_taken(1)
        with writing(engine) as connection:  # as a long load would
            connection.execute(update(Webhook).values(last_error="held"))
            time.sleep(2)
        with writing(engine) as connection:
            connection.execute(update(Webhook).values(claimed_until=datetime.now(UTC)))
        taken = receiver.await_taken(2, 15)
        await_state(client, webhook["id"], seen_revision=revision, last_error=None)
    assert len({one.headers["webhook-id"] for one in taken}) == 1


def test_no_redirect_is_followed(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with receiving() as elsewhere, serve() as client:
        receiver.always = Answer(302, (("location", elsewhere.url),))
        webhook = register(client, receiver)
        change(engine, "first")
        receiver.await_taken(2)
        found = await_state(client, webhook["id"], last_status=302)
        assert found["last_error"] == "redirects are not followed"
        assert found["seen_revision"] == 0
        assert elsewhere.taken == []


def test_a_redirect_to_no_address_is_a_failure_like_others(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with serve() as client:
        receiver.always = Answer(302, (("location", "data:,x"),))
        webhook = register(client, receiver)
        change(engine, "first")
        receiver.await_taken(2)
        assert "InvalidURL" in await_state(client, webhook["id"], attempts=2)["last_error"]


def test_only_changes_of_its_types_are_told(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with serve() as client:
        webhook = register(client, receiver, types=["products"])
        change(engine, "first")
        product = change(engine, "a-product", "products")
        receiver.await_taken(1)
        await_state(client, webhook["id"], seen_revision=product)
        change(engine, "second")
        time.sleep(1.5)
        last = change(engine, "another-product", "products")
        taken = receiver.await_taken(2)
    assert [one.revision for one in taken] == [product, last]
    assert taken[0].message["data"]["counts"] == {"products": {"created": 1}}


@pytest.fixture
def updates() -> Iterator[list[str]]:
    """Statements of this process that are no SELECT."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("UPDATE", "INSERT", "DELETE", "BEGIN IMMEDIATE")):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


def test_nothing_is_written_where_nothing_is_to_be_told(
    serve: Serve, engine: Engine, receiver: Receiver, updates: list[str]
) -> None:
    with serve() as client:
        webhook = register(client, receiver, types=["products"])
        change(engine, "first")
        time.sleep(1.5)  # the audit of what was asked above
        updates.clear()
        time.sleep(2.5)
        assert updates == []
        assert client.get(f"/v1/webhooks/{webhook['id']}").json()["seen_revision"] == 0


def test_a_test_message_tells_its_outcome_and_moves_nothing(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    receiver.answers.extend([Answer(200), Answer(500)])
    with serve() as client:
        webhook = register(client, receiver)
        good, bad = (client.post(f"/v1/webhooks/{webhook['id']}/test").json() for _ in range(2))
        assert client.post("/v1/webhooks/none/test").status_code == 404
        found = client.get(f"/v1/webhooks/{webhook['id']}").json()
    assert (good["delivered"], good["status"], good["error"]) == (True, 200, None)
    assert (bad["delivered"], bad["status"], bad["error"]) == (False, 500, "answered 500")
    assert set(good) == set(EXAMPLES["WebhookTest"])
    taken = receiver.taken[0]
    assert Independent(webhook["secret"]).verify(taken.body, taken.headers)["type"] == "webhook.test"
    assert (found["attempts"], found["delivered_at"]) == (0, None)


def test_webhooks_are_made_shown_and_deleted(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with serve() as client:
        made = client.post("/v1/webhooks", json={"url": receiver.url, "types": ["studies"]})
        webhook = made.json()
        path = f"/v1/webhooks/{webhook['id']}"
        assert made.headers["location"] == path
        assert set(webhook) == set(EXAMPLES["WebhookCreated"]) == set(WebhookCreated.model_fields)
        shown = client.get(path)
        assert shown.json() == {name: value for name, value in webhook.items() if name != "secret"}
        assert set(shown.json()) == set(EXAMPLES["WebhookOut"]) == set(WebhookOut.model_fields)
        assert shown.headers["cache-control"] == "no-store"
        assert client.get("/v1/webhooks").json() == {"items": [shown.json()], "total": 1, "next": None}
        assert client.delete(path).status_code == 204
        for answer in (client.get(path), client.delete(path), client.post(f"{path}/enable")):
            is_problem(answer, 404)
        assert client.get("/v1/webhooks").json()["total"] == 0
    actions = [line.action for line in audit(engine) if line.action.endswith("webhook")]
    assert actions == ["create webhook", "delete webhook"]


def test_the_contract_s_examples_keep_to_it() -> None:
    for model, _ in SCHEMAS:
        assert model.model_validate(EXAMPLES[model.__name__])
    operations = [*DOCUMENT["paths"]["/v1/webhooks"].values(), *DOCUMENT["paths"]["/v1/webhooks/{id}"].values()]
    operations += [DOCUMENT["paths"][f"/v1/webhooks/{{id}}/{verb}"]["post"] for verb in ("enable", "test")]
    assert len(operations) == 6
    for operation in operations:
        assert operation["security"] == [{"key": []}]
        assert {"401", "403", "422", "429", "500", "503"} <= set(operation["responses"])
    assert DOCUMENT["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


FAULTS = [
    ({}, "/url"),
    ({"url": "https://example.org/", "typs": []}, "/typs"),
    ({"url": "https://example.org/", "types": ["study"]}, "/types/0"),
    ({"url": "https://example.org/", "types": ["studies", "studies"]}, "/types"),
    ({"url": "https://example.org/", "secret": "whsec_short"}, "/secret"),
    ({"url": "https://example.org/", "secret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}, "/secret"),
    ({"url": 3}, "/url"),
    ([], ""),
]


def test_what_is_wrong_is_refused_with_pointers(serve: Serve, receiver: Receiver) -> None:
    with serve() as client:
        for content, pointer in FAULTS:
            body = is_problem(client.post("/v1/webhooks", json=content), 422)
            assert body["type"] == "/problems/invalid-record"
            assert [fault["pointer"] for fault in body["errors"]] == [pointer], body
            assert "short" not in str(body)
            assert "MDEy" not in str(body)
        is_problem(client.post("/v1/webhooks", content=b"{"), 415)
        is_problem(client.post("/v1/webhooks", content=b"{", headers={"content-type": "application/json"}), 400)
        is_problem(client.post("/v1/webhooks?x=1", json={"url": receiver.url}), 422)
        is_problem(client.get("/v1/webhooks?limit=1"), 422)
        is_problem(client.post("/v1/webhooks", json={"url": "https://example.org/" + "x" * 20_000}), 413)


def test_webhooks_are_for_admins(serve: Serve, engine: Engine) -> None:
    asked = [("GET", ""), ("POST", ""), ("GET", "/x"), ("DELETE", "/x"), ("POST", "/x/enable"), ("POST", "/x/test")]
    with serve() as client:
        for role, status in ((None, 401), ("reader", 403), ("editor", 403)):
            if role:
                client.headers["authorization"] = f"Bearer {key_for(engine, role)}"  # type: ignore[arg-type]
            else:
                del client.headers["authorization"]
            for method, path in asked:
                is_problem(client.request(method, f"/v1/webhooks{path}"), status)


HIDDEN = [
    "https://127.0.0.1/",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://localhost/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0.0.0.0/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://[fe80::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://nothing-of-this-name.invalid/",
    "http://93.184.215.14/",
    "https://me:secret@93.184.215.14/",
    "https://93.184.215.14/#x",
    "https://93.184.215.14:99999/",
    "ftp://93.184.215.14/",
    "file:///etc/passwd",
    "https:///x",
    "https://93.184.215.14\\@127.0.0.1/",
    "//93.184.215.14/",
]


def test_only_the_public_internet_is_told(serve: Serve) -> None:
    with serve(webhooks_private=False) as client:
        for hidden in HIDDEN:
            body = is_problem(client.post("/v1/webhooks", json={"url": hidden}), 422)
            assert [fault["pointer"] for fault in body["errors"]] == ["/url"], hidden
        assert client.post("/v1/webhooks", json={"url": "https://93.184.215.14/hook"}).status_code == 201


def test_an_address_is_checked_again_when_it_is_told(serve: Serve, engine: Engine, receiver: Receiver) -> None:
    with serve() as client:
        webhook = register(client, receiver)
    with writing(engine) as connection:  # as if it had been let in and the name had moved since
        connection.execute(update(Webhook).values(url="https://127.0.0.1/hook"))
    change(engine, "first")
    with serve(webhooks_private=False, delays=(600,)) as client:
        found = await_state(client, webhook["id"], attempts=1)
        tested = client.post(f"/v1/webhooks/{webhook['id']}/test").json()
    assert found["last_error"] == tested["error"] == "the host '127.0.0.1' is not on the public internet"
    assert receiver.taken == []


def test_secrets_are_shown_once_and_told_nobody(
    serve: Serve, engine: Engine, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.extend([Answer(500), Answer(302), Answer(410)])
    caplog.set_level("DEBUG")
    for few in caplog.handler.filters[:]:  # all lines are looked at here, and not a few of each kind alone
        caplog.handler.removeFilter(few)
    with capture_logs() as lines, serve(access_log=True) as client:
        made = register(client, receiver)
        own = register(client, receiver, secret=SECRET)
        change(engine, "first")
        receiver.await_taken(4)
        path = f"/v1/webhooks/{made['id']}"
        shown = [
            client.get("/v1/webhooks").text,
            client.get(path).text,
            client.post(f"{path}/test").text,
            client.post(f"{path}/enable").text,
            client.get("/metrics").text,
        ]
    told = "".join([*shown, caplog.text, *map(str, lines), *map(str, audit(engine))])
    for secret in (made["secret"], own["secret"]):
        assert secret.removeprefix("whsec_") not in told
    assert "webhook not delivered" in told
    assert "HTTP Request: POST" in caplog.text
