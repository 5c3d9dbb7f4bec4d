"""Recognising long-lived requests: event streams, and requests that wait for a change (long polling)."""

from urllib.parse import parse_qsl

from starlette.types import Scope

from app.api.http.negotiation import JSON, LONGEST, weight

EVENT_STREAM = "text/event-stream"


def is_stream(scope: Scope) -> bool:
    """Return whether a request is for an event stream or waits for a change.

    Only the change feed and imports have such responses. Elsewhere `wait` is refused and `Accept` chooses no stream.
    """
    path = scope["path"]
    if path == "/v1/changes":
        return _waits(scope["query_string"]) or wants_events(scope)
    return path.startswith("/v1/imports/") and (path.endswith("/events") or wants_events(scope))


def _waits(query: bytes) -> bool:
    return any(name == "wait" and value != "0" for name, value in parse_qsl(query.decode("latin-1")))


def wants_events(scope: Scope) -> bool:
    """Return whether a request prefers an event stream to JSON."""
    accept = ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")[:LONGEST]
    return bool(accept) and weight(accept, EVENT_STREAM) > weight(accept, JSON)
