"""The change feed over HTTP: a page, a page that waits for a change (long polling), and server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE, answer_from_loop, next_link
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import query_string, unchanged, validators_at
from app.api.http.stream_requests import EVENT_STREAM, wants_events
from app.api.middleware.authentication import party_of
from app.api.middleware.client_address import address_of
from app.api.routes.event_streams import HEARTBEAT, event_stream
from app.api.services import Service, service_of
from app.common.problems import Problem
from app.history import changes as feed
from app.history.changes import Asked, Page, Position
from app.query import pages
from app.query.change_waiter import POLL_SECONDS
from app.query.pages import DatabaseState
from app.settings import PublicActors

AT_A_TIME = 200
"""Changes that a stream reads at a time."""


async def answer_changes(request: Request) -> Response:
    """Answer with a page of changes, or with a stream of events if the client prefers one."""
    require_acceptable(request, JSON, EVENT_STREAM)
    asked = feed.read_query(query_string(request))
    if wants_events(request.scope):
        return await _stream(request, asked)
    service = service_of(request)
    actors = service.settings.public_actors
    if not asked.wait:
        if response := await unchanged(request, actors):
            return response
        shown, at = await _read_page(service, asked.after, asked, asked.limit)
        links = next_link(asked.next_url(shown.next) if shown.next else None)
        validators = validators_at(at, request, actors=actors)
        return await answer_from_loop(request, feed.body_of(shown, asked, at), validators, headers=links)
    party = party_of(request.scope)
    service.open_streams.require_room(party)
    with service.open_streams.opened(party):
        shown, at = await _next_page(service, asked, address_of(request.scope))
    return Response(feed.body_of(shown, asked, at), 200, NO_STORE, JSON)


async def _next_page(service: Service, asked: Asked, address: str) -> tuple[Page, DatabaseState]:
    """Read the page that was asked for, again after each change of the database while it is empty and time is left.

    SQLite tells that something was written, and that may be a line of the audit, which no page shows.
    """
    deadline = time.monotonic() + asked.wait
    while True:
        token = await service.change_waiter.token()
        async with service.read_turns.turn(address):
            shown, at = await _read_page(service, asked.after, asked, asked.limit)
        left = deadline - time.monotonic()
        if shown.items or left <= 0 or not await service.change_waiter.changed(token, left):
            return shown, at
        if token is None:  # then every moment is taken for a change
            await asyncio.sleep(POLL_SECONDS)


async def _read_page(
    service: Service, after: Position | datetime, asked: Asked, limit: int
) -> tuple[Page, DatabaseState]:
    settings = service.settings
    return await service.reader.run(_page, after, asked, limit, settings.page_bytes, settings.public_actors)


def _page(
    connection: Connection,
    after: Position | datetime,
    asked: Asked,
    limit: int,
    most_bytes: int,
    actors: PublicActors,
) -> tuple[Page, DatabaseState]:
    at = pages.now(connection)
    start = _known_position(connection, after, at)
    return feed.page(connection, start, asked.types, limit, most_bytes, actors), at


def _known_position(connection: Connection, after: Position | datetime, at: DatabaseState) -> Position:
    """Return a position of this feed; raise a `Problem` (400) for a revision that the database has not reached.

    Such a revision is of another database or of one that was restored since: a reader who waited for it would miss all
    that comes until then.
    """
    position = feed.position(connection, after)
    if position.revision > at.revision:
        detail = f"Revision {position.revision} was not given here: the newest one is {at.revision}."
        raise Problem("malformed-request", detail)
    return position


def _check_position(connection: Connection, after: Position | datetime) -> None:
    _known_position(connection, after, pages.now(connection))


def _start_of(request: Request, asked: Asked) -> Position | datetime:
    """Return the position after which a stream starts: that of `Last-Event-ID`, or else that of the query."""
    last = request.headers.get("last-event-id")
    if last is None:
        return asked.after
    try:
        return feed.position_of(last)
    except ValueError:
        raise Problem("malformed-request", "The Last-Event-ID was not given here.") from None


async def _stream(request: Request, asked: Asked) -> Response:
    service, address, after = service_of(request), address_of(request.scope), _start_of(request, asked)
    await service.reader.run(_check_position, after)  # an error must be said before the stream begins
    return event_stream(request, lambda party: _events(service, party, address, after, asked))


async def _events(
    service: Service, party: str, address: str, after: Position | datetime, asked: Asked
) -> AsyncIterator[bytes]:
    """Yield changes as they come, until the client disconnects or the service ends."""
    waiter = service.change_waiter
    with service.open_streams.opened(party):
        yield b": changes as they come\n\n"
        while not waiter.stopped:
            token = await waiter.token()
            async with service.read_turns.turn(address):
                shown, _ = await _read_page(service, after, asked, AT_A_TIME)
            for body, after in shown.items:
                yield b"event: change\nid: %b\ndata: %b\n\n" % (str(after).encode(), body)
            if not shown.next and not await waiter.changed(token, HEARTBEAT):
                yield b":\n\n"
