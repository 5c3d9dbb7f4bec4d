"""Webhooks over HTTP: made, shown, tested, deleted, refused; secrets are shown once."""

import pytest
from sqlalchemy import Engine
from standardwebhooks import Webhook as Independent
from structlog.testing import capture_logs

from app.api.openapi.webhooks import EXAMPLES, SCHEMAS
from app.webhooks.schemas import WebhookCreated, WebhookOut
from tests.api.test_http import is_problem
from tests.api.test_openapi import DOCUMENT
from tests.receiving import Answer, Receiver
from tests.webhooks.registrations import SECRET, Serve, audit, change, key_for, register


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
