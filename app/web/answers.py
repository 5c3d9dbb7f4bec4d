"""Finished answers: conditional requests (RFC 9110 §13), compression, and the headers all of them share."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.web.negotiation import JSON, LONGEST, accepts_gzip

SMALL = 800
"""Bytes that gain nothing from compression: they travel in one packet either way."""


class Validators(NamedTuple):
    etag: str
    modified: datetime | None


def headers_of(validators: Validators, *, gzipped: bool) -> dict[str, str]:
    headers = {
        "etag": f'"{validators.etag}-gzip"' if gzipped else f'"{validators.etag}"',
        "cache-control": "public, no-cache",
        "vary": "Accept, Accept-Encoding",
    }
    if validators.modified and datetime.now(UTC) - validators.modified > timedelta(seconds=1):
        # Younger than the clock's grain, a second change could go unseen (RFC 9110 §8.8.2.2).
        headers["last-modified"] = format_datetime(validators.modified, usegmt=True)
    return headers


def _named(header: str, etag: str) -> str | None:
    """The tag of the header that is this representation's, in whichever coding; `*` is any."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    ours = (tag for tag in tags if tag == "*" or tag.strip('"').removesuffix("-gzip") == etag)
    return next(ours, None)


def _unchanged_since(header: str, modified: datetime) -> bool:
    try:
        since = parsedate_to_datetime(header)
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        return modified.replace(microsecond=0) <= since
    except (ValueError, OverflowError, TypeError):
        return False


def is_fresh(request: Request, validators: Validators) -> bool:
    """Whether the client's copy is this one; a date counts only where no entity tag is given."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return _named(tags, validators.etag) is not None
    since = request.headers.get("if-modified-since")
    return bool(since and validators.modified and _unchanged_since(since, validators.modified))


def not_modified(request: Request, validators: Validators) -> Response:
    tag = _named(request.headers.get("if-none-match", ""), validators.etag) or ""
    return Response(None, 304, headers_of(validators, gzipped=tag.endswith('-gzip"')))


def compress(body: bytes) -> bytes:
    """Milliseconds of work for a long body."""
    return gzip.compress(body, 5, mtime=0)


compress_once = lru_cache(maxsize=32)(compress)
"""For the few bodies that stay the same while the process lives."""


def answer(
    request: Request,
    body: bytes,
    validators: Validators,
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
    kept: bool = False,
) -> Response:
    """A 200, or a 304 where the client has it already; `kept`: this body is sent again and again."""
    if is_fresh(request, validators):
        return not_modified(request, validators)
    gzipped = len(body) >= SMALL and accepts_gzip(request.headers.get("accept-encoding", "")[:LONGEST])
    all_headers = headers_of(validators, gzipped=gzipped) | dict(headers or {})
    if gzipped:
        all_headers["content-encoding"] = "gzip"
        body = compress_once(body) if kept else compress(body)
    return Response(body, 200, all_headers, media_type)
