"""Webhooks over HTTP, for admins: what is answered."""

import time
from collections.abc import Callable

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.negotiation import require_acceptable
from app.api.http.request_body import JSON_TYPE, parse_json, read_content, require_type
from app.api.http.request_state import query_string
from app.api.middleware.authentication import require_role, who_of
from app.api.routes.edits import asked_of
from app.api.services import service_of
from app.auth.audit import Event
from app.auth.keys import Identity
from app.common import safe_http as outgoing
from app.common.problems import Problem
from app.common.validation_errors import ShapeFault, shape_faults
from app.editing.idempotency import Asked, Given, given, keep, replayed
from app.query.parameters import read_no_query
from app.webhooks import service as webhooks
from app.webhooks.schemas import WebhookCreated, WebhookIn, WebhookPage, WebhookTest
from app.webhooks.state import Failure

MOST_BYTES = 10_000
NO_STORE = {"cache-control": "no-store"}


def _begin(request: Request) -> Identity:
    identity = require_role(request, "admin")
    require_acceptable(request, JSON_TYPE)
    read_no_query(query_string(request))
    return identity


async def _begin_without_content(request: Request) -> Identity:
    identity = _begin(request)
    await read_content(request, 0)
    return identity


def _answer(content: BaseModel) -> Response:
    return Response(content.model_dump_json().encode(), 200, NO_STORE, JSON_TYPE)


def _invalid(faults: list[ShapeFault]) -> Problem:
    errors = [{"pointer": pointer, "detail": detail, "nearest": near} for pointer, detail, near in faults]
    return Problem("invalid-record", " ".join(f"{f[0] or 'The webhook'}: {f[1]}." for f in faults[:3]), errors=errors)


def _entered(content: bytes) -> WebhookIn:
    data = parse_json(content)
    try:
        return WebhookIn.model_validate(data)
    except ValidationError as error:
        raise _invalid([_without_secret(fault) for fault in shape_faults(WebhookIn, error)]) from None


def _without_secret(fault: ShapeFault) -> ShapeFault:
    """A fault quotes what was sent; a secret that is wrong by a letter is not for any log."""
    if fault[0] != "/secret":
        return fault
    return fault[0], "this is not whsec_ and the base64 of 24 to 64 bytes", []


def _once(connection: Connection, asked: Asked | None, make: Callable[[Connection], Given]) -> Given:
    """What a request brings about, once. A secret is in no answer that is kept: it is taken from the webhook again."""
    before = _given_before(connection, asked)
    if before is not None:
        return before
    answer = make(connection)
    if asked:
        keep(connection, asked, answer._replace(body=_without(answer.body)) if answer.status == 201 else answer)
    return answer


def _without(created: bytes) -> bytes:
    return WebhookCreated.model_validate_json(created).model_copy(update={"secret": ""}).model_dump_json().encode()


def _given_before(connection: Connection, asked: Asked | None) -> Given | None:
    """The answer that was given to this very request, whatever would be refused by now."""
    before = given(connection, asked) if asked else None
    if before is None:
        return None
    if before.status == 201:
        kept = WebhookCreated.model_validate_json(before.body)
        whole = kept.model_copy(update={"secret": webhooks.secret_of(connection, kept.id)})
        before = before._replace(body=whole.model_dump_json().encode())
    return replayed(before)


async def _change(request: Request, asked: Asked | None, make: Callable[[Connection], Given]) -> Response:
    service = service_of(request)
    try:
        done = await service.writer.aside(_once, asked, make)
    except IntegrityError:  # the same request, at the same time, in another process: it has been answered there
        done = await service.writer.aside(_once, asked, make)
    service.deliverer.wake()
    return Response(done.body, done.status, {**done.headers, **NO_STORE}, JSON_TYPE if done.body else None)


async def answer_create(request: Request) -> Response:
    identity = _begin(request)
    require_type(request, JSON_TYPE)
    content = await read_content(request, MOST_BYTES)
    service, asked, who = service_of(request), asked_of(request, identity, content), who_of(request.scope)
    entered = _entered(content)
    before = await service.reader.run(_given_before, asked)
    if before is None:
        await _require_public(entered, private=service.settings.webhooks_private)

    def make(connection: Connection) -> Given:
        made = webhooks.create(connection, entered, who)
        return Given(201, {"location": f"/v1/webhooks/{made.id}"}, made.model_dump_json().encode())

    return await _change(request, asked, make)


async def _require_public(entered: WebhookIn, *, private: bool) -> None:
    try:
        await outgoing.addresses_of(outgoing.read_url(entered.url, private=private), private=private)
    except outgoing.Refused as refused:
        raise _invalid([("/url", str(refused), [])]) from None


async def answer_list(request: Request) -> Response:
    _begin(request)
    found = await service_of(request).reader.run(webhooks.listed)
    return _answer(WebhookPage(items=found, total=len(found), next=None))


async def answer_one(request: Request) -> Response:
    _begin(request)
    return _answer(await service_of(request).reader.run(webhooks.one, request.path_params["id"]))


async def answer_delete(request: Request) -> Response:
    identity = await _begin_without_content(request)
    id, who = request.path_params["id"], who_of(request.scope)

    def make(connection: Connection) -> Given:
        webhooks.remove(connection, id, who)
        return Given(204, {}, b"")

    return await _change(request, asked_of(request, identity, b""), make)


async def answer_enable(request: Request) -> Response:
    identity = await _begin_without_content(request)
    id, who = request.path_params["id"], who_of(request.scope)

    def make(connection: Connection) -> Given:
        return Given(200, {}, webhooks.enable(connection, id, who).model_dump_json().encode())

    return await _change(request, asked_of(request, identity, b""), make)


async def answer_test(request: Request) -> Response:
    await _begin_without_content(request)
    id, service, started = request.path_params["id"], service_of(request), time.perf_counter()
    sent = await service.deliverer.test(id)
    service.audit_buffer.add(Event(who_of(request.scope), "test webhook", 200, detail=id))
    return _answer(_tested(sent, round((time.perf_counter() - started) * 1000)))


def _tested(sent: int | Failure, milliseconds: int) -> WebhookTest:
    if isinstance(sent, Failure):
        return WebhookTest(delivered=False, status=sent.status, error=sent.error, milliseconds=milliseconds)
    return WebhookTest(delivered=True, status=sent, error=None, milliseconds=milliseconds)
