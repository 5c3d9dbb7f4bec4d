"""The response that shows a problem to a client: `application/problem+json` (RFC 9457)."""

import orjson
from starlette.responses import Response

from app.common.problems import Problem

MEDIA_TYPE = "application/problem+json"


def problem_response(problem: Problem, request_id: str) -> Response:
    """Return the response for a problem; caches may not store it."""
    body = problem.as_json() | {"request_id": request_id}
    headers = {"cache-control": "no-store", **problem.headers}
    return Response(orjson.dumps(body), problem.status, headers, MEDIA_TYPE)
