"""The two readings that every record type offers: a page of records, and one of them."""

from hashlib import blake2b
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app import __version__, reading
from app.query import ListQuery, RecordQuery, read_list_query, read_record_query
from app.reading import Now, Stored
from app.rendering import etag_of
from app.resources import Resource
from app.search import listing
from app.web.answers import Validators, answer, is_fresh, not_modified
from app.web.negotiation import JSON, require
from app.web.service import Service, service_of


def query_string(request: Request) -> str:
    return str(request.scope["query_string"], "utf-8")


def at_revision(at: Now, request: Request) -> Validators:
    """For answers that follow from the database's state, the address and this code alone."""
    state = f"{__version__} {at.epoch} {at.revision} {at.changed_at.timestamp()}"
    known = f"{state} {request.scope['path']}?{query_string(request)}"
    return Validators(blake2b(known.encode(), digest_size=12).hexdigest(), at.changed_at)


async def answer_list(request: Request, resource: Resource) -> Response:
    require(request, JSON)
    query = read_list_query(resource.type, query_string(request))
    service = service_of(request)
    before = at_revision(await service.reader.quick(reading.now), request)
    if is_fresh(request, before):
        return not_modified(request, before)
    return await service.reader.run(_page, request, resource, query, service)


def _page(connection: Connection, request: Request, resource: Resource, query: ListQuery, service: Service) -> Response:
    at = reading.now(connection)
    return answer_page(request, listing.page(connection, resource, query, at, service.totals, service.search), at)


def answer_page(request: Request, page: reading.Page, at: Now) -> Response:
    links = {"link": f'<{page.next}>; rel="next"'} if page.next else {}
    return answer(request, page.body(), at_revision(at, request), headers=links)


async def answer_record(request: Request, resource: Resource) -> Response:
    require(request, JSON)
    query = read_record_query(resource.type, query_string(request))
    name, reader = request.path_params["id"], service_of(request).reader
    stored = await reader.quick(reading.by_id, resource.type, name)
    headers = {}
    if stored is None:
        stored = await reader.run(reading.by_name, resource, name)
        headers["content-location"] = f"{resource.path}/{quote(stored.id)}"
    if query.is_plain:
        return answer(request, stored.body, Validators(stored.etag, stored.modified), headers=headers)
    body = await reader.run(_parts, resource, query, stored)
    return answer(request, body, Validators(etag_of(body), None), headers=headers)


def _parts(connection: Connection, resource: Resource, query: RecordQuery, stored: Stored) -> bytes:
    return reading.select_parts(connection, resource, query, [stored.body])[0]
