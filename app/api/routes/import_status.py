"""The status of imports over HTTP: one import, the list, and a stream of one import's changes."""

import asyncio
import re
from collections.abc import AsyncIterator
from hashlib import blake2b

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.stream_requests import EVENT_STREAM, wants_events
from app.api.middleware.authentication import require_role
from app.api.openapi.imports import CURSOR_KIND
from app.api.routes.admin_requests import begin_request, cursor_position, foreign_cursor, read_page_query
from app.api.routes.event_streams import HEARTBEAT, event_stream
from app.api.services import Service, service_of
from app.common.problems import Problem, not_found
from app.common.suggestions import nearest
from app.jobs import status as import_rows
from app.jobs import views
from app.jobs.queue import QueueFolder
from app.jobs.schemas import ImportOut, ImportPage, ImportSummary
from app.jobs.views import ImportView
from app.query.keyset import write_cursor

EVERY = 0.25
"""Seconds between two looks at an import that a client follows."""

_EVENT_ID = re.compile(r"[0-9a-f]{16}")


def body_of(shown: ImportOut) -> bytes:
    """Return an import as JSON."""
    return shown.model_dump_json().encode()


async def find_import(service: Service, id: str) -> ImportView:
    """Return an import as it is now; raise a `Problem` (404) if there is none."""
    folder = service.jobs.folder
    shown = await asyncio.to_thread(views.find_open, folder, id) if _may_be_id(id) else None
    row = await service.reader.run(import_rows.one, id)
    place = await asyncio.to_thread(folder.place) if row and shown is None else ""
    found = views.choose(shown, row, place)
    if found is None:
        known = await asyncio.to_thread(folder.ids)
        raise not_found(f"There is no import {id!r}.", [f"/v1/imports/{other}" for other in nearest(id, known)])
    return found


LONGEST_ID = 40


def _may_be_id(id: str) -> bool:
    """Return whether a text may be an id; no other text is used in the path of a file."""
    return id.isascii() and id.isalnum() and len(id) <= LONGEST_ID


async def answer_one(request: Request) -> Response:
    """Answer with one import, or with a stream of events if the client prefers one."""
    begin_request(request, JSON, EVENT_STREAM)
    found = await find_import(service_of(request), request.path_params["id"])
    if wants_events(request.scope):
        return _stream(request, found.shown)
    return Response(body_of(found.shown), 200, NO_STORE, JSON)


async def answer_events(request: Request) -> Response:
    """Answer with a stream of one import's changes."""
    begin_request(request, EVENT_STREAM)
    found = await find_import(service_of(request), request.path_params["id"])
    return _stream(request, found.shown)


def _position(value: str) -> str:
    position = cursor_position(CURSOR_KIND, value, str)
    if not _may_be_id(position):
        raise foreign_cursor()
    return position


def _opens(folder: QueueFolder) -> dict[str, ImportOut]:
    return {run.request.id: views.of_open(folder, run, with_report=False) for run in folder.runs()}


def _page(connection: Connection, limit: int, before: str | None, opens: dict[str, ImportOut]) -> bytes:
    items, total = views.page(connection, before, limit, opens)
    more = len(items) > limit > 0
    cursor = write_cursor(CURSOR_KIND, (items[limit - 1].id,)) if more else ""
    next = f"/v1/imports?limit={limit}&cursor={cursor}" if more else None
    shown = [ImportSummary.model_validate(item.model_dump()) for item in items[:limit]]
    return ImportPage(items=shown, total=total, next=next).model_dump_json().encode()


async def answer_list(request: Request) -> Response:
    """Answer with a page of imports, the newest first."""
    require_role(request, "admin")
    require_acceptable(request, JSON)
    limit, before = read_page_query(request, _position)
    service = service_of(request)
    opens = await asyncio.to_thread(_opens, service.jobs.folder)  # before the rows: see `views.find_open`
    return Response(await service.reader.run(_page, limit, before, opens), 200, NO_STORE, JSON)


def _event_id(shown: ImportOut) -> str:
    return blake2b(body_of(shown), digest_size=8).hexdigest()


def _last_seen(request: Request) -> str | None:
    last = request.headers.get("last-event-id")
    if last is not None and not _EVENT_ID.fullmatch(last):
        raise Problem("malformed-request", "The Last-Event-ID was not given here.")
    return last


def _stream(request: Request, shown: ImportOut) -> Response:
    """Answer with an import's changes. A client that has seen the last one gets a 204, which tells an `EventSource` not
    to reconnect."""
    service, last = service_of(request), _last_seen(request)
    if shown.is_over and last == _event_id(shown):
        return Response(None, 204, NO_STORE)
    return event_stream(request, lambda party: _events(service, party, shown, last))


async def _events(service: Service, party: str, shown: ImportOut, last: str | None) -> AsyncIterator[bytes]:
    """Yield an import whenever it has changed, until it is over or the service ends."""
    loop, waiter = asyncio.get_running_loop(), service.change_waiter
    with service.open_streams.opened(party):
        silent_since = loop.time()
        while True:
            if (id := _event_id(shown)) != last:
                last, silent_since = id, loop.time()
                yield b"event: import\nid: %b\ndata: %b\n\n" % (id.encode(), body_of(shown))
            if shown.is_over or waiter.stopped:
                return
            if loop.time() - silent_since > HEARTBEAT:
                silent_since = loop.time()
                yield b":\n\n"
            await asyncio.sleep(EVERY)
            shown = (await find_import(service, shown.id)).shown
