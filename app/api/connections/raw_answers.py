"""Responses that the server sends without the application: to unreadable requests and refused connections."""

from http import HTTPStatus
from secrets import token_hex

from app.api.http.problems import problem_response
from app.api.http.security_headers import OF_NO_PAGE
from app.api.middleware.cors import ALLOW_ORIGIN, EXPOSE_HEADERS
from app.common.problems import KINDS, Problem

EVERYWHERE = (*OF_NO_PAGE, ALLOW_ORIGIN, EXPOSE_HEADERS)
"""The headers that the application's layers would have added."""


def raw_answer(problem: Problem) -> bytes:
    """Return a problem as the bytes of a whole HTTP/1.1 response that announces the end of the connection."""
    answer = problem_response(problem, token_hex(8))
    headers = (*answer.raw_headers, *EVERYWHERE, (b"connection", b"close"))
    head = [b"%b: %b\r\n" % header for header in headers]
    status = KINDS[problem.kind].status
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return b"".join([line, *head, b"\r\n", bytes(answer.body)])
