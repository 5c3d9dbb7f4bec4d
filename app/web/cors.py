"""Reading is open to every page (CORS); a refused preflight is a problem like any other."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from app.errors import Problem
from app.web.problems import problem_response

EXPOSED = ("ETag", "Last-Modified", "Link", "Content-Location", "X-Request-ID", "Retry-After")

ALLOW_ORIGIN = (b"access-control-allow-origin", b"*")
EXPOSE_HEADERS = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())


class OpenForReading(CORSMiddleware):
    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "HEAD"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
            max_age=86_400,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        refused = problem_response(Problem("malformed-request", bytes(answer.body).decode() + "."), "preflight")
        for name in ("vary", "access-control-allow-origin"):
            if name in answer.headers:
                refused.headers[name] = answer.headers[name]
        return refused
