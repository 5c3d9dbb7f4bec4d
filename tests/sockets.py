"""Plain sockets for tests of availability: clients that have an address of their own and read only when told to."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

ATTACKER = "127.0.0.2"
"""The address that attacks come from; honest clients have other ones, for shares are by address."""


class Client:
    """One connection, from `source`, that reads nothing unless it is asked to.

    `room`: bytes of the socket's receive buffer; a small one makes the server feel soon that nobody reads.
    """

    def __init__(self, api: httpx.Client, source: str = "127.0.0.1", *, room: int = 0, timeout: float = 20) -> None:
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(timeout)
        self.socket.bind((source, 0))
        self.socket.connect((api.base_url.host, api.base_url.port))
        self.buffer = b""

    def ask(self, *paths: str, method: str = "GET", **headers: str) -> "Client":
        """Send requests, all at once, and read nothing."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        requests = (f"{method} {path} HTTP/1.1\r\nhost: x\r\n{lines}\r\n" for path in paths)
        self.socket.sendall("".join(requests).encode())
        return self

    def send(self, data: bytes) -> "Client":
        self.socket.sendall(data)
        return self

    def until(self, sign: bytes) -> bytes:
        """Read until `sign` has come, and return all up to its end; a `ConnectionError` where it never comes."""
        while sign not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError(f"closed after {self.buffer[-200:]!r}")
            self.buffer += piece
        found, _, self.buffer = self.buffer.partition(sign)
        return found + sign

    def head(self) -> tuple[int, dict[str, str]]:
        """Read the head of the next answer: its status and its headers."""
        status, *lines = self.until(b"\r\n\r\n").decode("latin-1").rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(status.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}

    def whole(self) -> tuple[int, dict[str, str], bytes]:
        """Read the next answer, which has a content-length: its status, its headers and its body."""
        status, headers = self.head()
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed within the body")
            self.buffer += piece
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, headers, body

    def answer(self) -> tuple[int, bytes]:
        """Read the next answer, which has a content-length: its status and its body."""
        status, _, body = self.whole()
        return status, body

    def rest(self) -> bytes:
        """Read until the server closes the connection."""
        try:
            while piece := self.socket.recv(1 << 20):
                self.buffer += piece
        except ConnectionResetError:
            pass
        found, self.buffer = self.buffer, b""
        return found

    def close(self) -> None:
        self.socket.close()


@contextmanager
def clients(api: httpx.Client, number: int, source: str = ATTACKER, *, room: int = 0) -> Iterator[list[Client]]:
    """Some connections from one address, closed at the end."""
    made: list[Client] = []
    try:
        for _ in range(number):
            made.append(Client(api, source, room=room))
        yield made
    finally:
        for client in made:
            client.close()
