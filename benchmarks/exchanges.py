"""Requests as bytes, and their answers with all headers."""

from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from typing import NamedTuple


class Target(NamedTuple):
    """A request: a path with its query, and the entity tag that the client already has, if any."""

    path: str
    etag: str | None = None

    @property
    def key(self) -> bytes:
        """The key by which the bare app finds the answer: path, question mark, query."""
        return (self.path if "?" in self.path else self.path + "?").encode()

    @property
    def request(self) -> bytes:
        """The request as it is sent."""
        condition = f"If-None-Match: {self.etag}\r\n" if self.etag else ""
        return f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{condition}\r\n".encode()


class Answer(NamedTuple):
    """An answer without its `Date` header."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str:
        """The value of a header, which must be there; `name` is in lower case."""
        return next(value.decode() for key, value in self.headers if key == name)


def _response(connection: HTTPConnection, target: Target) -> HTTPResponse:
    connection.request("GET", target.path, headers={"If-None-Match": target.etag} if target.etag else {})
    return connection.getresponse()


def ask(connection: HTTPConnection, target: Target) -> Answer:
    """Request a target; the answer comes without `Date`, which uvicorn adds to every answer."""
    try:
        response = _response(connection, target)
    except RemoteDisconnected:  # the connection was idle for too long while another server was measured
        connection.close()
        response = _response(connection, target)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.getheaders()]
    return Answer(response.status, [pair for pair in headers if pair[0] != b"date"], response.read())
