"""Finished answers: conditional requests (RFC 9110 §13), compression, and the headers all of them share."""

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
"""Bytes that gain nothing from compression: they travel in one packet either way."""


IN_PLACE = 65_536
"""Bytes of a body that are compressed on the event loop: some 4 ms, during which nobody else is answered."""

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


class Validators(NamedTuple):
    etag: str
    modified: datetime | None
    permanent: bool = False
    """No later change can make it another."""


CHECKED, FOR_EVER = "public, no-cache", "public, max-age=31536000, immutable"


def headers_of(validators: Validators, coding: str | None) -> dict[str, str]:
    """Each coding of a representation has an entity tag of its own."""
    headers = {
        "etag": f'"{validators.etag}-{coding}"' if coding else f'"{validators.etag}"',
        "cache-control": FOR_EVER if validators.permanent else CHECKED,
        "vary": "Accept, Accept-Encoding",
    }
    if validators.modified and datetime.now(UTC) - validators.modified > _SECOND:
        # Younger than the clock's grain, a second change could go unseen (RFC 9110 §8.8.2.2).
        headers["last-modified"] = _http_date(validators.modified)
    return headers


_CODED = re.compile(f'"(.*?)(?:-({"|".join(CODINGS)}))?"')


def _named(header: str, etag: str) -> str | None:
    """The coding in which the header names this representation, `""` for none; `None` if it names others only."""
    for tag in header.split(","):
        found = _CODED.fullmatch(tag.strip().removeprefix("W/"))
        if tag.strip() == "*" or (found and found[1] == etag):
            return (found[2] if found else None) or ""
    return None


def tags_of(header: str) -> frozenset[str]:
    """The representations that strong entity tags name, in whatever coding they were sent."""
    found = (_CODED.fullmatch(tag.strip()) for tag in header.split(","))
    return frozenset(tag[1] for tag in found if tag)


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
    coding = _named(request.headers.get("if-none-match", ""), validators.etag)
    return Response(None, 304, headers_of(validators, coding or None))


@lru_cache(maxsize=64)
def compress_once(coding: str, body: bytes) -> bytes:
    """For the few bodies that stay the same while the process lives."""
    return CODINGS[coding].compress(body)


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
    coding = coding_of(request.headers.get("accept-encoding", "")) if len(body) >= SMALL else None
    all_headers = headers_of(validators, coding) | dict(headers or {})
    if coding:
        all_headers["content-encoding"] = coding
        body = compress_once(coding, body) if kept else CODINGS[coding].compress(body)
    return Response(body, 200, all_headers, media_type)


async def answer_from_loop(
    request: Request,
    body: bytes,
    validators: Validators,
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The same as `answer` for callers on the event loop: a large body is compressed on a thread beside it."""
    make = partial(answer, request, body, validators, media_type=media_type, headers=headers)
    if len(body) <= IN_PLACE or coding_of(request.headers.get("accept-encoding", "")) is None:
        return make()
    return await asyncio.to_thread(make)
