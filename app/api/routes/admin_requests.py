"""The checks and parameters that requests of admins share: releases, imports and webhooks."""

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_body import read_content
from app.api.http.request_state import query_string
from app.api.middleware.authentication import require_role
from app.auth.keys import Identity
from app.common.problems import Problem
from app.query.keyset import read_cursor
from app.query.parameters import DEFAULT_LIMIT, Parameters, read_limit, read_no_query

T = TypeVar("T", int, str)


def begin_request(request: Request, *media_types: str) -> Identity:
    """Return the identity of an admin whose request has no parameters and accepts a media type, JSON by default."""
    identity = require_role(request, "admin")
    require_acceptable(request, *(media_types or (JSON,)))
    read_no_query(query_string(request))
    return identity


async def begin_action(request: Request) -> Identity:
    """Return the identity of an admin whose request has neither parameters nor content."""
    identity = begin_request(request)
    await read_content(request, 0)
    return identity


def read_page_query(request: Request, read_position: Callable[[str], T]) -> tuple[int, T | None]:
    """Return the limit of a page, and the position in its cursor, which the page before ended at."""
    parameters = Parameters(query_string(request), ["limit", "cursor"])
    limit = parameters.read("limit", read_limit, DEFAULT_LIMIT)
    before = parameters.read("cursor", read_position, None)
    parameters.end()
    return limit, before


def cursor_position(kind: str, cursor: str, type_: type[T]) -> T:
    """Return the only value in a cursor of a kind of list; raise a `Problem` (400) if it has another type."""
    position = read_cursor(kind, cursor)
    if len(position) != 1 or type(position[0]) is not type_:
        raise foreign_cursor()
    value: T = position[0]
    return value


def foreign_cursor() -> Problem:
    """Return the problem (400) of a cursor that is well-formed and not from this list."""
    return Problem("bad-cursor", "The cursor cannot be used: it was not made here.")
