"""What clients send: bounded, UTF-8, and JSON without anything that two readers could take for different things."""

import asyncio
from hashlib import sha256
from typing import IO, Any

from starlette.requests import ClientDisconnect, Request

from app.common.problems import Problem
from app.common.strict_json import DEEPEST, TooDeep, parse

JSON_TYPE = "application/json"
MERGE_PATCH = "application/merge-patch+json"
PIECE = 1 << 20


def require_type(request: Request, *known: str) -> str:
    """The media type of the content, one of those known; its charset, if given, UTF-8."""
    given = request.headers.get("content-type", "")
    media, *parameters = (part.strip().lower() for part in given.split(";"))
    charset = next(
        (part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")), "utf-8"
    )
    if media not in known or charset not in ("utf-8", "utf8") or "content-encoding" in request.headers:
        sent = " with ".join(filter(None, (given[:100], request.headers.get("content-encoding", "")[:20])))
        headers = {"accept-patch": MERGE_PATCH} if MERGE_PATCH in known else {}
        detail = (
            f"Send {' or '.join(known)} in UTF-8 and without a content coding, not {sent or 'content without a type'}."
        )
        raise Problem("unsupported-media-type", detail, headers=headers)
    return media


def too_large(most: int) -> Problem:
    return Problem("content-too-large", f"At most {most:,} bytes are read.", headers={"connection": "close"})


async def read_content(request: Request, most: int) -> bytes:
    """All of the content; stops reading where it becomes too much, whatever length was promised."""
    promised = request.headers.get("content-length", "")
    if promised.isdigit() and int(promised[:20]) > most:
        raise too_large(most)
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise too_large(most)
            pieces.append(piece)
    except ClientDisconnect:
        raise Problem("malformed-content", "The content ended before it was whole.") from None
    return b"".join(pieces)


async def receive(request: Request, most: int, file: IO[bytes]) -> str:
    """Writes what is sent to a file, a piece at a time, and returns its hash; stops where it becomes too much."""
    promised = request.headers.get("content-length", "")
    if promised.isdigit() and int(promised[:20]) > most:
        raise too_large(most)
    digest, size, gathered = sha256(), 0, bytearray()
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise too_large(most)
            gathered += piece
            if len(gathered) >= PIECE:
                await asyncio.to_thread(_write, file, digest, bytes(gathered))
                gathered.clear()
    except ClientDisconnect:
        raise Problem("malformed-content", "The content ended before it was whole.") from None
    await asyncio.to_thread(_write, file, digest, bytes(gathered))
    return digest.hexdigest()


def _write(file: IO[bytes], digest: Any, piece: bytes) -> None:
    file.write(piece)
    file.flush()
    digest.update(piece)


def parse_json(content: bytes) -> Any:
    """JSON as `strict_json` reads it; raises a `Problem`."""
    try:
        return parse(content)
    except TooDeep:
        raise Problem("malformed-content", f"The content is nested more than {DEEPEST} deep.") from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise Problem("malformed-content", f"The content is no JSON that can be read: {error}.") from None
