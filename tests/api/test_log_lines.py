"""What a real service logs: nothing of clients that leave, and few and short lines of what cannot be read."""

import logging
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.database.engine import open_engine
from app.logs import LONGEST_VALUE, MOST_ALIKE, FewAlike
from tests.commands import environment, evidence
from tests.conftest import keys_of

RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER` that ends a connection at once, with what was sent to it unread."""


class Service:
    def __init__(self, port: int, log: Path, key: str) -> None:
        self.port, self._log, self.key = port, log, key

    def send(self, raw: bytes, *, wait: float = 0.2, read: bool = False) -> None:
        """Sends something and leaves, where it is said so after the first bytes of the answer."""
        with socket.create_connection(("127.0.0.1", self.port)) as raw_socket:
            raw_socket.sendall(raw)
            time.sleep(wait)
            if read:
                raw_socket.recv(10)
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def get(self, path: str, *headers: str, **how: float) -> None:
        head = "".join(f"{line}\r\n" for line in headers)
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode(), **how)  # type: ignore[arg-type]

    def lines(self) -> list[str]:
        """The log, once all that was asked before is answered."""
        time.sleep(0.5)
        assert httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=20).status_code == 200
        return self._log.read_text().splitlines()


@contextmanager
def running(database: Path, log: Path, key: str, **more: str) -> Iterator[Service]:
    env = environment(database, EVIDENCE_SEARCH_PATH=":memory:", EVIDENCE_ACCESS_LOG="true", **more)
    command = [*evidence(), "serve", "--port", "0"]
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        with process.stdout:
            line = next(line for line in process.stdout if " on http" in line)
            try:
                yield Service(int(line.strip().rpartition(":")[2]), log, key)
            finally:
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0


@pytest.fixture
def service(sqlite_copy: Path, tmp_path: Path) -> Iterator[Service]:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    key = keys_of(engine)["admin"]
    engine.dispose()
    with running(sqlite_copy, tmp_path / "log", key) as made:
        yield made


UPLOADS = {
    "/v1/imports?format=ctgov": "application/json",
    "/v1/releases?name=a": "application/x-ndjson",
    "/v1/studies?reason=x": "application/json",
    "/v1/webhooks": "application/json",
}


def _no_fault(lines: list[str]) -> None:
    assert [line for line in lines if "[info " not in line] == [], "\n".join(lines)


def test_clients_that_leave_while_they_send_are_no_fault(service: Service) -> None:
    for path, media in UPLOADS.items():
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\nContent-Type: {media}\r\n"
        service.send(f"{head}Content-Length: 5000\r\n\r\n".encode() + b'{"a": ')
        service.send(f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n".encode())
        service.send(f"{head}Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n".encode())
    _no_fault(service.lines())


def test_clients_that_leave_while_they_are_answered_are_no_fault(service: Service) -> None:
    for path in ("/v1/studies?format=csv", "/v1/sources?format=ndjson", "/v1/studies?limit=1000", "/openapi.json"):
        service.get(path, wait=0.01, read=True)
        service.get(path, "Accept-Encoding: gzip", wait=0.01, read=True)
        service.get(path, wait=0.0)
    _no_fault(service.lines())


def test_clients_that_leave_while_they_wait_are_no_fault(service: Service) -> None:
    service.get("/v1/changes?since=1&wait=1", wait=0.3)
    service.get("/v1/changes?since=1", "Accept: text/event-stream", wait=0.3, read=True)
    time.sleep(1)
    _no_fault(service.lines())


def test_clients_that_leave_many_answers_behind_are_no_fault(service: Service) -> None:
    """The server goes on with the requests that it has read already."""
    for path in ("/v1/studies?limit=1000", "/v1/studies/preempt-1", "/v1/studies?limit=1000&x=1"):
        one = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for _ in range(3):
            service.send(one * 30, wait=0.02, read=True)
    _no_fault(service.lines())


def test_what_clients_send_makes_no_line_long(service: Service) -> None:
    service.get("/" + "y" * 30_000)
    service.get("/v1/studies?title=" + "y" * 30_000)
    service.get("/a%0d%0a2026-01-01 [error] forged" + "y" * 3_000)
    service.get("/healthz", "X-Request-ID: " + "a" * 60_000)
    service.send(b"X" * 5_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
    lines = service.lines()
    assert max(map(len, lines)) < LONGEST_VALUE + 300
    assert any("30001 characters" in line for line in lines)
    assert not [line for line in lines if line.startswith("2026-01-01 ")]


def test_what_is_no_request_fills_no_log(service: Service) -> None:
    for _ in range(60):
        service.send(b"this is no HTTP\r\n\r\n", wait=0.0)
        service.get("/healthz", "Connection: Upgrade", "Upgrade: websocket", wait=0.0)
    warnings = [line for line in service.lines() if "[info " not in line]
    assert 0 < len([line for line in warnings if "Invalid HTTP request" in line]) <= MOST_ALIKE
    assert len(warnings) <= 3 * MOST_ALIKE
    assert not [line for line in warnings if "Traceback" in line]


def test_those_that_were_left_out_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now, few = [100.0], FewAlike()
    monkeypatch.setattr("app.logs.time.monotonic", lambda: now[0])

    def said(message: str) -> str | None:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, message, (), None)
        return record.getMessage() if few.filter(record) else None

    assert [said("a") is not None for _ in range(MOST_ALIKE + 5)] == [True] * MOST_ALIKE + [False] * 5
    assert said("b") == "b"
    now[0] += 61
    assert said("a") == "a (5 more like it were not written)"
    assert said("a") == "a"
