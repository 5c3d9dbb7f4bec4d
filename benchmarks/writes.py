"""Measures how many single edits per second the service takes from eight concurrent editors, and their latency.

`python -m benchmarks.writes` (or `make bench-writes`). Each edit is a PATCH of a study with its precondition, its audit
entry and its newly rendered documents, and is answered when it is durable. For comparison, one connection stores the
same documents as versions in the same run, by an INSERT, an UPDATE and a durable commit each.
"""

import shutil
import sqlite3
import sys
import threading
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Annotated

import orjson
import typer

from app.auth.keys import create
from app.database.engine import open_engine
from benchmarks.data import database
from benchmarks.processes import NotStarted, Server, python, settle
from benchmarks.serve import SERVE

WRITERS = 8


class Writer(threading.Thread):
    """An editor who changes one study after the other until a moment of `time.perf_counter`."""

    def __init__(self, server: Server, key: str, ids: list[str], until: float) -> None:
        super().__init__()
        self.connection = HTTPConnection(server.host, server.port, timeout=60)
        self.headers = {
            "authorization": f"Bearer {key}",
            "if-match": "*",
            "content-type": "application/merge-patch+json",
        }
        self.ids, self.until = ids, until
        self.seconds: list[float] = []
        self.refused = 0

    def run(self) -> None:
        """Send edits and time them."""
        while (started := time.perf_counter()) < self.until:
            number = len(self.seconds)
            body = orjson.dumps({"note": f"Change {number}"})
            path = f"/v1/studies/{self.ids[number % len(self.ids)]}?reason=benchmark"
            self.connection.request("PATCH", path, body, self.headers)
            response = self.connection.getresponse()
            response.read()
            self.seconds.append(time.perf_counter() - started)
            self.refused += response.status != 200


def _ids(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT id FROM studies WHERE id LIKE '%-000%' ORDER BY id LIMIT 4000"
        return [id for (id,) in connection.execute(query)]


def _key(file: Path) -> str:
    engine = open_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        _, token = create(connection, name="benchmark", role="editor", expires_at=None, by="benchmark")
    engine.dispose()
    return token


def _ours(server: Server, file: Path, key: str, seconds: float) -> list[Writer]:
    ids, until = _ids(file), time.perf_counter() + seconds
    writers = [Writer(server, key, ids[n::WRITERS], until) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        writer.connection.close()
    return writers


BARE = (
    "UPDATE documents SET until_revision = :revision WHERE type = 'studies' AND id = :id AND until_revision IS NULL",
    "INSERT INTO documents SELECT type, id, version + 1, 'updated', :revision, NULL, etag, body, entered "
    "FROM documents WHERE type = 'studies' AND id = :id ORDER BY version DESC LIMIT 1",
)


def _bare(file: Path, seconds: float) -> float:
    """The versions per second that one connection stores when it does nothing else."""
    ids, number, until = _ids(file), 0, time.perf_counter() + seconds
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;")
        (revision,) = connection.execute("SELECT revision FROM database_state").fetchone()
        while time.perf_counter() < until:
            number += 1
            connection.execute("BEGIN IMMEDIATE")
            for statement in BARE:
                connection.execute(statement, {"id": ids[number % len(ids)], "revision": revision + number})
            connection.execute("COMMIT")
    return number / seconds


def main(
    studies: Annotated[int, typer.Option(help="Studies that there are.")] = 20_000,
    seconds: Annotated[float, typer.Option(help="How long to write.")] = 10.0,
) -> None:
    """Measure single changes."""
    with TemporaryDirectory(prefix="evidence-bench-") as name, ExitStack() as stack:
        ours, bare = Path(name) / "evidence.db", Path(name) / "bare.db"
        for file in (ours, bare):
            shutil.copyfile(database(studies), file)
        key = _key(ours)
        environment = {"EVIDENCE_DATABASE_URL": f"sqlite:///{ours}", "EVIDENCE_LIMITS": "false"}
        try:
            server = stack.enter_context(python("-c", SERVE, "serve", "--port", "0", environment=environment))
        except NotStarted as error:
            sys.exit(str(error))
        settle(server)
        writers = _ours(server, ours, key, seconds)
        plain = _bare(bare, seconds / 2)
    took = [one for writer in writers for one in writer.seconds]
    cuts = quantiles(took, n=100)
    rate = len(took) / seconds
    print(f"{WRITERS} writers, {studies:,} studies: {rate:,.0f} changes/s, p50 {cuts[49] * 1000:.1f} ms, ", end="")
    print(f"p99 {cuts[98] * 1000:.1f} ms, {sum(writer.refused for writer in writers)} refused")
    print(f"bare versions in one connection: {plain:,.0f}/s; ours are {rate / plain:.2f} of that")


if __name__ == "__main__":
    typer.run(main)
