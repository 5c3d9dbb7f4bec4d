"""Checks that an answer is of the type that was requested; if it is not, its first words are reported."""

import re
from typing import IO, Literal

from app.imports.readers.streams import is_packed

Kind = Literal["json", "xml"]
"""The type of content that a client expects."""

START = 4096
"""The number of bytes at the start of an answer that are looked at."""
MOST_WORDS = 160
"""The number of characters of an answer that are quoted in a fault."""
_BEGINS: dict[Kind, bytes] = {"json": b"{[", "xml": b"<"}
_ANY = ("", "text/plain", "application/octet-stream")
_HIDDEN = re.compile(r"<(script|style)\b.*?(</\1\s*>|$)|<[^>]*(>|$)|[\x00-\x1f\x7f]", re.DOTALL | re.IGNORECASE)


def start_of(file: IO[bytes]) -> bytes:
    """The first bytes of a file, which is left at its beginning."""
    file.seek(0)
    start = file.read(START)
    file.seek(0)
    return start


def first_words(start: bytes) -> str:
    """The first words of a text or a web page, in quotation marks and without markup."""
    if is_packed(start):
        return "(packed)"
    words = " ".join(_HIDDEN.sub(" ", start.decode("utf-8", "replace")).split())
    return f"“{words[:MOST_WORDS]}{'…' if len(words) > MOST_WORDS else ''}”" if words else "(no words)"


def fault_of(wanted: Kind | None, content_type: str, start: bytes) -> str:
    """What is wrong with an answer of this type that begins with `start`; an empty string if nothing is.

    No format is a web page.
    """
    media = content_type.partition(";")[0].strip().lower()
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if media in ("text/html", "application/xhtml+xml") or text[:14].lower().startswith((b"<html", b"<!doctype html")):
        return f"it answered with a web page: {first_words(start)}"
    if wanted is None:
        return ""
    if not (media in _ANY or wanted in media) or text[:1] not in _BEGINS[wanted]:
        return f"it answered with something else than {wanted.upper()}, {media or 'of no type'}: {first_words(start)}"
    return ""
