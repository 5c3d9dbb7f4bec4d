"""Changes to single records over HTTP.

Each needs a key, a reason and, for a stored record, the version that it changes in `If-Match`. With an
`Idempotency-Key` it can be repeated safely.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import etags_of
from app.api.http.negotiation import JSON
from app.api.http.request_body import MERGE_PATCH, parse_json, read_content, require_type
from app.api.http.request_state import query_string
from app.api.middleware.authentication import require_role, who_of
from app.api.routes.idempotency import idempotency_of, response_of
from app.api.services import service_of
from app.common.problems import Invalid, Problem, parameter_fault
from app.editing import service as editing
from app.editing.idempotency import Asked, Given, given, keep, replayed
from app.editing.service import Change, EditResult
from app.query.parameters import Parameters, read_boolean
from app.records.resource import Resource

LONGEST_REASON = 1000
LONG = 100_000
"""Bytes of JSON from which on it is parsed in a thread, because parsing would delay other requests."""

Work = Callable[[Connection, Change, Any], EditResult]
"""A change, made with the parsed content of a request."""


class EditQuery(NamedTuple):
    """The parameters of a change."""

    reason: str
    validate_only: bool


def read_reason(value: str) -> str:
    """Return a reason without surrounding blanks; raise `Invalid` for an empty, long or unprintable one."""
    if not value.strip() or len(value) > LONGEST_REASON or not value.isprintable():
        raise Invalid(f"a reason has 1 to {LONGEST_REASON} printable characters")
    return value.strip()


@lru_cache(maxsize=64)
def read_edit_query(raw: str) -> EditQuery:
    """Return the parameters of a change; raise a `Problem` (422) for faults in them."""
    parameters = Parameters(raw, ["reason", "validate_only"])
    reason = parameters.read("reason", read_reason, "")
    validate_only = parameters.read("validate_only", read_boolean, False)
    if not parameters.all("reason"):
        parameters.faults.append(parameter_fault("reason", "reason is needed: why this is changed, kept for good."))
    parameters.end()
    return EditQuery(reason, validate_only)


def _expected(request: Request) -> frozenset[str] | None:
    """Return the entity tags of `If-Match` (RFC 9110 §13.1.1), or None for `*`; raise a `Problem` (428) without it."""
    header = request.headers.get("if-match")
    if header is None:
        raise Problem("precondition-required", "Send the record's ETag in If-Match, or * for whatever it is now.")
    if header.strip() == "*":
        return None
    if tags := etags_of(header):
        return tags
    raise Problem("malformed-request", "If-Match holds no entity tag; send the record's ETag with its double quotes.")


def _headers(resource: Resource, done: EditResult) -> dict[str, str]:
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
    """Make a change, or repeat the answer to the same request; with `validate_only`, undo it and keep nothing."""
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
    request: Request, resource: Resource, work: Work, *, media: tuple[str, ...], conditional: bool
) -> Response:
    identity = require_role(request, "editor")
    query = read_edit_query(query_string(request))
    service = service_of(request)
    if media:
        require_type(request, *media)
    content = await read_content(request, service.settings.max_content_bytes if media else 0)
    data = await _parsed(content) if media else None
    change = Change(who_of(request.scope), query.reason, _expected(request) if conditional else None)
    asked = idempotency_of(request, identity, content)
    answer = await service.writer.change(_edit, resource, work, change, data, query, asked)
    return response_of(answer)


async def answer_create(request: Request, resource: Resource) -> Response:
    """Answer a request that creates a record."""

    def work(connection: Connection, change: Change, data: Any) -> EditResult:
        return editing.create(connection, resource, data, change)

    return await _answer(request, resource, work, media=(JSON,), conditional=False)


async def answer_replace(request: Request, resource: Resource) -> Response:
    """Answer a request that replaces a record (PUT)."""

    def work(connection: Connection, change: Change, data: Any) -> EditResult:
        return editing.replace(connection, resource, request.path_params["id"], data, change)

    return await _answer(request, resource, work, media=(JSON,), conditional=True)


async def answer_patch(request: Request, resource: Resource) -> Response:
    """Answer a request that changes parts of a record (PATCH, RFC 7396)."""

    def work(connection: Connection, change: Change, data: Any) -> EditResult:
        return editing.patch(connection, resource, request.path_params["id"], data, change)

    return await _answer(request, resource, work, media=(MERGE_PATCH, JSON), conditional=True)


async def answer_delete(request: Request, resource: Resource) -> Response:
    """Answer a request that deletes a record."""

    def work(connection: Connection, change: Change, _: Any) -> EditResult:
        return editing.delete(connection, resource, request.path_params["id"], change)

    return await _answer(request, resource, work, media=(), conditional=True)


async def answer_restore(request: Request, resource: Resource) -> Response:
    """Answer a request that restores a deleted record."""

    def work(connection: Connection, change: Change, _: Any) -> EditResult:
        return editing.restore(connection, resource, request.path_params["id"], change)

    return await _answer(request, resource, work, media=(), conditional=False)
