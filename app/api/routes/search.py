"""A search across types, and records like one, over HTTP."""

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import is_fresh, not_modified
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import at_revision, query_string
from app.api.routes.records import answer_page
from app.api.services import Service, service_of
from app.query import pages as reading
from app.records.resource import Resource
from app.search.all_types import (
    EverywhereQuery,
    SimilarQuery,
    everywhere,
    read_everywhere_query,
    read_similar_query,
    similar,
)


async def answer_search(request: Request) -> Response:
    require_acceptable(request, JSON)
    query = read_everywhere_query(query_string(request))
    service = service_of(request)
    at = await service.reader.look_up(reading.NOW)
    before = at_revision(reading.certain(at), request)
    if is_fresh(request, before):
        return not_modified(request, before)
    return await service.reader.run(_search, request, query, service)


def _search(connection: Connection, request: Request, query: EverywhereQuery, service: Service) -> Response:
    at = reading.now(connection)
    return answer_page(request, everywhere(connection, query, at, service.search, service.settings.page_bytes), at)


async def answer_similar(request: Request, resource: Resource) -> Response:
    require_acceptable(request, JSON)
    query = read_similar_query(query_string(request))
    return await service_of(request).reader.run(_similar, request, resource, query, service_of(request))


def _similar(
    connection: Connection, request: Request, resource: Resource, query: SimilarQuery, service: Service
) -> Response:
    at, most_bytes = reading.now(connection), service.settings.page_bytes
    name = request.path_params["id"]
    return answer_page(request, similar(connection, resource, name, query, at, service.search, most_bytes), at)
