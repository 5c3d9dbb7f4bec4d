"""Exception handlers that turn every failure of a request into a problem (RFC 9457)."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from app.api.http.problems import problem_response
from app.common.problems import Problem, not_found
from app.database.engine import sqlite_file
from app.database.errors import driver_error, explained, is_read_only

log = structlog.get_logger("evidence.web")


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.scope["request_id"])


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = _allowed(request)
        problem = Problem(
            "method-not-allowed",
            f"{request.method} is not for this address; {allowed} are.",
            headers={"allow": allowed},
        )
    else:
        problem = not_found(f"There is no {request.url.path!r} here.", _near(request))
    return problem_response(problem, request.scope["request_id"])


def _allowed(request: Request) -> str:
    """Return the value of `Allow`: the methods of all routes that match the path."""
    matching = (route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE)
    methods = {method for route in matching for method in getattr(route, "methods", None) or ()}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _near(request: Request) -> list[str]:
    paths = [path for path in (getattr(route, "path", "") for route in request.app.routes) if "{" not in path]
    return get_close_matches(request.url.path[:200], paths, n=3)


def database_problem(error: Exception, request_id: str, file: Path | None) -> Problem:
    """Log an error of the database and return it as a problem; `file` is that of an SQLite database."""
    problem = explained(error, file)
    known = {"insufficient-storage": "the disk is full", "database-read-only": "the database can only be read"}
    detail, where = str(driver_error(error)), {"file": str(file)} if file else {}
    log.warning(known.get(problem.kind, "database does not answer"), detail=detail, request_id=request_id, **where)
    return problem


def _database(request: Request, error: Exception) -> Response:
    request_id, settings = request.scope["request_id"], request.app.state.service.settings
    if isinstance(error, InternalError) and not is_read_only(error):
        raise error
    file = sqlite_file(settings.database_url.get_secret_value())
    return problem_response(database_problem(error, request_id, file), request_id)


DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError, TimeoutError)

HANDLERS: dict[Any, Any] = {
    Problem: _problem,
    HTTPException: _http,
    **dict.fromkeys(DATABASE_ERRORS, _database),
}


def install(app: FastAPI) -> None:
    """Add the handlers to an application."""
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
