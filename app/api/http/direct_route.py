"""Routes that hand the request straight to their function.

FastAPI's own handling of parameters and response models costs more than the rest of a read; these read the query
themselves and send stored bytes. OpenAPI documents them all the same, and tests prove that it tells the truth.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.common.problems import Problem, parameter_fault

_RESTORE = re.compile(r"/v1/[^/]+/[^/]+/restore")
_PARAMETER = re.compile(r"\{[^}]*\}")


class DirectRoute(APIRoute):
    """Past FastAPI's exit stacks and second net for errors, which nothing here needs."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        documented = any(p["name"] == "Idempotency-Key" for p in (self.openapi_extra or {}).get("parameters", ()))
        self.app = _asgi(endpoint) if documented or self.methods == {"GET"} else _refusing_names(_asgi(endpoint))
        self._beginning, *rest = _PARAMETER.split(path)
        self._inside = max(rest, key=len, default="")
        self._takes_any_rest = path.endswith(":path}")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Most routes are told apart by what they begin with and hold, at a tenth of what their patterns cost."""
        if not scope["path"].startswith(self._beginning) or self._inside not in scope["path"]:
            return Match.NONE, {}
        if self._takes_any_rest and _RESTORE.fullmatch(scope["path"]):
            return Match.NONE, {}  # or a record would be looked for by the name `x/restore`
        return super().matches(scope)


def _refusing_names(app: ASGIApp) -> ASGIApp:
    """A write that does not say that it honours an `Idempotency-Key` refuses it: a client that sent one would rely on
    it and send the request again."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"idempotency-key" for name, _ in scope["headers"]):
            detail = f"Idempotency-Key is not honoured by {scope['method']} here: the request would be done twice."
            raise Problem("invalid-parameter", detail, errors=[parameter_fault("Idempotency-Key", detail)])
        await app(scope, receive, send)

    return refusing


def _asgi(endpoint: Callable[[Request], Awaitable[ASGIApp]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app
