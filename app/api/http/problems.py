"""The response that shows a problem to a client: `application/problem+json` (RFC 9457)."""

from collections.abc import Iterable
from typing import Any

import orjson
from starlette.responses import Response

from app.common.problems import KINDS, Problem, parameter_fault

MEDIA_TYPE = "application/problem+json"


def not_found(detail: str, near: Iterable[str]) -> Problem:
    """Return the problem (404) of a path that leads nowhere, with the nearest paths that lead somewhere."""
    return Problem("not-found", detail, errors=[{"pointer": "", "detail": detail, "nearest": list(near)}])


def invalid_parameter(name: str, detail: str, near: Iterable[str] = ()) -> Problem:
    """Return the problem (422) of one wrong parameter, with the nearest valid values."""
    return Problem("invalid-parameter", detail, errors=[parameter_fault(name, detail, near)])


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
