"""How many event streams and long polls are open, in all and for each address or key."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

from starlette.types import Scope

from app.errors import Problem
from app.web.negotiation import JSON, weight

EVENT_STREAM = "text/event-stream"


def is_stream(scope: Scope) -> bool:
    """Whether a request is for an event stream or waits for a change: its answer may come long after it, or never end.

    Only these addresses have such answers; what is written behind any other is refused there, and costs as it costs.
    """
    path = scope["path"]
    if path == "/v1/changes":
        return _waits(scope["query_string"]) or _wants_events(scope)
    return bool(path.startswith("/v1/imports/") and path.endswith("/events"))


def _waits(query: bytes) -> bool:
    names = (name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    return bool(query) and "wait" in names


def _wants_events(scope: Scope) -> bool:
    accept = ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
    return bool(accept) and weight(accept, EVENT_STREAM) > weight(accept, JSON)


class StreamLimits:
    """At most `most` open streams, and at most `most_of_party` of one address or key."""

    def __init__(self, most: int, most_of_party: int) -> None:
        self.most, self.most_of_party = most, most_of_party
        self._open: Counter[str] = Counter()

    def require_room(self, party: str) -> None:
        """Raise a `Problem` where one more stream of this party is too many."""
        if self._open[party] >= self.most_of_party:
            detail = f"At most {self.most_of_party} streams and requests that wait are open for one address or key."
            raise Problem("slow-down", detail, headers={"retry-after": "30"})
        if self._open.total() >= self.most:
            raise Problem("too-busy", "Too many streams are open already.", headers={"retry-after": "30"})

    @contextmanager
    def opened(self, party: str) -> Iterator[None]:
        """Count a stream of this party for as long as the block runs."""
        self._open[party] += 1
        try:
            yield
        finally:
            self._open[party] -= 1
            if not self._open[party]:
                del self._open[party]
