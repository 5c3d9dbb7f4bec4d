"""Records in other formats than JSON over HTTP."""

from collections.abc import AsyncIterator, Iterator, Mapping

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app import reading
from app.errors import Problem, parameter_fault
from app.formats.export import converted, exported
from app.formats.kinds import FORMATS
from app.history import then
from app.query import ListQuery, RecordQuery
from app.reading import Stored
from app.rendering import etag_of
from app.resources import Resource
from app.web.answers import Validators, answer, headers_of
from app.web.codings import CODINGS, Packer, coding_of
from app.web.service import service_of
from app.web.state import at_revision


async def answer_converted(
    request: Request,
    resource: Resource,
    query: RecordQuery,
    stored: Stored,
    format: str,
    headers: Mapping[str, str],
) -> Response:
    """One record in another format than JSON."""
    whole = RecordQuery(None, query.include, None)
    body = await service_of(request).reader.run(_parts, resource, whole, stored)
    content = converted(resource, query, body, format)
    return answer(
        request,
        content,
        Validators(etag_of(content), None),
        media_type=FORMATS[format].media_type,
        headers=attachment(stored.id, format) | dict(headers),
    )


def _parts(connection: Connection, resource: Resource, query: RecordQuery, stored: Stored) -> bytes:
    return reading.select_parts(connection, resource, query, [stored.body])[0]


def attachment(name: str, format: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}.{FORMATS[format].ending}"'}


async def answer_export(request: Request, resource: Resource, query: ListQuery, format: str) -> Response:
    """The whole list in another format than JSON, streamed. The first piece comes before the status does."""
    if query.position or any(name == "limit" for name, _ in query.parameters):
        fault = parameter_fault("limit", f"{format} is the whole list: limit and cursor have no place in it.")
        raise Problem("invalid-parameter", str(fault["detail"]), errors=[fault])
    pieces = service_of(request).reader.stream(_pieces, request, resource, query, format)
    head = await anext(pieces)
    validators: Validators = request.scope["exported"]
    coding = coding_of(request.headers.get("accept-encoding", ""))
    headers = headers_of(validators, coding) | attachment(resource.type, format)
    body = _packed(CODINGS[coding].packer(), head, pieces) if coding else _joined(head, pieces)
    if coding:
        headers["content-encoding"] = coding
    return StreamingResponse(body, 200, headers, FORMATS[format].media_type)


def _pieces(
    connection: Connection, request: Request, resource: Resource, query: ListQuery, format: str
) -> Iterator[bytes]:
    at = reading.now(connection)
    request.scope["exported"] = at_revision(at, request, format)
    if query.as_of is not None:
        past = then.past_of(connection, resource, query, at)
        request.scope["exported"] = at_revision(past.state, request, format, permanent=past.permanent)
        query = past.query
    pieces = exported(connection, resource, query, at, service_of(request).search, format)
    yield next(pieces, b"")
    yield from pieces


async def _joined(head: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in pieces:
        if piece:
            yield piece


async def _packed(packer: Packer, head: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in _joined(head, pieces):
        packed = packer.pack(piece)
        if packed:
            yield packed
    yield packer.end()
