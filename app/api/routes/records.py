"""Reading the records of a type over HTTP: a page of the list, and one record."""

from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer, answer_from_loop, next_link
from app.api.http.negotiation import negotiate_format
from app.api.http.problems import invalid_parameter
from app.api.http.request_state import query_string, unchanged, validators_at
from app.api.routes.exports import answer_converted, answer_export, select_parts_of
from app.api.routes.records_as_of import answer_list_as_of, answer_record_as_of
from app.api.services import Service, service_of
from app.query import name_resolution, pages
from app.query.pages import DatabaseState
from app.query.record_queries import ListQuery, RecordQuery, read_list_query, read_record_query
from app.records.resource import Resource
from app.search import lists as search_lists
from app.store.rendering import etag_of


def _format_of(request: Request, resource: Resource, query: RecordQuery) -> str:
    format = negotiate_format(request, resource.type, query.format)
    if query.raw is not None and format != "csv":
        raise invalid_parameter("raw", f"raw belongs to csv; the format here is {format}.")
    return format


async def answer_list(request: Request, resource: Resource) -> Response:
    """Answer with a page of records, or with the whole list in another format than JSON.

    A short page is made on the event loop, because passing the work to a thread would take longer.
    """
    query = read_list_query(resource.type, query_string(request))
    format = _format_of(request, resource, query)
    if format != "json":
        return await answer_export(request, resource, query, format)
    if query.as_of is not None:
        return await answer_list_as_of(request, resource, query)
    if response := await unchanged(request):
        return response
    service = service_of(request)
    if search_lists.may_be_short(resource, query):
        most_bytes = service.settings.page_bytes
        short = service.reader.at_once(
            search_lists.short_page, resource, query, service.totals, service.search, most_bytes
        )
        if short:
            page, at = short
            return await answer_from_loop(
                request, page.body(), validators_at(at, request), headers=next_link(page.next)
            )
    return await service.reader.run(_page, request, resource, query, service)


def _page(connection: Connection, request: Request, resource: Resource, query: ListQuery, service: Service) -> Response:
    at = pages.now(connection)
    most_bytes = service.settings.page_bytes
    page = search_lists.page(connection, resource, query, at, service.totals, service.search, most_bytes)
    return answer_page(request, page, at)


def answer_page(request: Request, page: pages.Page, at: DatabaseState) -> Response:
    """Answer with a page that follows from a state of the database."""
    return answer(request, page.body(), validators_at(at, request), headers=next_link(page.next))


async def answer_record(request: Request, resource: Resource) -> Response:
    """Answer with one record, by its id or another name."""
    query = read_record_query(resource.type, query_string(request))
    format = _format_of(request, resource, query)
    if query.as_of is not None:
        return await answer_record_as_of(request, resource, query, format)
    name, reader = request.path_params["id"], service_of(request).reader
    stored = await reader.look_up(pages.RECORD, resource.type, name)
    headers = {}
    if stored is None:
        stored = await reader.run(name_resolution.by_name, resource, name)
        headers["content-location"] = f"{resource.path}/{quote(stored.id)}"
    if format != "json":
        return await answer_converted(request, resource, query, stored, format, headers)
    if query.is_plain:
        return await answer_from_loop(request, stored.body, Validators(stored.etag, stored.modified), headers=headers)
    body = await reader.run(select_parts_of, resource, query, stored)
    return await answer_from_loop(request, body, Validators(etag_of(body), None), headers=headers)
