"""A server on this machine that answers as a test says, well or badly, and keeps what it was asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


class Reply(NamedTuple):
    body: bytes = b""
    type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    how: Literal["whole", "half", "half chunked", "half unsaid", "drop", "slow", "endless"] = "whole"


Answering = Callable[[Asked], Reply]


class Server(NamedTuple):
    url: str
    asked: list[Asked]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answering) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.stopping = answer, threading.Event()
        self.asked: list[Asked] = []

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        form = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, target.path, dict(parse_qsl(target.query)), dict(parse_qsl(form)), headers)
        self.server.asked.append(asked)
        self.close_connection = True
        reply = self.server.answer(asked)
        if reply.how != "drop":
            self._head(reply)
            for piece in self._pieces(reply):
                self.wfile.write(piece)

    do_POST = do_GET

    def _head(self, reply: Reply) -> None:
        self.send_response(reply.status)
        framing = {
            "half chunked": [("transfer-encoding", "chunked")],
            "half unsaid": [],
            "endless": [],
        }.get(reply.how, [("content-length", str(len(reply.body)))])
        for name, value in (("content-type", reply.type), *framing, *reply.headers):
            self.send_header(name, value)
        self.end_headers()

    def _pieces(self, reply: Reply) -> Iterator[bytes]:
        half = reply.body[: len(reply.body) // 2]
        if reply.how == "slow":
            yield from self._slowly(reply.body)
        elif reply.how == "endless":
            while not self.server.stopping.is_set():
                yield reply.body
        elif reply.how == "half chunked":
            yield f"{len(half):x}\r\n".encode() + half + b"\r\n"
        else:
            yield half if reply.how.startswith("half") else reply.body

    def _slowly(self, body: bytes) -> Iterator[bytes]:
        for byte in body:
            yield bytes([byte])
            self.server.stopping.wait(0.05)

    def log_message(self, *_: Any) -> None:
        """Not in a test's output."""


@contextmanager
def answering(answer: Answering) -> Iterator[Server]:
    server = _Server(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", server.asked)
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
