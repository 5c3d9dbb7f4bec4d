"""Finished answers: conditional requests (RFC 9110 §13), compression, and the headers all of them share."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.web.negotiation import JSON, accepts_gzip

SMALL = 800
"""Bytes that gain nothing from compression: they travel in one packet either way."""


class Validators(NamedTuple):
    etag: str
    modified: datetime | None


def _headers(validators: Validators, *, gzipped: bool) -> dict[str, str]:
    headers = {
        "etag": f'"{validators.etag}-gzip"' if gzipped else f'"{validators.etag}"',
        "cache-control": "public, no-cache",
        "vary": "Accept, Accept-Encoding",
    }
    if validators.modified and datetime.now(UTC) - validators.modified > timedelta(seconds=1):
        # Younger than the clock's grain, a second change could go unseen (RFC 9110 §8.8.2.2).
        headers["last-modified"] = format_datetime(validators.modified, usegmt=True)
    return headers


def _names(header: str, etag: str) -> bool:
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.split(","))
    return any(tag == "*" or tag.removesuffix("-gzip") == etag for tag in tags)


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
        return _names(tags, validators.etag)
    since = request.headers.get("if-modified-since")
    return bool(since and validators.modified and _unchanged_since(since, validators.modified))


def not_modified(request: Request, validators: Validators) -> Response:
    return Response(None, 304, _headers(validators, gzipped="-gzip" in request.headers.get("if-none-match", "")))


def compressed(request: Request, body: bytes) -> tuple[bytes, bool]:
    """The body as it travels, and whether it is gzipped; milliseconds of work for a long one."""
    if len(body) < SMALL or not accepts_gzip(request.headers.get("accept-encoding", "")):
        return body, False
    return gzip.compress(body, 5, mtime=0), True


def answer(
    request: Request,
    body: tuple[bytes, bool],
    validators: Validators,
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A 200, or a 304 where the client has it already; `body` comes from `compressed`."""
    if is_fresh(request, validators):
        return not_modified(request, validators)
    content, gzipped = body
    all_headers = _headers(validators, gzipped=gzipped) | dict(headers or {})
    if gzipped:
        all_headers["content-encoding"] = "gzip"
    return Response(content, 200, all_headers, media_type)
