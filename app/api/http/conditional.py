"""Responses to GET: validators and conditional requests (RFC 9110 §8.8 and §13), compression, shared headers."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache, partial
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.content_coding import CODINGS, coding_of
from app.api.http.negotiation import JSON

SMALL = 800
"""Bodies of fewer bytes are not compressed: they travel in one packet either way."""

IN_PLACE = 65_536
"""The most bytes that are compressed on the event loop: that takes some 4 ms, during which nothing else runs."""

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


class Validators(NamedTuple):
    """The validators of a representation: an entity tag without quotes, and the date for `Last-Modified`."""

    etag: str
    modified: datetime | None
    permanent: bool = False
    """Whether the representation never changes, so that caches need not revalidate it."""


NO_STORE = {"cache-control": "no-store"}
REVALIDATED, IMMUTABLE = "public, no-cache", "public, max-age=31536000, immutable"


def headers_of(validators: Validators, coding: str | None) -> dict[str, str]:
    """Return the headers of a 200 or a 304. Each content coding has an entity tag of its own (RFC 9110 §8.8.3.3)."""
    headers = {
        "etag": f'"{validators.etag}-{coding}"' if coding else f'"{validators.etag}"',
        "cache-control": IMMUTABLE if validators.permanent else REVALIDATED,
        "vary": "Accept, Accept-Encoding",
    }
    if validators.modified and datetime.now(UTC) - validators.modified > _SECOND:
        # Another change within the same second would have the same date (RFC 9110 §8.8.2.2).
        headers["last-modified"] = _http_date(validators.modified)
    return headers


_CODED = re.compile(f'"(.*?)(?:-({"|".join(CODINGS)}))?"')
"""An entity tag, and the content coding that `headers_of` appends to it."""


def _matching_coding(header: str, etag: str) -> str | None:
    """Return the coding of the entity tag in a list that matches, `""` for no coding; None if no tag matches."""
    for tag in header.split(","):
        found = _CODED.fullmatch(tag.strip().removeprefix("W/"))
        if tag.strip() == "*" or (found and found[1] == etag):
            return (found[2] if found else None) or ""
    return None


def etags_of(header: str) -> frozenset[str]:
    """Return the entity tags in a list, without quotes, `W/` and content codings.

    RFC 9110 §13.1.1 compares `If-Match` strongly, by which a weak tag never matches. Proxies that compress weaken the
    tags of what they pass on, though, and a tag of ours is one of the content, not of its coding: `W/` is dropped.
    """
    found = (_CODED.fullmatch(tag.strip().removeprefix("W/")) for tag in header.split(","))
    return frozenset(tag[1] for tag in found if tag)


def _unchanged_since(header: str, modified: datetime) -> bool:
    try:
        since = parsedate_to_datetime(header)
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        return modified.replace(microsecond=0) <= since
    except (ValueError, OverflowError, TypeError):
        return False


def is_fresh(request: Request, validators: Validators) -> bool:
    """Return whether the client's copy is current. `If-Modified-Since` counts only without `If-None-Match`."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return _matching_coding(tags, validators.etag) is not None
    since = request.headers.get("if-modified-since")
    return bool(since and validators.modified and _unchanged_since(since, validators.modified))


def not_modified(request: Request, validators: Validators) -> Response:
    """Return a 304 with the validators of the coding that the client has."""
    coding = _matching_coding(request.headers.get("if-none-match", ""), validators.etag)
    return Response(None, 304, headers_of(validators, coding or None))


@lru_cache(maxsize=64)
def compress_once(coding: str, body: bytes) -> bytes:
    """Compress one of the few bodies that stay the same while the process lives, and remember the result."""
    return CODINGS[coding].compress(body)


def answer(
    request: Request,
    body: bytes,
    validators: Validators,
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
    static: bool = False,
) -> Response:
    """Return a 200 with a body, compressed if the client accepts it, or a 304 if the client has it already.

    `static` marks a body that never changes, which is compressed only once.
    """
    if is_fresh(request, validators):
        return not_modified(request, validators)
    coding = coding_of(request.headers.get("accept-encoding", "")) if len(body) >= SMALL else None
    all_headers = headers_of(validators, coding) | dict(headers or {})
    if coding:
        all_headers["content-encoding"] = coding
        body = compress_once(coding, body) if static else CODINGS[coding].compress(body)
    return Response(body, 200, all_headers, media_type)


def next_link(url: str | None) -> dict[str, str]:
    """Return the `Link` header of a page that has a next one (RFC 8288), or no header."""
    return {"link": f'<{url}>; rel="next"'} if url else {}


async def answer_from_loop(
    request: Request,
    body: bytes,
    validators: Validators,
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the same as `answer`, for callers on the event loop: a large body is compressed in a thread."""
    make = partial(answer, request, body, validators, media_type=media_type, headers=headers)
    if len(body) <= IN_PLACE or coding_of(request.headers.get("accept-encoding", "")) is None:
        return make()
    return await asyncio.to_thread(make)
