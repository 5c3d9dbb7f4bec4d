"""Imports as they are now: one, a list, and the numbers of one as they move."""

import asyncio
import re
from collections.abc import AsyncIterator
from hashlib import blake2b

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import query_string
from app.api.http.stream_requests import EVENT_STREAM, wants_events
from app.api.middleware.authentication import party_of, require_role
from app.api.openapi.imports import CURSOR_KIND
from app.api.routes.changes import HEARTBEAT
from app.api.services import Service, service_of
from app.common.problems import Problem
from app.common.suggestions import nearest
from app.jobs import status as records
from app.jobs import views as seeing
from app.jobs.queue import Folder
from app.jobs.schemas import ImportOut, ImportPage, ImportSummary
from app.jobs.views import Seen
from app.query.keyset import read_cursor, write_cursor
from app.query.parameters import DEFAULT_LIMIT, Parameters, read_limit, read_no_query

NO_STORE = {"cache-control": "no-store"}
EVERY = 0.25
"""Seconds between looks at an import that somebody follows."""


_EVENT_ID = re.compile(r"[0-9a-f]{16}")


def body_of(shown: ImportOut) -> bytes:
    return shown.model_dump_json().encode()


def _missing(id: str, near: list[str]) -> Problem:
    fault = {"pointer": "", "detail": f"There is no import {id!r}.", "nearest": near}
    return Problem("not-found", str(fault["detail"]), errors=[fault])


async def seen(service: Service, id: str) -> Seen:
    """An import as it is now; raises a `Problem` where there is none."""
    folder = service.imports.folder
    shown = await asyncio.to_thread(seeing.look, folder, id) if _may_be_id(id) else None
    row = await service.reader.run(records.one, id)
    place = await asyncio.to_thread(folder.place) if row and shown is None else ""
    found = seeing.choose(shown, row, place)
    if found is None:
        known = await asyncio.to_thread(folder.ids)
        raise _missing(id, [f"/v1/imports/{other}" for other in nearest(id, known)])
    return found


LONGEST_ID = 40


def _may_be_id(id: str) -> bool:
    """Nothing else becomes a path."""
    return id.isascii() and id.isalnum() and len(id) <= LONGEST_ID


def _begin(request: Request, *media: str) -> str:
    require_role(request, "admin")
    require_acceptable(request, *media)
    read_no_query(query_string(request))
    return str(request.path_params["id"])


async def answer_one(request: Request) -> Response:
    id = _begin(request, JSON, EVENT_STREAM)
    found = await seen(service_of(request), id)
    if wants_events(request.scope):
        return _followed(request, found)
    return Response(body_of(found.shown), 200, NO_STORE, JSON)


async def answer_events(request: Request) -> Response:
    id = _begin(request, EVENT_STREAM)
    return _followed(request, await seen(service_of(request), id))


def _position(value: str) -> str:
    position = read_cursor(CURSOR_KIND, value)
    if len(position) != 1 or type(position[0]) is not str or not _may_be_id(position[0]):
        raise Problem("bad-cursor", "The cursor cannot be used: it was not made here.")
    return position[0]


def _opens(folder: Folder) -> dict[str, ImportOut]:
    return {run.ordered.id: seeing.of_open(folder, run, whole=False) for run in folder.runs()}


def _page(connection: Connection, limit: int, before: str | None, opens: dict[str, ImportOut]) -> bytes:
    items, total = seeing.page(connection, before, limit, opens)
    more = len(items) > limit > 0
    cursor = write_cursor(CURSOR_KIND, (items[limit - 1].id,)) if more else ""
    next = f"/v1/imports?limit={limit}&cursor={cursor}" if more else None
    shown = [ImportSummary.model_validate(item.model_dump()) for item in items[:limit]]
    return ImportPage(items=shown, total=total, next=next).model_dump_json().encode()


async def answer_list(request: Request) -> Response:
    require_role(request, "admin")
    require_acceptable(request, JSON)
    parameters = Parameters(query_string(request), ["limit", "cursor"])
    limit = parameters.read("limit", read_limit, DEFAULT_LIMIT)
    before = parameters.read("cursor", _position, None)
    parameters.end()
    service = service_of(request)
    opens = await asyncio.to_thread(_opens, service.imports.folder)  # before the rows: see `seeing.look`
    return Response(await service.reader.run(_page, limit, before, opens), 200, NO_STORE, JSON)


def _event_id(shown: ImportOut) -> str:
    return blake2b(body_of(shown), digest_size=8).hexdigest()


def _last_seen(request: Request) -> str | None:
    last = request.headers.get("last-event-id")
    if last is not None and not _EVENT_ID.fullmatch(last):
        raise Problem("malformed-request", "The Last-Event-ID was not given here.")
    return last


def _followed(request: Request, found: Seen) -> Response:
    """Who has been told of the end is not told again: a 204 keeps an `EventSource` from coming back."""
    service, last = service_of(request), _last_seen(request)
    if found.shown.is_over and last == _event_id(found.shown):
        return Response(None, 204, NO_STORE)
    party = party_of(request.scope)
    service.open_streams.require_room(party)
    told = {**NO_STORE, "x-accel-buffering": "no"}
    if request.scope.get("headers_only"):
        return Response(None, 200, told, EVENT_STREAM)
    return StreamingResponse(_events(service, party, found.shown, last), 200, told, EVENT_STREAM)


async def _events(service: Service, party: str, shown: ImportOut, last: str | None) -> AsyncIterator[bytes]:
    """The import each time that it has changed, until it is over."""
    loop, watch = asyncio.get_running_loop(), service.change_waiter
    with service.open_streams.opened(party):
        silent_since = loop.time()
        while True:
            if (id := _event_id(shown)) != last:
                last, silent_since = id, loop.time()
                yield b"event: import\nid: %b\ndata: %b\n\n" % (id.encode(), body_of(shown))
            if shown.is_over or watch.stopped:
                return
            if loop.time() - silent_since > HEARTBEAT:
                silent_since = loop.time()
                yield b":\n\n"
            await asyncio.sleep(EVERY)
            shown = (await seen(service, shown.id)).shown
