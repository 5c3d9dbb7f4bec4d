"""`Idempotency-Key`: each operation that changes something honours it, or says that it does not."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select

from app.auth.models import AuditEntry, GivenAnswer, Role
from app.database.engine import table_of
from app.webhooks.models import Webhook
from tests.api.test_http import is_problem
from tests.api.test_openapi import DOCUMENT, followed, plain
from tests.conftest import serving, settings_for

Json = dict[str, Any]

WRITES: list[tuple[str, str, Json]] = [
    (verb.upper(), path, plain(operation))
    for path, verbs in DOCUMENT["paths"].items()
    for verb, operation in verbs.items()
    if verb != "get"
]
SENT = {"url": "https://93.184.215.14/hook"}
"""An address of the public internet that no name server is asked for."""


def _honours(operation: Json) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])


def _ids(cases: list[tuple[str, str, Json]]) -> list[str]:
    return [f"{verb} {path}" for verb, path, _ in cases]


HONOURING = [case for case in WRITES if _honours(case[2])]
REFUSING = [case for case in WRITES if not _honours(case[2])]


def _example(content: Json) -> tuple[str, Any]:
    media, shown = next((media, shown) for media, shown in content.items() if "examples" in shown)
    [example] = shown["examples"].values()
    return media, followed(example)["value"]


def _request(verb: str, path: str, operation: Json) -> Json:
    """The request that the contract's examples make."""
    parameters = operation["parameters"]
    where = path.format(**{p["name"]: p["example"] for p in parameters if p["in"] == "path"})
    asked: Json = {"method": verb, "url": where, "headers": {"if-match": "*"}}
    asked["params"] = {p["name"]: p["example"] for p in parameters if p["in"] == "query" and p.get("required")}
    if path == "/v1/releases":
        asked["params"] = {"name": "a-release"}
    if "requestBody" in operation:
        media, content = _example(operation["requestBody"]["content"])
        asked["headers"]["content-type"] = media
        asked |= {"content": content} if isinstance(content, str) else {"json": content}
    return asked


@pytest.mark.parametrize(("verb", "path", "operation"), REFUSING, ids=_ids(REFUSING))
def test_what_does_not_honour_it_says_so(
    api: httpx.Client, keys: dict[Role, str], verb: str, path: str, operation: Json
) -> None:
    asked = _request(verb, path, operation)
    asked["headers"] |= {"authorization": f"Bearer {keys['admin']}", "idempotency-key": "once"}
    said = is_problem(api.request(**asked), 422)
    assert said["type"] == "/problems/invalid-parameter"
    assert [fault["parameter"] for fault in said["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize(("verb", "path", "operation"), HONOURING, ids=_ids(HONOURING))
def test_what_honours_it_reads_it(
    api: httpx.Client, keys: dict[Role, str], verb: str, path: str, operation: Json
) -> None:
    """And changes nothing where it cannot be read."""
    asked = _request(verb, path, operation)
    asked["headers"] |= {"authorization": f"Bearer {keys['admin']}", "idempotency-key": "no blanks"}
    assert "Idempotency-Key" in is_problem(api.request(**asked), 400)["detail"]


def test_it_stands_on_one_line(api: httpx.Client, keys: dict[Role, str]) -> None:
    headers = [("authorization", f"Bearer {keys['admin']}"), ("idempotency-key", "a"), ("idempotency-key", "b")]
    is_problem(api.post("/v1/webhooks", json=SENT, headers=headers), 400)


@pytest.fixture
def admin(copy_url: str, own_keys: dict[Role, str]) -> Iterator[httpx.Client]:
    with serving(settings_for(copy_url)) as client:
        client.headers["authorization"] = f"Bearer {own_keys['admin']}"
        yield client


def _count(engine: Engine, model: Any, *where: Any) -> int:
    with engine.connect() as connection:
        return connection.scalars(select(func.count()).select_from(table_of(model)).where(*where)).one()


def test_a_webhook_is_made_once_and_its_answer_given_again(admin: httpx.Client, copy: Engine) -> None:
    named = {"idempotency-key": "one"}
    first = admin.post("/v1/webhooks", json=SENT, headers=named)
    second = admin.post("/v1/webhooks", json=SENT, headers=named)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
    assert _count(copy, Webhook) == 1
    assert _count(copy, AuditEntry, AuditEntry.action == "create webhook") == 1
    other = is_problem(admin.post("/v1/webhooks", json={**SENT, "types": ["studies"]}, headers=named), 422)
    assert other["type"] == "/problems/idempotency-key-reused"


def test_a_secret_is_in_no_answer_that_is_kept(admin: httpx.Client, copy: Engine) -> None:
    named = {"idempotency-key": "one"}
    secret = admin.post("/v1/webhooks", json=SENT, headers=named).json()["secret"]
    with copy.connect() as connection:
        row = connection.execute(select(table_of(GivenAnswer))).one()
    assert row.status == 201
    assert secret.removeprefix("whsec_") not in repr(row)


def test_a_webhook_that_was_deleted_is_not_shown_again(admin: httpx.Client) -> None:
    named = {"idempotency-key": "one"}
    made = admin.post("/v1/webhooks", json=SENT, headers=named)
    assert admin.delete(made.headers["location"]).status_code == 204
    assert made.json()["id"] in is_problem(admin.post("/v1/webhooks", json=SENT, headers=named), 409)["detail"]


def test_deleting_and_enabling_are_answered_again(admin: httpx.Client, copy: Engine) -> None:
    where = admin.post("/v1/webhooks", json=SENT).headers["location"]
    enabled = [admin.post(f"{where}/enable", headers={"idempotency-key": "enable"}) for _ in range(2)]
    assert [answer.status_code for answer in enabled] == [200, 200]
    assert enabled[0].content == enabled[1].content
    assert _count(copy, AuditEntry, AuditEntry.action == "enable webhook") == 1
    deleted = [admin.delete(where, headers={"idempotency-key": "delete"}) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in deleted] == [(204, b"")] * 2
    assert deleted[1].headers["idempotent-replayed"] == "true"
    is_problem(admin.delete(where), 404)


def test_many_ask_two_services_for_one_webhook_at_once(copy_url: str, own_keys: dict[Role, str], copy: Engine) -> None:
    """Between two services the lock is the database's, or the row that both would write."""
    headers = {"authorization": f"Bearer {own_keys['admin']}", "idempotency-key": "many"}
    answers: Counter[tuple[int, bytes]] = Counter()
    with ExitStack() as stack:
        services = [stack.enter_context(serving(settings_for(copy_url))) for _ in range(2)]

        def ask(number: int) -> None:
            answer = services[number % 2].post("/v1/webhooks", json=SENT, headers=headers)
            answers[answer.status_code, answer.content] += 1

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [(status, number) for (status, _), number in answers.items()] == [(201, 12)]
    assert _count(copy, Webhook) == 1


def test_a_preview_refuses_a_name_of_another_request(admin: httpx.Client) -> None:
    headers = {"idempotency-key": "one", "content-type": "application/x-ndjson"}
    line = b'{"type": "directions", "id": "refining-existing-uses", "deleted": true}\n'
    assert admin.post("/v1/releases?preview=true", content=line, headers=headers).status_code == 200
    assert admin.post("/v1/releases?name=a", content=line, headers=headers).status_code == 201
    said = is_problem(admin.post("/v1/releases?preview=true", content=line, headers=headers), 422)
    assert said["type"] == "/problems/idempotency-key-reused"
