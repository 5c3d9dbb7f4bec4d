"""Webhooks over HTTP, for admins: what is answered."""

import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app import outgoing
from app.access.audit import Event
from app.errors import Problem
from app.query import read_no_query
from app.shapes import ShapeFault, shape_faults
from app.web.access import require_role, who_of
from app.web.content import JSON_TYPE, parse_json, read_content, require_type
from app.web.negotiation import require
from app.web.service import service_of
from app.web.state import query_string
from app.webhooks import service as webhooks
from app.webhooks.progress import Failure
from app.webhooks.schemas import WebhookIn, WebhookPage, WebhookTest

P = ParamSpec("P")
R = TypeVar("R")

MOST_BYTES = 10_000
NO_STORE = {"cache-control": "no-store"}


def _begin(request: Request) -> None:
    require_role(request, "admin")
    require(request, JSON_TYPE)
    read_no_query(query_string(request))


async def _begin_without_content(request: Request) -> None:
    _begin(request)
    await read_content(request, 0)


def _answer(content: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(content.model_dump_json().encode(), status, {**NO_STORE, **(headers or {})}, JSON_TYPE)


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


async def _change(
    request: Request, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    service = service_of(request)
    done = await service.writer.aside(work, *args, **kwargs)
    service.deliverer.wake()
    return done


async def answer_create(request: Request) -> Response:
    _begin(request)
    require_type(request, JSON_TYPE)
    entered = _entered(await read_content(request, MOST_BYTES))
    private = service_of(request).settings.webhooks_private
    try:
        await outgoing.addresses_of(outgoing.read_url(entered.url, private=private), private=private)
    except outgoing.Refused as refused:
        raise _invalid([("/url", str(refused), [])]) from None
    made = await _change(request, webhooks.create, entered, who_of(request.scope))
    return _answer(made, 201, {"location": f"/v1/webhooks/{made.id}"})


async def answer_list(request: Request) -> Response:
    _begin(request)
    found = await service_of(request).reader.run(webhooks.listed)
    return _answer(WebhookPage(items=found, total=len(found), next=None))


async def answer_one(request: Request) -> Response:
    _begin(request)
    return _answer(await service_of(request).reader.run(webhooks.one, request.path_params["id"]))


async def answer_delete(request: Request) -> Response:
    await _begin_without_content(request)
    await _change(request, webhooks.remove, request.path_params["id"], who_of(request.scope))
    return Response(None, 204, NO_STORE)


async def answer_enable(request: Request) -> Response:
    await _begin_without_content(request)
    return _answer(await _change(request, webhooks.enable, request.path_params["id"], who_of(request.scope)))


async def answer_test(request: Request) -> Response:
    await _begin_without_content(request)
    id, service, started = request.path_params["id"], service_of(request), time.perf_counter()
    sent = await service.deliverer.test(id)
    service.trail.add(Event(who_of(request.scope), "test webhook", 200, detail=id))
    return _answer(_tested(sent, round((time.perf_counter() - started) * 1000)))


def _tested(sent: int | Failure, milliseconds: int) -> WebhookTest:
    if isinstance(sent, Failure):
        return WebhookTest(delivered=False, status=sent.status, error=sent.error, milliseconds=milliseconds)
    return WebhookTest(delivered=True, status=sent, error=None, milliseconds=milliseconds)
