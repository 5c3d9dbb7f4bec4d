"""A guard in front of the routes: it refuses overlong or undecodable targets and content of reads.

It also redirects paths that end in a slash (308), and turns HEAD into GET, so that no route has to know HEAD.
"""

import re
from urllib.parse import unquote_to_bytes

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.problems import problem_response
from app.common.problems import Problem

_FORBIDDEN = {"path": re.compile(rb"[\x00-\x1f\x7f]"), "query": re.compile(rb"\x00")}
"""Characters, after percent-decoding, that no path or query of this API contains."""

CURSOR_BYTES = 4096
"""Bytes by which a `next` link may be longer than the target that it continues."""


def _target_fault(path: bytes, query: bytes, longest: int) -> Problem | None:
    longest += CURSOR_BYTES if b"cursor=" in query else 0
    if len(path) + len(query) > longest:
        return Problem("uri-too-long", f"The address has {len(path) + len(query)} bytes; at most {longest} are read.")
    for name, raw in (("path", path), ("query", query)):
        if b"%" not in raw and raw.isascii():
            continue
        decoded = unquote_to_bytes(raw)
        if _FORBIDDEN[name].search(decoded):
            return Problem("malformed-request", f"The {name} has a control character in it.")
        try:
            decoded.decode("utf-8")
        except UnicodeDecodeError as error:
            return Problem("malformed-request", f"The {name} is not UTF-8 at byte {error.start}.")
    return None


def _without_slash(scope: Scope) -> str | None:
    """Return where a path with slashes at its end leads: the same without them, always on this host.

    The path of a record that is named by an address (`/v1/sources/https://example.org/`) keeps its slash.
    """
    raw_path: bytes = scope.get("raw_path") or b""
    if not raw_path.endswith(b"/"):
        return None
    query: bytes = scope["query_string"]
    bare = raw_path.strip(b"/")
    if not bare or not bare.isascii() or not query.isascii() or "://" in scope["path"]:
        return None
    return (b"/" + bare + (b"?" + query if query else b"")).decode("ascii")


def _has_content(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or bool(headers.get(b"content-length", b"").strip(b"0 "))


class RequestGuard:
    """Answers unusable requests with a problem; passes the others on, HEAD as GET with `headers_only` in its scope."""

    def __init__(self, app: ASGIApp, most_target_bytes: int) -> None:
        self.app, self.most_target_bytes = app, most_target_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reads = scope["method"] in ("GET", "HEAD")
        fault = _target_fault(scope.get("raw_path") or b"", scope["query_string"], self.most_target_bytes)
        if fault is None and reads and _has_content(scope):
            fault = Problem("unexpected-content", f"A {scope['method']} request has no content here.")
        app: ASGIApp = problem_response(fault, scope["request_id"]) if fault else self.app
        if fault is None and (target := _without_slash(scope)):
            app = RedirectResponse(target, 308)
        if scope["method"] != "HEAD":
            await app(scope, receive, send)
            return
        as_get = {**scope, "method": "GET", "headers_only": True}  # uvicorn's own scope keeps HEAD
        try:
            await app(as_get, receive, _without_content(send))
        finally:
            scope["route"] = as_get.get("route")


def _without_content(send: Send) -> Send:
    """Return a `send` that drops the content of a response, as HEAD asks (RFC 9110 §9.3.2)."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
