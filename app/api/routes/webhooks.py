"""Webhooks over HTTP, for admins."""

import time
from collections.abc import Callable
from functools import partial

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE
from app.api.http.negotiation import JSON
from app.api.http.request_body import parse_json, read_content, require_type
from app.api.middleware.authentication import who_of
from app.api.routes.admin_requests import begin_action, begin_request
from app.api.routes.idempotency import idempotency_of, response_of
from app.api.services import service_of
from app.auth.audit import Event
from app.common import safe_http
from app.common.problems import Fault, Problem, invalid_content
from app.common.validation_errors import shape_faults
from app.editing.idempotency import Asked, Given, given, once
from app.webhooks import service as webhooks
from app.webhooks.schemas import WebhookCreated, WebhookIn, WebhookPage, WebhookTest
from app.webhooks.state import Failure

MOST_BYTES = 10_000
"""The most bytes of a webhook that is entered."""


def _answer(content: BaseModel) -> Response:
    return Response(content.model_dump_json().encode(), 200, NO_STORE, JSON)


def _invalid(faults: list[Fault]) -> Problem:
    return invalid_content(faults, "The webhook")


def _read_webhook(content: bytes) -> WebhookIn:
    data = parse_json(content)
    try:
        return WebhookIn.model_validate(data)
    except ValidationError as error:
        raise _invalid([_hide_secret(fault) for fault in shape_faults(WebhookIn, error)]) from None


def _hide_secret(fault: Fault) -> Fault:
    """Replace the text of a fault in the secret: it quotes the value, and a nearly right secret must not be logged."""
    if fault.pointer != "/secret":
        return fault
    return Fault("this is not whsec_ and the base64 of 24 to 64 bytes", fault.pointer)


def _once(connection: Connection, asked: Asked | None, make: Callable[[Connection], Given]) -> Given:
    """Make a change, or repeat the answer to the same request.

    The answer that is kept for a repeated request has no secret; that is read from the webhook each time.
    """

    def make_without_secret() -> Given:
        answer = make(connection)
        return _with_secret(answer, lambda _: "") if answer.status == 201 else answer

    answer = once(connection, asked, make_without_secret)
    return _with_secret(answer, partial(webhooks.secret_of, connection)) if answer.status == 201 else answer


def _with_secret(answer: Given, secret_of: Callable[[str], str]) -> Given:
    created = WebhookCreated.model_validate_json(answer.body)
    changed = created.model_copy(update={"secret": secret_of(created.id)})
    return answer._replace(body=changed.model_dump_json().encode())


async def _change(request: Request, asked: Asked | None, make: Callable[[Connection], Given]) -> Response:
    service = service_of(request)
    try:
        answer = await service.writer.aside(_once, asked, make)
    except IntegrityError:  # another process has answered the same request meanwhile, so its answer is repeated
        answer = await service.writer.aside(_once, asked, make)
    service.deliverer.wake()
    return response_of(answer)


async def answer_create(request: Request) -> Response:
    """Answer a request that creates a webhook."""
    identity = begin_request(request)
    require_type(request, JSON)
    content = await read_content(request, MOST_BYTES)
    service, asked, who = service_of(request), idempotency_of(request, identity, content), who_of(request.scope)
    entered = _read_webhook(content)
    before = await service.reader.run(given, asked) if asked else None
    if before is None:  # a repeated request is answered as before, whatever its address resolves to now
        await _require_public(entered, private=service.settings.webhooks_private)

    def make(connection: Connection) -> Given:
        made = webhooks.create(connection, entered, who)
        return Given(201, {"location": f"/v1/webhooks/{made.id}"}, made.model_dump_json().encode())

    return await _change(request, asked, make)


async def _require_public(entered: WebhookIn, *, private: bool) -> None:
    try:
        await safe_http.addresses_of(safe_http.read_url(entered.url, private=private), private=private)
    except safe_http.Refused as refused:
        raise _invalid([Fault(str(refused), "/url")]) from None


async def answer_list(request: Request) -> Response:
    """Answer with all webhooks."""
    begin_request(request)
    found = await service_of(request).reader.run(webhooks.listed)
    return _answer(WebhookPage(items=found, total=len(found), next=None))


async def answer_one(request: Request) -> Response:
    """Answer with one webhook."""
    begin_request(request)
    return _answer(await service_of(request).reader.run(webhooks.one, request.path_params["id"]))


async def answer_delete(request: Request) -> Response:
    """Answer a request that deletes a webhook."""
    identity = await begin_action(request)
    id, who = request.path_params["id"], who_of(request.scope)

    def make(connection: Connection) -> Given:
        webhooks.remove(connection, id, who)
        return Given(204, {}, b"")

    return await _change(request, idempotency_of(request, identity, b""), make)


async def answer_enable(request: Request) -> Response:
    """Answer a request that enables a webhook again."""
    identity = await begin_action(request)
    id, who = request.path_params["id"], who_of(request.scope)

    def make(connection: Connection) -> Given:
        return Given(200, {}, webhooks.enable(connection, id, who).model_dump_json().encode())

    return await _change(request, idempotency_of(request, identity, b""), make)


async def answer_test(request: Request) -> Response:
    """Answer with the outcome of a test message to a webhook."""
    await begin_action(request)
    id, service, started = request.path_params["id"], service_of(request), time.perf_counter()
    sent = await service.deliverer.test(id)
    service.audit_buffer.add(Event(who_of(request.scope), "test webhook", 200, detail=id))
    return _answer(_test_result(sent, round((time.perf_counter() - started) * 1000)))


def _test_result(sent: int | Failure, milliseconds: int) -> WebhookTest:
    if isinstance(sent, Failure):
        return WebhookTest(delivered=False, status=sent.status, error=sent.error, milliseconds=milliseconds)
    return WebhookTest(delivered=True, status=sent, error=None, milliseconds=milliseconds)
