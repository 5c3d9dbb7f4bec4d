"""CORS and security headers for every response.

Pages of any origin may read. The headers do not depend on the request's `Origin`, so a cache needs only one response
for all origins. The security headers are those of `app.api.http.security_headers`.
"""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.problems import problem_response
from app.api.http.security_headers import security_headers
from app.common.problems import Problem

EXPOSED = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Link",
    "Content-Location",
    "X-Request-ID",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
)

ALLOW_ORIGIN = (b"access-control-allow-origin", b"*")
EXPOSE_HEADERS = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())


class Cors(CORSMiddleware):
    """Starlette's middleware, which answers preflights here; other responses get constant headers.

    Starlette's own way with those other responses costs ten times as much.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "HEAD"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
            max_age=86_400,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        cors_headers = () if scope["method"] == "OPTIONS" else (ALLOW_ORIGIN, EXPOSE_HEADERS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                message["headers"] = [*headers, *cors_headers, *security_headers(message["status"], headers)]
            await send(message)

        if scope["method"] == "OPTIONS":
            await super().__call__(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return Starlette's answer to a preflight; a refusal is made a problem, with the CORS headers kept."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        refused = problem_response(Problem("malformed-request", bytes(answer.body).decode() + "."), "preflight")
        for name in ("vary", "access-control-allow-origin"):
            if name in answer.headers:
                refused.headers[name] = answer.headers[name]
        return refused
