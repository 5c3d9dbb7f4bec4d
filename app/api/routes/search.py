"""The search across types and the search for similar records over HTTP."""

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import query_string, unchanged
from app.api.routes.records import answer_page
from app.api.services import Service, service_of
from app.query import pages
from app.records.resource import Resource
from app.search.all_types import (
    AllTypesQuery,
    SimilarQuery,
    everywhere,
    read_everywhere_query,
    read_similar_query,
    similar,
)


async def answer_search(request: Request) -> Response:
    """Answer with a page of records of all types, by relevance."""
    require_acceptable(request, JSON)
    query = read_everywhere_query(query_string(request))
    if response := await unchanged(request):
        return response
    service = service_of(request)
    return await service.reader.run(_search, request, query, service)


def _search(connection: Connection, request: Request, query: AllTypesQuery, service: Service) -> Response:
    at = pages.now(connection)
    return answer_page(request, everywhere(connection, query, at, service.search, service.settings.page_bytes), at)


async def answer_similar(request: Request, resource: Resource) -> Response:
    """Answer with a page of records of a type that are similar to one of them."""
    require_acceptable(request, JSON)
    query = read_similar_query(query_string(request))
    return await service_of(request).reader.run(_similar, request, resource, query, service_of(request))


def _similar(
    connection: Connection, request: Request, resource: Resource, query: SimilarQuery, service: Service
) -> Response:
    at, most_bytes = pages.now(connection), service.settings.page_bytes
    name = request.path_params["id"]
    return answer_page(request, similar(connection, resource, name, query, at, service.search, most_bytes), at)
