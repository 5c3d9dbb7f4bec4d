"""The change feed over HTTP: pages, pages that wait, and a stream of server-sent events."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.api.http.conditional import answer_from_loop, is_fresh, not_modified
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import at_revision, query_string
from app.api.http.stream_requests import EVENT_STREAM, wants_events
from app.api.middleware.authentication import party_of
from app.api.middleware.client_address import address_of
from app.api.services import Service, service_of
from app.common.problems import Problem
from app.history import changes as feed
from app.history.changes import Asked, Page, Position
from app.query import pages as reading
from app.query.pages import Now
from app.settings import PublicActors

HEARTBEAT = 15.0
"""Seconds after which a silent stream says that it lives."""
AT_A_TIME = 200


async def answer_changes(request: Request) -> Response:
    require_acceptable(request, JSON, EVENT_STREAM)
    asked = feed.read_query(query_string(request))
    if wants_events(request.scope):
        return _stream(request, asked)
    service = service_of(request)
    actors = service.settings.public_actors
    if not asked.wait:
        now = await service.reader.look_up(reading.NOW)
        before = at_revision(reading.certain(now), request, actors=actors)
        if is_fresh(request, before):
            return not_modified(request, before)
        shown, at = await _read_page(service, asked.after, asked, asked.limit)
        links = {"link": f'<{asked.next_url(shown.next)}>; rel="next"'} if shown.next else {}
        validators = at_revision(at, request, actors=actors)
        return await answer_from_loop(request, feed.body_of(shown, asked, at), validators, headers=links)
    party = party_of(request.scope)
    service.open_streams.require_room(party)
    with service.open_streams.opened(party):
        shown, at = await _next_page(service, asked, address_of(request.scope))
    return Response(feed.body_of(shown, asked, at), 200, {"cache-control": "no-store"}, JSON)


async def _next_page(service: Service, asked: Asked, address: str) -> tuple[Page, Now]:
    """The page that was asked for; where it is empty, as it is after the next change or at the end of the wait."""
    token = await service.change_waiter.token()
    async with service.read_turns.turn(address):
        shown, at = await _read_page(service, asked.after, asked, asked.limit)
    if not shown.items and await service.change_waiter.changed(token, asked.wait):
        async with service.read_turns.turn(address):
            shown, at = await _read_page(service, asked.after, asked, asked.limit)
    return shown, at


async def _read_page(service: Service, after: Position | datetime, asked: Asked, limit: int) -> tuple[Page, Now]:
    settings = service.settings
    return await service.reader.run(_page, after, asked, limit, settings.page_bytes, settings.public_actors)


def _page(
    connection: Connection,
    after: Position | datetime,
    asked: Asked,
    limit: int,
    most_bytes: int,
    actors: PublicActors,
) -> tuple[Page, Now]:
    at = reading.now(connection)
    return feed.page(connection, feed.position(connection, after), asked.types, limit, most_bytes, actors), at


def _resumed(request: Request, asked: Asked) -> Position | datetime:
    last = request.headers.get("last-event-id")
    if last is None:
        return asked.after
    try:
        return feed.position_of(last)
    except ValueError:
        raise Problem("malformed-request", "The Last-Event-ID was not given here.") from None


def _stream(request: Request, asked: Asked) -> Response:
    service, after = service_of(request), _resumed(request, asked)
    party = party_of(request.scope)
    service.open_streams.require_room(party)
    told = {"cache-control": "no-store", "x-accel-buffering": "no"}
    if request.scope.get("headers_only"):
        return Response(None, 200, told, EVENT_STREAM)
    events = _events(service, party, address_of(request.scope), after, asked)
    return StreamingResponse(events, 200, told, EVENT_STREAM)


async def _events(
    service: Service, party: str, address: str, after: Position | datetime, asked: Asked
) -> AsyncIterator[bytes]:
    """Changes as they come, for as long as somebody listens."""
    watch = service.change_waiter
    with service.open_streams.opened(party):
        yield b": changes as they come\n\n"
        while not watch.stopped:
            token = await watch.token()
            async with service.read_turns.turn(address):
                shown, _ = await _read_page(service, after, asked, AT_A_TIME)
            for body, after in shown.items:
                yield b"event: change\nid: %b\ndata: %b\n\n" % (str(after).encode(), body)
            if not shown.next and not await watch.changed(token, HEARTBEAT):
                yield b":\n\n"
