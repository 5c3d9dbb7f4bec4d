"""A receiver of webhooks on this machine: a real HTTP server that answers as it is told and keeps what it took."""

import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import orjson


class Taken(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def message(self) -> Any:
        return orjson.loads(self.body)

    @property
    def revision(self) -> int:
        return int(self.message["data"]["revision"])


class Answer(NamedTuple):
    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    after: float = 0.0


class Receiver:
    def __init__(self, url: str) -> None:
        self.url = url
        self.taken: list[Taken] = []
        self.answers: deque[Answer] = deque()
        """The next ones; then all are 204."""
        self.always = Answer()
        self.stopping = threading.Event()

    def answer(self) -> Answer:
        return self.answers.popleft() if self.answers else self.always

    def await_taken(self, number: int, seconds: float = 15.0) -> list[Taken]:
        until = time.monotonic() + seconds
        while len(self.taken) < number:
            assert time.monotonic() < until, f"{len(self.taken)} messages of {number}"
            time.sleep(0.02)
        return self.taken


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what some tests are about."""


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.answer()
            receiver.taken.append(Taken(self.path, headers, body, time.time()))
            receiver.stopping.wait(answer.after)
            self.send_response(answer.status)
            for name, value in (("content-length", str(len(answer.body))), *answer.headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Not in a test's output."""

    server = _Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(f"http{'s' if context else ''}://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
