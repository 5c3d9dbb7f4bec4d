"""A record's versions over HTTP: the list, one version, and the difference between two."""

from collections.abc import Callable
from typing import get_args
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer, next_link
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import query_string, unchanged, validators_at
from app.api.services import service_of
from app.common.problems import not_found
from app.common.suggestions import nearest
from app.history.versions import (
    VersionedRecord,
    VersionsQuery,
    diff,
    find,
    read_diff_query,
    read_versions_query,
    version,
    versions,
)
from app.query import pages
from app.query.parameters import read_no_query
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.store.rendering import etag_of


def _resource(request: Request) -> Resource:
    name = request.path_params["type"]
    for type in get_args(RecordType):
        if type == name:
            return RESOURCES[type]
    near = [RESOURCES[type].path for type in get_args(RecordType) if type in nearest(name, RESOURCES)]
    raise not_found(f"There is no {request.url.path!r} here.", near)


def _location(request: Request, resource: Resource, record: VersionedRecord, rest: str) -> dict[str, str]:
    """Return `Content-Location` if the record was requested by another name than its id."""
    if record.id == request.path_params["id"]:
        return {}
    return {"content-location": f"{resource.path}/{quote(record.id)}/{rest}"}


async def answer_versions(request: Request) -> Response:
    """Answer with a page of a record's versions."""
    require_acceptable(request, JSON)
    resource, query = _resource(request), read_versions_query(query_string(request))
    service = service_of(request)
    if response := await unchanged(request, service.settings.public_actors):
        return response
    return await service.reader.run(_versions, request, resource, query, service.settings.page_bytes)


def _versions(
    connection: Connection, request: Request, resource: Resource, query: VersionsQuery, most_bytes: int
) -> Response:
    actors = service_of(request).settings.public_actors
    validators = validators_at(pages.now(connection), request, actors=actors)
    record = find(connection, resource, request.path_params["id"])
    page = versions(connection, resource, record, query, most_bytes, actors)
    headers = next_link(page.next) | _location(request, resource, record, "versions")
    return answer(request, page.body(), validators, headers=headers)


MakeBody = Callable[[Connection, Resource, VersionedRecord], bytes]


async def answer_version(request: Request) -> Response:
    """Answer with one version of a record."""
    require_acceptable(request, JSON)
    resource, number = _resource(request), request.path_params["version"]
    read_no_query(query_string(request))

    def make_body(connection: Connection, resource: Resource, record: VersionedRecord) -> bytes:
        return version(connection, resource, record, number, service_of(request).settings.public_actors)

    return await service_of(request).reader.run(_answer_permanent, request, resource, f"versions/{number}", make_body)


async def answer_diff(request: Request) -> Response:
    """Answer with the difference between two versions of a record."""
    require_acceptable(request, JSON)
    resource, wanted = _resource(request), read_diff_query(query_string(request))

    def make_body(connection: Connection, resource: Resource, record: VersionedRecord) -> bytes:
        return diff(connection, resource, record, wanted, service_of(request).settings.public_actors)

    rest = f"diff?from={wanted.first}&to={wanted.last}"
    return await service_of(request).reader.run(_answer_permanent, request, resource, rest, make_body)


def _answer_permanent(
    connection: Connection, request: Request, resource: Resource, rest: str, make_body: MakeBody
) -> Response:
    """Answer with a body that never changes. It may be cached for ever if the record is requested by its id: any other
    name may become the name of another record."""
    pages.now(connection)
    record = find(connection, resource, request.path_params["id"])
    body = make_body(connection, resource, record)
    location = _location(request, resource, record, rest)
    return answer(request, body, Validators(etag_of(body), None, permanent=not location), headers=location)
