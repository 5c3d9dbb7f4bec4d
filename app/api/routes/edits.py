"""Changes to single records over HTTP: keys, conditions, reasons, and answers that can be asked for again."""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import etags_of
from app.api.http.request_body import JSON_TYPE, MERGE_PATCH, parse_json, read_content, require_type
from app.api.http.request_state import query_string
from app.api.middleware.authentication import require_role, who_of
from app.api.services import service_of
from app.auth.keys import Identity
from app.common.problems import Invalid, Problem, parameter_fault
from app.editing import service as editing
from app.editing.idempotency import Asked, Given, given, keep, replayed
from app.editing.service import Change, Done
from app.query.parameters import Parameters, read_boolean
from app.records.resource import Resource

LONGEST_REASON = 1000
LONG = 100_000
"""Bytes that take long enough to read that others must not wait for it."""
_IDEMPOTENCY_KEY = re.compile(r'"?([!-~]{1,255}?)"?')

Work = Callable[[Connection, Change, Any], Done]
"""What is done with the content of a request."""


class EditQuery(NamedTuple):
    reason: str
    validate_only: bool


def read_reason(value: str) -> str:
    if not value.strip() or len(value) > LONGEST_REASON or not value.isprintable():
        raise Invalid(f"a reason has 1 to {LONGEST_REASON} printable characters")
    return value.strip()


@lru_cache(maxsize=64)
def read_edit_query(raw: str) -> EditQuery:
    parameters = Parameters(raw, ["reason", "validate_only"])
    reason = parameters.read("reason", read_reason, "")
    validate_only = parameters.read("validate_only", read_boolean, False)
    if not parameters.all("reason"):
        parameters.faults.append(parameter_fault("reason", "reason is needed: why this is changed, kept for good."))
    parameters.end()
    return EditQuery(reason, validate_only)


def _expected(request: Request) -> frozenset[str] | None:
    """The entity tags of `If-Match` (RFC 9110 §13.1.1); raises a `Problem` where there is none."""
    header = request.headers.get("if-match")
    if header is None:
        raise Problem("precondition-required", "Send the record's ETag in If-Match, or * for whatever it is now.")
    return None if header.strip() == "*" else etags_of(header)


def asked_of(request: Request, identity: Identity, content: bytes) -> Asked | None:
    """The name that a request has by its `Idempotency-Key`, and a hash that tells the request from others."""
    lines = request.headers.getlist("idempotency-key")
    if not lines:
        return None
    found = _IDEMPOTENCY_KEY.fullmatch(lines[0])
    if found is None or len(lines) > 1:
        raise Problem("malformed-request", "An Idempotency-Key has 1 to 255 printable ASCII characters, on one line.")
    conditions = "\n".join(request.headers.get(name, "") for name in ("if-match", "content-type"))
    said = f"{request.method} {request.scope['path']}?{query_string(request)}\n{conditions}\n"
    return Asked(identity.key_id, found[1], sha256(said.encode() + content).hexdigest())


def _headers(resource: Resource, done: Done) -> dict[str, str]:
    path = f"{resource.path}/{done.id}"
    headers = {"etag": f'"{done.etag}"', "content-location": path, "link": f'<{path}/versions>; rel="version-history"'}
    return headers | ({"location": path} if done.status == 201 else {})


def _edit(
    connection: Connection,
    resource: Resource,
    work: Work,
    change: Change,
    data: Any,
    query: EditQuery,
    asked: Asked | None,
) -> Given:
    before = given(connection, asked) if asked else None
    if before is not None:
        return replayed(before)
    done = work(connection, change, data)
    if query.validate_only:
        connection.rollback()
        return Given(200, {}, done.body)
    answer = Given(done.status, _headers(resource, done), done.body)
    if asked:
        keep(connection, asked, answer)
    return answer


async def _parsed(content: bytes) -> Any:
    return parse_json(content) if len(content) < LONG else await asyncio.to_thread(parse_json, content)


async def _answer(
    request: Request, resource: Resource, work: Work, *, media: str | None, conditional: bool
) -> Response:
    identity = require_role(request, "editor")
    query = read_edit_query(query_string(request))
    service = service_of(request)
    if media:
        require_type(request, media)
    content = await read_content(request, service.settings.max_content_bytes if media else 0)
    data = await _parsed(content) if media else None
    change = Change(who_of(request.scope), query.reason, _expected(request) if conditional else None)
    asked = asked_of(request, identity, content)
    answer = await service.writer.change(_edit, resource, work, change, data, query, asked)
    return Response(answer.body, answer.status, {**answer.headers, "cache-control": "no-store"}, JSON_TYPE)


async def answer_create(request: Request, resource: Resource) -> Response:
    def work(connection: Connection, change: Change, data: Any) -> Done:
        return editing.create(connection, resource, data, change)

    return await _answer(request, resource, work, media=JSON_TYPE, conditional=False)


async def answer_replace(request: Request, resource: Resource) -> Response:
    def work(connection: Connection, change: Change, data: Any) -> Done:
        return editing.replace(connection, resource, request.path_params["id"], data, change)

    return await _answer(request, resource, work, media=JSON_TYPE, conditional=True)


async def answer_patch(request: Request, resource: Resource) -> Response:
    def work(connection: Connection, change: Change, data: Any) -> Done:
        return editing.patch(connection, resource, request.path_params["id"], data, change)

    return await _answer(request, resource, work, media=MERGE_PATCH, conditional=True)


async def answer_delete(request: Request, resource: Resource) -> Response:
    def work(connection: Connection, change: Change, _: Any) -> Done:
        return editing.delete(connection, resource, request.path_params["id"], change)

    return await _answer(request, resource, work, media=None, conditional=True)


async def answer_restore(request: Request, resource: Resource) -> Response:
    def work(connection: Connection, change: Change, _: Any) -> Done:
        return editing.restore(connection, resource, request.path_params["id"], change)

    return await _answer(request, resource, work, media=None, conditional=False)
