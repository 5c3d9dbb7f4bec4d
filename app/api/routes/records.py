"""Reading the records of a type over HTTP: a page of the list, and one record."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer, answer_from_loop, next_link
from app.api.http.request_state import query_string, unchanged, validators_at
from app.api.representations import JSON, QuestionKind, Representation, names_of
from app.api.routes.records_as_of import PastList, PastRecord
from app.api.routes.respond import page_response, record_response, respond
from app.api.services import service_of
from app.query import name_resolution, pages
from app.query.pages import StoredDocument
from app.query.record_queries import ListQuery, RecordQuery, read_list_query, read_record_query
from app.records.resource import Resource
from app.search import lists as search_lists


async def answer_list(request: Request, resource: Resource) -> Response:
    """Answer with a page of records, or with the whole list in a representation that is streamed."""
    query = read_list_query(resource.type, query_string(request), names_of("list", resource.type))
    question = CurrentList if query.as_of is None else PastList
    return await respond(request, question(resource, query))


async def answer_record(request: Request, resource: Resource) -> Response:
    """Answer with one record, by its id or another name."""
    query = read_record_query(resource.type, query_string(request), names_of("record", resource.type))
    question = CurrentRecord if query.as_of is None else PastRecord
    return await respond(request, question(resource, query))


@dataclass(slots=True)
class CurrentList:
    """A question for a page of the list of records as they are now."""

    kind: ClassVar[QuestionKind] = "list"
    resource: Resource
    query: ListQuery

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return a 304, or a short page as JSON."""
        if response := await unchanged(request, format=chosen.name):
            return response
        if chosen is not JSON or not search_lists.may_be_short(self.resource, self.query):
            return None
        service = service_of(request)
        most_bytes = service.settings.page_bytes
        short = service.reader.at_once(
            search_lists.short_page, self.resource, self.query, service.totals, service.search, most_bytes
        )
        if short is None:
            return None
        page, at = short
        return await answer_from_loop(request, page.body(), validators_at(at, request), headers=next_link(page.next))

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return a page."""
        at, service = pages.now(connection), service_of(request)
        most_bytes = service.settings.page_bytes
        page = search_lists.page(connection, self.resource, self.query, at, service.totals, service.search, most_bytes)
        return page_response(request, self, chosen, page, validators_at(at, request, chosen.name))


@dataclass(slots=True)
class CurrentRecord:
    """A question for one record as it is now."""

    kind: ClassVar[QuestionKind] = "record"
    resource: Resource
    query: RecordQuery
    stored: StoredDocument | None = None

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return the stored document of the record that has the id, if it is wanted as it is."""
        stored = await service_of(request).reader.look_up(pages.RECORD, self.resource.type, request.path_params["id"])
        if stored is not None and chosen is JSON and self.query.is_plain:
            return await answer_from_loop(request, stored.body, Validators(stored.etag, stored.modified))
        self.stored = stored
        return None

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return the record that has the id, or else the name."""
        stored, headers = self.stored, dict[str, str]()
        if stored is None:
            stored = name_resolution.by_name(connection, self.resource, request.path_params["id"])
            headers["content-location"] = f"{self.resource.path}/{quote(stored.id)}"
        if chosen is JSON and self.query.is_plain:
            return answer(request, stored.body, Validators(stored.etag, stored.modified), headers=headers)
        return record_response(connection, request, self.resource, self.query, chosen, stored, headers)
