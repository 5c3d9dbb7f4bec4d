"""The content of requests: bounded in bytes, in UTF-8, and JSON that no two parsers read differently."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import IO, Any

from starlette.requests import ClientDisconnect, Request

from app.common.problems import Problem
from app.common.strict_json import DEEPEST, TooDeep, parse

MERGE_PATCH = "application/merge-patch+json"
PIECE = 1 << 20
"""Bytes that are gathered before they are written to a file."""


def require_type(request: Request, *known: str) -> str:
    """Return the media type of a request's content; raise a `Problem` (415) unless it is a known one in UTF-8."""
    content_type = request.headers.get("content-type", "")
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charset = next(
        (part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")), "utf-8"
    )
    if media not in known or charset not in ("utf-8", "utf8") or "content-encoding" in request.headers:
        sent = " with ".join(filter(None, (content_type[:100], request.headers.get("content-encoding", "")[:20])))
        headers = {"accept-patch": MERGE_PATCH} if MERGE_PATCH in known else {}
        detail = (
            f"Send {' or '.join(known)} in UTF-8 and without a content coding, not {sent or 'content without a type'}."
        )
        raise Problem("unsupported-media-type", detail, headers=headers)
    return media


def _too_large(most: int) -> Problem:
    return Problem("content-too-large", f"At most {most:,} bytes are read.", headers={"connection": "close"})


async def _pieces(request: Request, most: int) -> AsyncIterator[bytes]:
    """Yield the content as it comes; raise a `Problem` (413) if it has more bytes, by its header or in fact."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > most:
        raise _too_large(most)
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise _too_large(most)
            yield piece
    except ClientDisconnect:
        raise Problem("malformed-content", "The content ended before it was whole.") from None


async def read_content(request: Request, most: int) -> bytes:
    """Return the whole content; raise a `Problem` if it has more than `most` bytes or ends early."""
    return b"".join([piece async for piece in _pieces(request, most)])


async def receive(request: Request, most: int, file: IO[bytes]) -> str:
    """Write the content to a file and return its SHA-256; raise a `Problem` as `read_content` does."""
    digest, buffer = sha256(), bytearray()
    async for piece in _pieces(request, most):
        buffer += piece
        if len(buffer) >= PIECE:
            await asyncio.to_thread(_write, file, digest, bytes(buffer))
            buffer.clear()
    await asyncio.to_thread(_write, file, digest, bytes(buffer))
    return digest.hexdigest()


def _write(file: IO[bytes], digest: Any, piece: bytes) -> None:
    file.write(piece)
    file.flush()
    digest.update(piece)


def parse_json(content: bytes) -> Any:
    """Return content parsed by `app.common.strict_json`; raise a `Problem` (400) if it cannot be."""
    try:
        return parse(content)
    except TooDeep:
        raise Problem("malformed-content", f"The content is nested more than {DEEPEST} deep.") from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise Problem("malformed-content", f"The content is no JSON that can be read: {error}.") from None
