"""A search across types, and records like one, over HTTP."""

from typing import Any, get_args

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app import reading
from app.fields import RecordType
from app.resources import Resource
from app.search.everywhere import (
    EverywhereQuery,
    SimilarQuery,
    everywhere,
    read_everywhere_query,
    read_similar_query,
    similar,
)
from app.web.answers import is_fresh, not_modified
from app.web.negotiation import JSON, require
from app.web.operations import either, operation, page_name, problems, success
from app.web.parameters import paging_parameters, search_parameters
from app.web.records import answer_page
from app.web.service import Service, service_of
from app.web.state import at_revision, query_string

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable", "search-not-ready")


def search_operation() -> dict[str, Any]:
    types = "|".join(get_args(RecordType))
    wanted = {
        "name": "type",
        "in": "query",
        "description": "Record types to look in, comma-separated; all of them unless said.",
        "schema": {"type": "string", "pattern": f"^({types})(,({types}))*$"},
        "example": "studies,safety-notes",
    }
    words = [{**parameter, "required": parameter["name"] == "q"} for parameter in search_parameters()]
    return operation(
        "search",
        "Search all types",
        "The best records of all types, by relevance; `search.types` says how many of each there are.",
        [*words, wanted, *paging_parameters("search")],
        success({"$ref": "#/components/schemas/SearchPage"}, "Link", example="GET /v1/search", description="The hits.")
        | problems(*PROBLEMS),
    )


async def answer_search(request: Request) -> Response:
    require(request, JSON)
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


def similar_operation(resource: Resource) -> dict[str, Any]:
    id_parameter = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The id, or any other name without a slash.",
        "schema": {"type": "string", "minLength": 1},
        "example": resource.example,
    }
    return operation(
        f"list_similar_{resource.type}",
        f"List {resource.title} like one of them",
        "Those that share most of its rarer words.",
        [id_parameter, *paging_parameters("similar")],
        success(
            either(page_name(resource), "SelectionPage"),
            example=f"GET {resource.path}/{{id}}/similar",
            description="The most alike.",
        )
        | problems("not-found", "gone", "ambiguous-name", *PROBLEMS),
    )


async def answer_similar(request: Request, resource: Resource) -> Response:
    require(request, JSON)
    query = read_similar_query(query_string(request))
    return await service_of(request).reader.run(_similar, request, resource, query, service_of(request))


def _similar(
    connection: Connection, request: Request, resource: Resource, query: SimilarQuery, service: Service
) -> Response:
    at, most_bytes = reading.now(connection), service.settings.page_bytes
    name = request.path_params["id"]
    return answer_page(request, similar(connection, resource, name, query, at, service.search, most_bytes), at)
