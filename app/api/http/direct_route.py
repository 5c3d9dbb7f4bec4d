"""Routes that pass the request straight to their endpoint.

FastAPI's own handling of parameters and response models costs more than the rest of a read. These endpoints parse the
query themselves and send stored bytes. They are documented in OpenAPI all the same, and tests prove that it is true.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.common.problems import invalid_parameter

_RESTORE = re.compile(r"/v1/[^/]+/[^/]+/restore")
_PARAMETER = re.compile(r"\{[^}]*\}")


class DirectRoute(APIRoute):
    """A FastAPI route whose endpoint takes the request and returns the response.

    It has neither FastAPI's exit stacks nor its second handling of errors, which nothing here needs. A write that does
    not document `Idempotency-Key` refuses it.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        takes_key = any(p["name"] == "Idempotency-Key" for p in (self.openapi_extra or {}).get("parameters", ()))
        app = _asgi(endpoint)
        self.app = app if takes_key or self.methods == {"GET"} else _refuse_idempotency_key(app)
        self._prefix, *rest = _PARAMETER.split(path)
        self._infix = max(rest, key=len, default="")
        self._takes_any_rest = path.endswith(":path}")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request. Comparing the literal parts first rules out most routes at a tenth of the regex's cost."""
        if not scope["path"].startswith(self._prefix) or self._infix not in scope["path"]:
            return Match.NONE, {}
        if self._takes_any_rest and _RESTORE.fullmatch(scope["path"]):
            return Match.NONE, {}  # otherwise GET would look for a record named `x/restore`
        return super().matches(scope)


def _refuse_idempotency_key(app: ASGIApp) -> ASGIApp:
    """Refuse requests with an `Idempotency-Key`: their clients would rely on it and send the request again."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"idempotency-key" for name, _ in scope["headers"]):
            detail = f"Idempotency-Key is not honoured by {scope['method']} here: the request would be done twice."
            raise invalid_parameter("Idempotency-Key", detail)
        await app(scope, receive, send)

    return refusing


def _asgi(endpoint: Callable[[Request], Awaitable[ASGIApp]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app
