"""A minimal HTTP client on one keep-alive connection: a complete client takes longer than the servers that it times."""

import re
import socket
import time
from typing import NamedTuple

from benchmarks.exchanges import Answer

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
ROOM = 1 << 22


class Broken(OSError):
    """The server closed the connection before its answer was whole."""


class Reply(NamedTuple):
    """An answer with its time."""

    seconds: float
    head: bytes
    """The status line and the headers, without the empty line."""
    body: bytes

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.head[9:12])

    @property
    def answer(self) -> Answer:
        """The answer without `Date`, for a server that adds a date of its own."""
        lines = [line.partition(b":") for line in self.head.split(b"\r\n")[1:]]
        headers = [(name.lower(), value.strip()) for name, _, value in lines]
        return Answer(self.status, [pair for pair in headers if pair[0] != b"date"], self.body)


class Wire:
    """A client with one connection, which is opened again when the server has closed it."""

    def __init__(self, host: str, port: int, timeout: float = 120) -> None:
        self._address, self._timeout = (host, port), timeout
        self._socket: socket.socket | None = None
        self._room = memoryview(bytearray(ROOM))

    def ask(self, path: str) -> Reply:
        """Request a path. The time is from the first byte sent to the last one received, without parsing the answer."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        try:
            return self._ask(request)
        except (Broken, ConnectionError):  # it was idle for too long while another server was measured
            self.close()
            return self._ask(request)

    def _ask(self, request: bytes) -> Reply:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        self._socket.sendall(request)
        head, size = self._receive(self._socket)
        seconds = time.perf_counter() - started
        body = bytes(self._room[len(head) + 4 : size])
        return Reply(seconds, head, _unchunked(body) if _CHUNKED.search(head) else body)

    def _receive(self, connection: socket.socket) -> tuple[bytes, int]:
        """Read an answer; returns its head and its size in bytes, head included."""
        size, head = 0, b""
        while not head or not self._is_whole(head, size):
            got = connection.recv_into(self._room[size:])
            if not got:
                raise Broken("the connection was closed in the middle of an answer")
            size += got
            if not head:
                start, found, _ = bytes(self._room[: min(size, 1 << 16)]).partition(b"\r\n\r\n")
                head = start if found else b""
        return head, size

    def _is_whole(self, head: bytes, size: int) -> bool:
        length = _LENGTH.search(head)
        if length:
            return size >= len(head) + 4 + int(length[1])
        return bytes(self._room[size - 5 : size]) == b"0\r\n\r\n"

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _unchunked(body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        length = int(body[at:end].split(b";")[0], 16)
        if not length:
            return b"".join(pieces)
        pieces.append(body[end + 2 : end + 2 + length])
        at = end + 4 + length
