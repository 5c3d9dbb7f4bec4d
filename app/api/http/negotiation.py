"""Content negotiation (RFC 9110 §12): the weights of `Accept` and `Accept-Encoding`, and choosing a representation."""

import re
from collections.abc import Iterator
from functools import lru_cache

from starlette.requests import Request

from app.api import representations
from app.api.representations import REPRESENTATIONS, QuestionKind, Representation
from app.common.problems import Problem
from app.records.vocabularies import RecordType

JSON = "application/json"
TEXT = "text/plain"
NDJSON, ZIP = "application/x-ndjson", "application/zip"
_WEIGHT = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


def read_weights(header: str) -> Iterator[tuple[str, float]]:
    """Yield each member of a header with its weight (RFC 9110 §12.4.2); a malformed weight counts as 0."""
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        yield name, float(weight) if _WEIGHT.fullmatch(weight) else 0.0


def _specificity(range_: str) -> int:
    return 0 if range_ == "*/*" else 1 if range_.endswith("/*") else 2


LONGEST = 1000
"""The most characters of a header that are read: no client needs more, and the results are cached."""


@lru_cache(maxsize=512)
def weight(header: str, media_type: str) -> tuple[float, int]:
    """Return the weight of a media type in an `Accept` header, and the specificity (0 to 2) of the range it is from."""
    ranges = {media_type, media_type.split("/")[0] + "/*", "*/*"}
    matching = [(_specificity(name), weight) for name, weight in read_weights(header) if name in ranges]
    specificity, weight = max(matching, default=(0, 0.0))
    return weight, specificity


def accepts(header: str, media_type: str) -> bool:
    """Return whether an `Accept` header allows a media type; the most specific matching range decides."""
    return not header.strip() or weight(header, media_type)[0] > 0


def accept_of(request: Request) -> str:
    """Return the value of `Accept`; several header lines are one list."""
    return ", ".join(request.headers.getlist("accept"))[:LONGEST]


def require_acceptable(request: Request, *media_types: str) -> None:
    """Raise a `Problem` (406) unless the client accepts one of the media types; `format=` overrides `Accept`."""
    if b"format=" in request.scope["query_string"]:
        return
    header = accept_of(request)
    if not any(accepts(header, media_type) for media_type in media_types):
        raise Problem("not-acceptable", f"This can be sent as {' or '.join(media_types)}, not as {header[:200]!r}.")


def negotiate(request: Request, kind: QuestionKind, type: RecordType | None, requested: str | None) -> Representation:
    """Return the representation of a response: that of `format=`, else the one with the highest weight in `Accept`.

    Among equal weights JSON comes first. Raise a `Problem` (406) if none is accepted.
    """
    if requested is not None:
        return REPRESENTATIONS[requested]
    header = accept_of(request)
    if not header or header == "*/*":
        return representations.JSON
    known = representations.representations_of(kind, type)
    require_acceptable(request, *(one.media_type for one in known))
    return max(known, key=lambda one: weight(header, one.media_type))
