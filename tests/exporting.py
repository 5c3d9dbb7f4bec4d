"""Clients of exports: those that take the head of an answer and stop, and what the service holds meanwhile."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

import httpx
from sqlalchemy import Engine, text

from app.database.engine import sqlite_file


@contextmanager
def stopped_reader(
    api: httpx.Client, path: str, *, address: str = "127.0.0.1", headers: dict[str, str] | None = None
) -> Iterator[HTTPResponse]:
    """A client that has taken the head of an answer and takes no more, unless the test goes on reading."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((address, 0))
        connection.settimeout(30)
        connection.connect(("127.0.0.1", api.base_url.port))
        sent = {"host": "127.0.0.1", "connection": "close", **(headers or {})}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = HTTPResponse(connection)
        try:
            answer.begin()
            yield answer
        finally:
            answer.close()


@contextmanager
def client_at(api: httpx.Client, address: str) -> Iterator[httpx.Client]:
    """A client with an address of its own on this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(base_url=api.base_url, transport=transport, timeout=30) as client:
        yield client


def within(seconds: float, found: Callable[[], bool]) -> bool:
    """Whether something comes to be true before so many seconds are over."""
    deadline = time.monotonic() + seconds
    while not found() and time.monotonic() < deadline:
        time.sleep(0.02)
    return found()


def open_reads(engine: Engine) -> int:
    """Transactions of others that hold an old state of the database in use."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            return int(connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0])
        mine = "datname = current_database() AND pid <> pg_backend_pid()"
        return int(
            connection.execute(
                text(f"SELECT count(*) FROM pg_stat_activity WHERE {mine} AND xact_start IS NOT NULL")
            ).scalar_one()
        )


def spools(folder: Path, process: int | str = "self") -> list[int]:
    """The sizes of all files that a process has open in a folder, whether they have names or not."""
    found = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            if str(descriptor.readlink()).startswith(f"{folder}/"):
                found.append(descriptor.stat().st_size)
        except FileNotFoundError:
            continue
    return found


def spool_folder(url: str) -> Path:
    """Where a service over a SQLite file keeps its exports."""
    file = sqlite_file(url)
    return Path(f"{file}.spool")
