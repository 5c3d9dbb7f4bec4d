"""The response of a stream of server-sent events (HTML Living Standard §9.2)."""

from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.api.http.conditional import NO_STORE
from app.api.http.stream_requests import EVENT_STREAM
from app.api.middleware.authentication import party_of
from app.api.services import service_of

HEARTBEAT = 15.0
"""Seconds after which a silent stream sends an empty comment, which shows that the connection is alive."""

HEADERS = {**NO_STORE, "x-accel-buffering": "no"}


def event_stream(request: Request, events: Callable[[str], AsyncIterator[bytes]]) -> Response:
    """Return the response that streams events, or only its head for HEAD.

    `events` takes the party that the stream counts for. Raise a `Problem` if that has too many open streams.
    """
    party = party_of(request.scope)
    service_of(request).open_streams.require_room(party)
    if request.scope.get("headers_only"):
        return Response(None, 200, HEADERS, EVENT_STREAM)
    return StreamingResponse(events(party), 200, HEADERS, EVENT_STREAM)
