"""Messages of webhooks: signed, in order, repeated until they are taken, told once."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, select, update
from standardwebhooks import Webhook as Independent
from structlog.testing import capture_logs

from app.database.engine import reading, writing
from app.store.documents import State
from app.webhooks.delivery import Deliverer
from app.webhooks.models import Webhook
from app.webhooks.state import DELAYS
from tests.commands import environment, evidence
from tests.receiving import Answer, Receiver, receiving
from tests.webhooks.registrations import SECRET, Serve, audit, await_state, change, register


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


def test_without_webhooks_no_change_token_is_read(engine: Engine) -> None:
    reads: list[Any] = []
    tokens: list[None] = []

    async def read(work: Any, *args: Any, **kwargs: Any) -> Any:
        with reading(engine) as connection:
            reads.append(work(connection, *args, **kwargs))
        return reads[-1]

    async def token() -> None:
        tokens.append(None)

    async def run() -> None:
        deliverer = Deliverer(httpx.AsyncClient(), read, read, token)
        deliverer.start()
        for expected in (1, 2):
            while len(reads) < expected:
                await asyncio.sleep(0.01)
            deliverer.wake()
        await deliverer.close()

    asyncio.run(run())
    assert (tokens, {state.webhooks for state in reads}) == ([], {0})
