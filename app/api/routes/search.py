"""The search across types and the search for similar records over HTTP."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.request_state import query_string, unchanged, validators_at
from app.api.representations import QuestionKind, Representation, names_of
from app.api.routes.respond import page_response, respond
from app.api.services import service_of
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
    query = read_everywhere_query(query_string(request), names_of("search", None))
    return await respond(request, AllTypesSearch(query))


async def answer_similar(request: Request, resource: Resource) -> Response:
    """Answer with a page of records of a type that are similar to one of them."""
    query = read_similar_query(query_string(request), names_of("search", resource.type))
    return await respond(request, SimilarSearch(resource, query))


@dataclass(slots=True)
class AllTypesSearch:
    """A question for the best records of all types."""

    kind: ClassVar[QuestionKind] = "search"
    resource: ClassVar[None] = None
    query: AllTypesQuery

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return a 304 if the client's copy follows from the present state."""
        return await unchanged(request, format=chosen.name)

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return a page."""
        at, service = pages.now(connection), service_of(request)
        page = everywhere(connection, self.query, at, service.search, service.settings.page_bytes)
        return page_response(request, self, chosen, page, validators_at(at, request, chosen.name))


@dataclass(slots=True)
class SimilarSearch:
    """A question for the records of a type that are most similar to one of them."""

    kind: ClassVar[QuestionKind] = "search"
    resource: Resource
    query: SimilarQuery

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return nothing: whether the record is there is looked at first, in a thread."""

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return a page."""
        at, service = pages.now(connection), service_of(request)
        name, most_bytes = request.path_params["id"], service.settings.page_bytes
        page = similar(connection, self.resource, name, self.query, at, service.search, most_bytes)
        return page_response(request, self, chosen, page, validators_at(at, request, chosen.name))
