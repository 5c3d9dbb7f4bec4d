"""The change feed over HTTP: pages, pages that wait, and a stream of server-sent events."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app import reading
from app.access.pseudonyms import PublicActors
from app.errors import Problem
from app.feed import service as feed
from app.feed.service import PATH, Asked, Page, Position
from app.paging import write_cursor
from app.query import TYPES
from app.reading import Now
from app.web.access import party_of
from app.web.answers import answer_from_loop, is_fresh, not_modified
from app.web.client_address import address_of
from app.web.negotiation import JSON, require
from app.web.operations import operation, problems, success
from app.web.parameters import PAGE_END
from app.web.service import Service, service_of
from app.web.state import at_revision, query_string
from app.web.stream_requests import EVENT_STREAM, wants_events

HEARTBEAT = 15.0
"""Seconds after which a silent stream says that it lives."""
AT_A_TIME = 200

CURSOR = write_cursor(feed.read_query("").asked, (1, "studies", "preempt-1"))

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable")


def _parameter(name: str, description: str, schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def changes_operation() -> dict[str, Any]:
    types = "|".join(TYPES)
    parameters = [
        _parameter(
            "since",
            "The last revision that you have, or a date or moment as `as_of` takes it: only later changes are told. "
            "0: all there ever were.",
            {"type": "string", "pattern": "^([0-9]{1,9}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$", "default": "0"},
            "0",
        ),
        _parameter(
            "type",
            "Record types, comma-separated; all of them unless said.",
            {"type": "string", "pattern": f"^({types})(,({types}))*$"},
            "studies,publications",
        ),
        _parameter(
            "limit",
            f"Changes a page. {PAGE_END}",
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": feed.DEFAULT_LIMIT},
            2,
        ),
        _parameter(
            "wait",
            "Seconds to wait for a change where there is none yet.",
            {"type": "integer", "minimum": 0, "maximum": feed.LONGEST_WAIT, "default": 0},
            0,
        ),
        _parameter("cursor", "From `next`; belongs to its query.", {"type": "string", "minLength": 1}, CURSOR),
        _parameter("format", "The format of the answer.", {"type": "string", "enum": ["json"]}, "json"),
    ]
    stream = {
        EVENT_STREAM: {"schema": {"type": "string", "description": "`event: change`, `id:` and `data:` of each."}}
    }
    answers = success(
        {"$ref": "#/components/schemas/ChangePage"},
        "Link",
        example=f"GET {PATH}",
        description="Changes, oldest first. `revision` is what to ask `since` for when `next` is null.",
        others=stream,
    )
    made = operation(
        "list_changes",
        "Follow all changes",
        "Every version of every record, in the order in which they came to be: complete, and to be resumed anywhere. "
        "With `wait` an empty page waits for a change; with `Accept: text/event-stream` changes are streamed as they "
        "come, and `Last-Event-ID` resumes.",
        parameters,
        answers | problems(*PROBLEMS),
    )
    return made


async def answer_changes(request: Request) -> Response:
    require(request, JSON, EVENT_STREAM)
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
    service.streams.require_room(party)
    with service.streams.opened(party):
        shown, at = await _next_page(service, asked, address_of(request.scope))
    return Response(feed.body_of(shown, asked, at), 200, {"cache-control": "no-store"}, JSON)


async def _next_page(service: Service, asked: Asked, address: str) -> tuple[Page, Now]:
    """The page that was asked for; where it is empty, as it is after the next change or at the end of the wait."""
    token = await service.watch.token()
    async with service.turns.turn(address):
        shown, at = await _read_page(service, asked.after, asked, asked.limit)
    if not shown.items and await service.watch.changed(token, asked.wait):
        async with service.turns.turn(address):
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
    service.streams.require_room(party)
    told = {"cache-control": "no-store", "x-accel-buffering": "no"}
    if request.scope.get("headers_only"):
        return Response(None, 200, told, EVENT_STREAM)
    events = _events(service, party, address_of(request.scope), after, asked)
    return StreamingResponse(events, 200, told, EVENT_STREAM)


async def _events(
    service: Service, party: str, address: str, after: Position | datetime, asked: Asked
) -> AsyncIterator[bytes]:
    """Changes as they come, for as long as somebody listens."""
    watch = service.watch
    with service.streams.opened(party):
        yield b": changes as they come\n\n"
        while not watch.stopped:
            token = await watch.token()
            async with service.turns.turn(address):
                shown, _ = await _read_page(service, after, asked, AT_A_TIME)
            for body, after in shown.items:
                yield b"event: change\nid: %b\ndata: %b\n\n" % (str(after).encode(), body)
            if not shown.next and not await watch.changed(token, HEARTBEAT):
                yield b":\n\n"


CHANGE: dict[str, Any] = {
    "type": "object",
    "required": ["revision", "at", "actor", "reason", "type", "id", "version", "change", "fields", "href"],
    "properties": {
        "revision": {"type": "integer", "description": "All changes of one revision came at once."},
        "at": {"type": "string", "format": "date-time"},
        "actor": {
            "type": "string",
            "description": "Whose key it was, by its name or by a pseudonym that stands for it.",
        },
        "reason": {"type": "string"},
        "type": {"type": "string", "enum": list(TYPES)},
        "id": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "change": {
            "type": "string",
            "enum": ["created", "updated", "refreshed", "deleted", "restored"],
            "description": "`refreshed`: a record that this one shows has changed. `deleted`: a tombstone.",
        },
        "fields": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "Fields of the document that differ from the version before; null where it is new or gone.",
        },
        "href": {"type": "string", "description": "Path of this version."},
    },
}
CHANGE_PAGE: dict[str, Any] = {
    "type": "object",
    "required": ["items", "next", "revision"],
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
        "next": {"type": ["string", "null"], "description": "Path of the next page; null on the last."},
        "revision": {"type": "integer", "description": "All changes up to this one are told when `next` is null."},
    },
}
