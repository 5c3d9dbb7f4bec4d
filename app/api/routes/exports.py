"""Whole lists in a streamed representation over HTTP, which are spooled to disk."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import __version__
from app.api.http.byte_ranges import ByteRange, read_range
from app.api.http.conditional import Validators, headers_of, is_fresh, not_modified
from app.api.http.content_coding import CODINGS, Compressor, coding_of
from app.api.http.request_state import validators_at
from app.api.middleware.authentication import party_of
from app.api.representations import Representation
from app.api.services import service_of
from app.common.problems import Problem, invalid_parameter
from app.exports.production import Export, ExportSource
from app.exports.spool import ClientGone, Follower
from app.exports.stream import whole_list
from app.query import as_of_lists, pages
from app.query.pages import DatabaseState
from app.query.record_queries import ListQuery
from app.records.resource import Resource
from app.search.lists import Search

PIECE = 262_144
"""Bytes that are read from disk and sent at a time."""


async def answer_export(request: Request, resource: Resource, query: ListQuery, chosen: Representation) -> Response:
    """Answer with the whole list in a streamed representation, from its spool.

    Raise a `Problem`: 422 if the query asks for a page, 412 if `If-Match` names only other states of the list.
    """
    if query.position or any(name == "limit" for name, _ in query.parameters):
        raise invalid_parameter("limit", f"{chosen.name} is the whole list: limit and cursor have no place in it.")
    request.scope["bypass_cache"] = True  # it is on disk, and may be larger than any memory
    coding = coding_of(request.headers.get("accept-encoding", ""))
    source = await _source(request, resource, query, chosen, coding)
    validators = validators_at(source.state, request, chosen.name, permanent=source.permanent)
    require_match(request, validators, coding)
    if is_fresh(request, validators):
        return not_modified(request, validators)
    can_resume = query.words is None  # the order by relevance depends on how the index lies on disk now
    return ExportAnswer(request, source, resource.type, chosen, coding, can_resume=can_resume)


async def _source(
    request: Request, resource: Resource, query: ListQuery, chosen: Representation, coding: str | None
) -> ExportSource:
    """Return the source of an export and the state that it should follow from: the newest, or that of `as_of`."""
    service = service_of(request)
    if query.as_of is None:
        newest = await service.reader.look_up(pages.NOW)
        state, permanent = pages.certain(newest), False
    else:
        state, permanent = await service.reader.run(_past_state, resource, query)
    wanted = repr((__version__, query.asked, query.fields, query.include, query.raw, query.bom, chosen.name, coding))

    def key(state: DatabaseState) -> str:
        return blake2b(f"{wanted} {state}".encode(), digest_size=16).hexdigest()

    def make(connection: Connection) -> Export:
        return _export(connection, resource, query, service.search, chosen, coding)

    return ExportSource(state, permanent, key, make)


def _past_state(connection: Connection, resource: Resource, query: ListQuery) -> tuple[DatabaseState, bool]:
    past = as_of_lists.past_of(connection, resource, query, pages.now(connection))
    return past.state, past.permanent


def _export(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    search: Search,
    chosen: Representation,
    coding: str | None,
) -> Export:
    at = pages.now(connection)
    state, permanent = at, False
    if query.as_of is not None:
        query, state, permanent = as_of_lists.past_of(connection, resource, query, at)
    pieces = chosen.write(whole_list(connection, resource, query, at, search, chosen.embeds(resource)))
    return Export(state, permanent, _compressed(CODINGS[coding].compressor(), pieces) if coding else pieces)


def _compressed(compressor: Compressor, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.finish()


class ExportAnswer(Response):
    """The response to a request for an export: a 200 with all of it, or a 206 with one requested range.

    Sending begins as soon as the first bytes are on disk, with `Content-Length` if production has ended by then. A
    range is sent after production has ended, because `Content-Range` tells the length of the whole. If that takes
    longer than a read may take, the response is a 503 and production goes on, so that a later request gets the range.
    HEAD waits as long, and then answers without `Content-Length`.
    """

    def __init__(
        self,
        request: Request,
        source: ExportSource,
        name: str,
        chosen: Representation,
        coding: str | None,
        *,
        can_resume: bool,
    ) -> None:
        super().__init__()
        self._request, self._source, self._name, self._chosen = request, source, name, chosen
        self._coding, self._can_resume = coding, can_resume

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; raise `ExportBrokenOff` if it ends early, which makes the server close the connection."""
        service, party = service_of(self._request), party_of(scope)
        service.open_exports.require_room(party)
        with service.open_exports.opened(party), suppress(ClientGone):
            async with service.exports.follow(self._source, party) as follower:
                watching = asyncio.create_task(_leave_on_disconnect(receive, follower))
                try:
                    await self._answer(follower, send, service.exports.patience)
                finally:
                    watching.cancel()

    async def _answer(self, follower: Follower, send: Send, patience: float) -> None:
        await follower.begun()
        spool, headers_only = follower.spool, bool(self._request.scope.get("headers_only"))
        validators = validators_at(spool.state, self._request, self._chosen.name, permanent=spool.permanent)
        require_match(self._request, validators, self._coding)
        headers = self._headers_for(validators)
        wanted = None if headers_only or not self._can_resume else range_of(self._request, headers)
        if wanted or headers_only:
            await self._await_end(follower, patience, needed=wanted is not None)
        start, stop = 0, spool.size if spool.finished else None
        if wanted:
            start, stop = wanted.within(spool.size)
            headers["content-range"] = f"bytes {start}-{stop - 1}/{spool.size}"
        if stop is not None:
            headers["content-length"] = str(stop - start)
        await send({"type": "http.response.start", "status": 206 if wanted else 200, "headers": _raw(headers)})
        await _send_body(follower, send, start, start if headers_only else stop)

    async def _await_end(self, follower: Follower, patience: float, *, needed: bool) -> None:
        if await follower.finished(patience):
            return
        follower.spool.outlives_followers = True
        if needed:
            detail = "The whole export must be made before a part of it can be sent, which goes on."
            raise Problem("export-not-ready", detail, headers={"retry-after": "10"})

    def _headers_for(self, validators: Validators) -> dict[str, str]:
        media_type = self._chosen.media_type
        headers = headers_of(validators, self._coding) | self._chosen.disposition(self._name)
        headers["content-type"] = f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
        headers["accept-ranges"] = "bytes" if self._can_resume else "none"
        if self._coding:
            headers["content-encoding"] = self._coding
        return headers


