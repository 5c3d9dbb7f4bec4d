"""Webhooks reach the public internet only, and follow no redirect."""

from sqlalchemy import Engine, update

from app.database.engine import writing
from app.webhooks.models import Webhook
from tests.api.test_http import is_problem
from tests.receiving import Answer, Receiver, receiving
from tests.webhooks.registrations import Serve, await_state, change, register


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
