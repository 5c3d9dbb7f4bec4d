"""Refuses what no route should meet: overlong or undecodable targets, stray content. Turns HEAD into GET."""

import re
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.problems import problem_response
from app.common.problems import Problem

_UNWANTED = {"path": re.compile(rb"[\x00-\x1f\x7f]"), "query": re.compile(rb"\x00")}
"""Characters that no name has and no route's pattern takes."""

CURSOR_BYTES = 4096
"""What a `next` link may add to the address it follows."""


def _target_fault(path: bytes, query: bytes, longest: int) -> Problem | None:
    longest += CURSOR_BYTES if b"cursor=" in query else 0
    if len(path) + len(query) > longest:
        return Problem("uri-too-long", f"The address has {len(path) + len(query)} bytes; at most {longest} are read.")
    for name, raw in (("path", path), ("query", query)):
        if b"%" not in raw and raw.isascii():
            continue
        decoded = unquote_to_bytes(raw)
        if _UNWANTED[name].search(decoded):
            return Problem("malformed-request", f"The {name} has a control character in it.")
        try:
            decoded.decode("utf-8")
        except UnicodeDecodeError as error:
            return Problem("malformed-request", f"The {name} is not UTF-8 at byte {error.start}.")
    return None


def _has_content(scope: Scope) -> bool:
    found = dict(scope["headers"])
    return b"transfer-encoding" in found or bool(found.get(b"content-length", b"").strip(b"0 "))


class Guard:
    def __init__(self, app: ASGIApp, longest: int) -> None:
        self.app, self.longest = app, longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reads = scope["method"] in ("GET", "HEAD")
        fault = _target_fault(scope.get("raw_path") or b"", scope["query_string"], self.longest)
        if fault is None and reads and _has_content(scope):
            fault = Problem("unexpected-content", f"A {scope['method']} request has no content here.")
        app = problem_response(fault, scope["request_id"]) if fault else self.app
        if scope["method"] != "HEAD":
            await app(scope, receive, send)
            return
        as_get = {**scope, "method": "GET", "headers_only": True}  # the server goes by its own scope to send no content
        try:
            await app(as_get, receive, _bodiless(send))
        finally:
            scope["route"] = as_get.get("route")


def _bodiless(send: Send) -> Send:
    """An answer to HEAD is that to GET without its content (RFC 9110 §9.3.2)."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