def range_of(request: Request, headers: Mapping[str, str]) -> ByteRange | None:
    """Return the requested range, or None if there is none or `If-Range` names another state than the one to send.

    The entity tag must be the same, with its coding; a date must be exactly that of `Last-Modified` (RFC 9110 §13.1.5).
    """
    wanted = read_range(request.headers.get("range", ""))
    condition = request.headers.get("if-range")
    is_same = condition is None or condition.strip() in (headers["etag"], headers.get("last-modified"))
    return wanted if is_same else None


def require_match(request: Request, validators: Validators, coding: str | None) -> None:
    """Raise a `Problem` (412) if `If-Match` names only other representations (RFC 9110 §13.1.1)."""
    header = request.headers.get("if-match")
    if header is None:
        return
    etag = headers_of(validators, coding)["etag"]
    if not {"*", etag} & {tag.strip() for tag in header.split(",")}:
        raise Problem("precondition-failed", f"The list is another by now: its ETag is {etag}.")


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _leave_on_disconnect(receive: Receive, follower: Follower) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.leave()


async def _send_body(follower: Follower, send: Send, start: int, stop: int | None) -> None:
    """Send the bytes from `start` to `stop`, or to the end of the export if `stop` is None.

    `send` waits while the client takes nothing, so no more than two pieces are in memory.
    """
    offset, ended = start, False
    while not ended:
        size = PIECE if stop is None else min(PIECE, stop - offset)
        piece = await follower.read(offset, size) if size else b""
        offset += len(piece)
        ended = not piece or offset == stop
        await send({"type": "http.response.body", "body": piece, "more_body": not ended})
        await asyncio.sleep(0)  # `send` need not yield to other tasks if the client is fast
