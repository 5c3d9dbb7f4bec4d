"""Reading the records of a type as of a moment (`as_of`) over HTTP."""

from dataclasses import replace
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer, answer_from_loop, is_fresh, next_link, not_modified
from app.api.http.request_state import validators_at
from app.api.routes.exports import attachment
from app.api.services import Service, service_of
from app.exports.stream import converted
from app.query import as_of_lists, pages
from app.query.as_of import newest_at
from app.query.as_of_records import RECORD_AS_OF, Found, by_name_as_of, is_there
from app.query.export_formats import FORMATS
from app.query.record_queries import ListQuery, RecordQuery
from app.records.resource import Resource
from app.store.rendering import etag_of


async def answer_list_as_of(request: Request, resource: Resource, query: ListQuery) -> Response:
    """Answer with a page of the list as it was at a moment."""
    return await service_of(request).reader.run(_page, request, resource, query, service_of(request))


def _page(connection: Connection, request: Request, resource: Resource, query: ListQuery, service: Service) -> Response:
    at = pages.now(connection)
    past = as_of_lists.past_of(connection, resource, query, at)
    validators = validators_at(past.state, request, permanent=past.permanent)
    if is_fresh(request, validators):
        return not_modified(request, validators)
    most_bytes = service.settings.page_bytes
    page = as_of_lists.page(connection, resource, past.query, at, service.totals, service.sort_positions, most_bytes)
    return answer(request, page.body(), validators, headers=next_link(page.next))


async def answer_record_as_of(request: Request, resource: Resource, query: RecordQuery, format: str) -> Response:
    """Answer with a record as it was at a moment; one version never changes, so it may be cached for ever."""
    reader, name = service_of(request).reader, request.path_params["id"]
    if query.is_plain and format == "json":
        found = await reader.look_up(RECORD_AS_OF, resource.type, name, query.as_of)
        if found is not None and is_there(resource, found):
            validators = Validators(found.stored.etag, found.stored.modified, _is_permanent(query, found))
            return await answer_from_loop(request, found.stored.body, validators)
    return await reader.run(_record, request, resource, query, format)


def _is_permanent(query: RecordQuery, found: Found) -> bool:
    assert query.as_of is not None
    return query.as_of < found.changed_at


def _record(connection: Connection, request: Request, resource: Resource, query: RecordQuery, format: str) -> Response:
    assert query.as_of is not None
    name = request.path_params["id"]
    found = by_name_as_of(connection, resource, name, query.as_of)
    named = found.stored.id != name
    headers = {"content-location": f"{resource.path}/{quote(found.stored.id)}"} if named else {}
    known = replace(query, revision=newest_at(connection, query.as_of).revision)
    whole = known if format == "json" else RecordQuery(None, query.include, None, revision=known.revision)
    body = pages.select_parts(connection, resource, whole, [found.stored.body])[0]
    if format != "json":
        body = converted(resource, query, body, format)
        headers |= attachment(found.stored.id, format)
    validators = Validators(etag_of(body), None, permanent=_is_permanent(query, found) and not named)
    return answer(request, body, validators, media_type=FORMATS[format].media_type, headers=headers)
