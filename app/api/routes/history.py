"""A record's versions over HTTP."""

from collections.abc import Callable
from typing import get_args
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer, is_fresh, not_modified
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import at_revision, query_string
from app.api.services import service_of
from app.common.problems import Problem
from app.common.suggestions import nearest
from app.history.versions import (
    Named,
    VersionsQuery,
    diff,
    find,
    read_diff_query,
    read_versions_query,
    version,
    versions,
)
from app.query import pages as reading
from app.query.parameters import read_no_query
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.store.rendering import etag_of


def _resource(request: Request) -> Resource:
    name = request.path_params["type"]
    for type in get_args(RecordType):
        if type == name:
            return RESOURCES[type]
    near = [RESOURCES[type].path for type in get_args(RecordType) if type in nearest(name, RESOURCES)]
    detail = f"There is no {request.url.path!r} here."
    raise Problem("not-found", detail, errors=[{"pointer": "", "detail": detail, "nearest": near}])


def _location(request: Request, resource: Resource, record: Named, rest: str) -> dict[str, str]:
    if record.id == request.path_params["id"]:
        return {}
    return {"content-location": f"{resource.path}/{quote(record.id)}/{rest}"}


async def answer_versions(request: Request) -> Response:
    require_acceptable(request, JSON)
    resource, query = _resource(request), read_versions_query(query_string(request))
    reader, actors = service_of(request).reader, service_of(request).settings.public_actors
    at = await reader.look_up(reading.NOW)
    before = at_revision(reading.certain(at), request, actors=actors)
    if is_fresh(request, before):
        return not_modified(request, before)
    return await reader.run(_versions, request, resource, query, service_of(request).settings.page_bytes)


def _versions(
    connection: Connection, request: Request, resource: Resource, query: VersionsQuery, most_bytes: int
) -> Response:
    actors = service_of(request).settings.public_actors
    validators = at_revision(reading.now(connection), request, actors=actors)
    record = find(connection, resource, request.path_params["id"])
    page = versions(connection, resource, record, query, most_bytes, actors)
    links = {"link": f'<{page.next}>; rel="next"'} if page.next else {}
    return answer(request, page.body(), validators, headers=links | _location(request, resource, record, "versions"))


Made = Callable[[Connection, Resource, Named], bytes]


async def answer_version(request: Request) -> Response:
    require_acceptable(request, JSON)
    resource, number = _resource(request), request.path_params["version"]
    read_no_query(query_string(request))

    def made(connection: Connection, resource: Resource, record: Named) -> bytes:
        return version(connection, resource, record, number, service_of(request).settings.public_actors)

    return await service_of(request).reader.run(_lasting, request, resource, f"versions/{number}", made)


async def answer_diff(request: Request) -> Response:
    require_acceptable(request, JSON)
    resource, wanted = _resource(request), read_diff_query(query_string(request))

    def made(connection: Connection, resource: Resource, record: Named) -> bytes:
        return diff(connection, resource, record, wanted, service_of(request).settings.public_actors)

    rest = f"diff?from={wanted.first}&to={wanted.last}"
    return await service_of(request).reader.run(_lasting, request, resource, rest, made)


def _lasting(connection: Connection, request: Request, resource: Resource, rest: str, made: Made) -> Response:
    """What is so for ever, where it is asked for by the id: another name may come to be another record's."""
    reading.now(connection)
    record = find(connection, resource, request.path_params["id"])
    body = made(connection, resource, record)
    location = _location(request, resource, record, rest)
    return answer(request, body, Validators(etag_of(body), None, permanent=not location), headers=location)
