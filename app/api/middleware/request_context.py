"""The context of a request: its id, its timing, its log line, and a 500 for an exception that nothing else handles.

It is plain ASGI middleware. It sets `scope["request_id"]` and `scope["status"]` for the layers inside it.
"""

import re
import time
from secrets import token_hex

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.problems import problem_response
from app.api.metrics import Metrics
from app.common.problems import Problem, is_full, no_room

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger("evidence.web")


def _request_id(scope: Scope) -> str:
    """Return the client's `X-Request-ID` if it has 8 to 64 harmless characters, or else a new one."""
    given = dict(scope["headers"]).get(b"x-request-id")
    return given.decode() if given is not None and _SAFE_ID.fullmatch(given) else token_hex(8)


class RequestContext:
    """Gives each request an id, counts and logs it, and answers with a problem where an exception comes this far."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, access_log: bool) -> None:
        self.app, self.metrics, self.access_log = app, metrics, access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"], scope["status"] = request_id, 0
        header = (b"x-request-id", request_id.encode())
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = scope["status"] = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            _log_failure(error, request_id, scope["path"])
            if status:  # the head is sent already, so the server has to close the connection
                raise
            await _failure_response(error, request_id)(scope, receive, send_with_id)
        finally:
            self._observe(scope, status, time.perf_counter() - started, request_id)

    def _observe(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.metrics.observe(method, route, status, seconds)
        if self.access_log:
            log.info(
                "request",
                method=method,
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 2),
                request_id=request_id,
            )


def _log_failure(error: Exception, request_id: str, path: str) -> None:
    if is_full(error):
        log.warning("the disk is full", detail=str(error), request_id=request_id, path=path)
    else:
        log.exception("request failed", request_id=request_id, path=path)


def _failure_response(error: Exception, request_id: str) -> ASGIApp:
    problem = no_room() if is_full(error) else Problem("internal-error", "The request could not be answered.")
    return problem_response(problem, request_id)
