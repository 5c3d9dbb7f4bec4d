"""What a client accepts (RFC 9110 §12.5): media types and content codings."""

import re
from collections.abc import Iterator
from functools import lru_cache

from starlette.requests import Request

from app.common.problems import Problem
from app.query.export_formats import FORMATS, formats_of
from app.records.fields import RecordType

JSON = "application/json"
TEXT = "text/plain"
NDJSON, ZIP = "application/x-ndjson", "application/zip"
_WEIGHT = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


def weighted(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        yield name, float(weight) if _WEIGHT.fullmatch(weight) else 0.0


def _specificity(range_: str) -> int:
    return 0 if range_ == "*/*" else 1 if range_.endswith("/*") else 2


LONGEST = 1000
"""Characters of a header that are looked at: no client needs more, and what was read is remembered."""


@lru_cache(maxsize=512)
def weight(header: str, media_type: str) -> tuple[float, int]:
    """How much a media type is wanted, and how exactly it is named."""
    ranges = {media_type, media_type.split("/")[0] + "/*", "*/*"}
    fitting = [(_specificity(name), weight) for name, weight in weighted(header) if name in ranges]
    exactness, wanted = max(fitting, default=(0, 0.0))
    return wanted, exactness


def accepts(header: str, media_type: str) -> bool:
    """Whether an `Accept` header allows a media type; its most specific range decides."""
    return not header.strip() or weight(header, media_type)[0] > 0


def accept_of(request: Request) -> str:
    """Several `Accept` lines are one list."""
    return ", ".join(request.headers.getlist("accept"))[:LONGEST]


def require(request: Request, *media_types: str) -> None:
    """Raises a `Problem` unless one of the media types can be sent."""
    if b"format=" in request.scope["query_string"]:
        return  # what the address says comes first
    header = accept_of(request)
    if not any(accepts(header, media_type) for media_type in media_types):
        raise Problem("not-acceptable", f"This can be sent as {' or '.join(media_types)}, not as {header[:200]!r}.")


def chosen(request: Request, type: RecordType, asked: str | None) -> str:
    """The format of an answer: the address's, else the one that `Accept` wants most, JSON where it is all the same."""
    if asked is not None:
        return asked
    header = accept_of(request)
    if not header or header == "*/*":
        return "json"
    known = formats_of(type)
    require(request, *(FORMATS[name].media_type for name in known))
    return max(known, key=lambda name: weight(header, FORMATS[name].media_type))
