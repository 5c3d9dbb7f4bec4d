"""The response that shows a problem to a client: `application/problem+json` (RFC 9457)."""

from typing import Any

import orjson
from starlette.responses import Response

from app.common.problems import KINDS, Problem

MEDIA_TYPE = "application/problem+json"


def problem_response(problem: Problem, request_id: str) -> Response:
    """Return the response for a problem; caches may not store it."""
    kind = KINDS[problem.kind]
    body: dict[str, Any] = {
        "type": f"/problems/{problem.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "errors": problem.errors,
        "request_id": request_id,
    }
    headers = {"cache-control": "no-store", **problem.headers}
    return Response(orjson.dumps(body), kind.status, headers, MEDIA_TYPE)
