"""Compares the service with Datasette and an equal Django REST framework app, in one run on the same data.

`python -m benchmarks.rivals` (or `make bench-rivals`). The rivals get a virtualenv of their own under build/. Our
service runs without its response cache. The client sends one request at a time over a keep-alive connection and only
reads the bytes, and no request is sent twice to a server. The servers share a core, so the first request after a switch
finds the processor's caches filled by another server; therefore each server gets ten different requests in a row.

All servers answer with equal content: whole nested documents. The Django app builds them as such apps usually do
(`benchmarks.rival`): models on the same relational tables, nested serializers, and a fixed number of statements for a
page. Datasette gets each study's document ready made, as text. Each such case is repeated for the columns of a plain
table, which our service cuts out of its documents (`fields=`). The rivals' tables have an index for each filter,
including one on indication and year.

A full-text search answers with the best 20 hits, a snippet of each and the exact total. Datasette ranks only in custom
SQL, so custom SQL is measured; its table page, which shows the first 20 hits in table order without snippets, is
reported too.

Some lines have no target and show what the comparison depends on:

* Datasette in its default configuration suggests further facets, which takes far longer than the answer. The target
  applies to Datasette without suggestions, which is the harder comparison and what an expert would configure.
* Django with our documents sends each study from a JSON field. Stored documents are an idea of our service and unusual
  in such an app, so the target applies to the app with serializers.
* The floor is a bare ASGI app that sends the same bytes as our service: the cost of server, network and client alone,
  which is the minimum for our service. It is measured after the others, so nothing is cold for it.
"""

import pickle
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import orjson
import typer
from rich.console import Console

from app.database.engine import open_engine, reading
from app.query.pages import now
from app.search.index import SearchIndex
from benchmarks.exchanges import Answer, Target
from benchmarks.load import Failed
from benchmarks.processes import CLIENT, NotStarted, Server, pin, python, sampled, settle
from benchmarks.rival_cases import Case, cases
from benchmarks.rival_data import multiplied_database, rival_database
from benchmarks.rival_report import (
    DATASETTE,
    DATASETTE_DEFAULT,
    DJANGO,
    DJANGO_DOCUMENTS,
    FLOOR,
    OURS,
    Measurement,
    Result,
    lines_of,
    table_of,
)
from benchmarks.rival_targets import NO_SUGGESTIONS
from benchmarks.serve import SERVE
from benchmarks.wire import Reply, Wire

HERE = Path(__file__).parent
VENV = HERE.parent / "build" / "rivals"
PACKAGES = ("datasette>=0.65,<1", "django>=5.2,<6", "djangorestframework>=3.16", "gunicorn>=23", "uvloop", "httptools")
EXEC = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
"""A program that replaces itself by another one, so that servers of the other virtualenv are started like ours."""

FEW = 5
"""The number of requests of a case that takes very long."""

BLOCK = 10
"""The number of requests that one server gets in a row. The first block warms it up and does not count."""


def _install() -> str:
    """Install the rivals into their virtualenv, unless they are installed; returns the path of its Python."""
    executable, done = VENV / "bin" / "python", VENV / "installed"
    wanted = "\n".join(PACKAGES)
    if not done.exists() or done.read_text() != wanted:
        print(f"Installing the rivals into {VENV} ...", flush=True)
        venv.create(VENV, with_pip=True, clear=True)
        subprocess.run([str(executable), "-m", "pip", "install", "-qq", *PACKAGES], check=True)
        done.write_text(wanted)
    return str(executable)


def _timed(wire: Wire, path: str) -> Reply:
    reply = wire.ask(path)
    if reply.status != 200:
        raise Failed(f"{path} was answered {reply.status}: {reply.body.decode()[:500]}")
    return reply


class Servers(NamedTuple):
    """The connections to the servers."""

    ours: Wire
    datasette: Wire
    django: Wire

    def requests(self, case: Case) -> dict[str, tuple[Wire, list[str]]]:
        """The connection and the paths of each server for a case."""
        found = {
            OURS: (self.ours, [targets.ours for targets in case.targets]),
            DATASETTE: (self.datasette, [targets.datasette for targets in case.targets]),
            DJANGO: (self.django, [targets.django for targets in case.targets]),
        }
        django_documents = [targets.django_documents for targets in case.targets if targets.django_documents]
        return found | ({DJANGO_DOCUMENTS: (self.django, django_documents)} if django_documents else {})


Replies = dict[str, list[Reply]]


def _ask(servers: Servers, case: Case) -> Replies:
    """Send the requests of a case, a block to each server in turn."""
    requests = servers.requests(case)
    replies: Replies = {who: [] for who in requests}
    for start in range(0, len(case.targets), BLOCK):
        for who, (wire, paths) in requests.items():
            replies[who] += [_timed(wire, path) for path in paths[start : start + BLOCK]]
    numbers = [{case.count(reply.body) for reply in turn} for turn in zip(*replies.values(), strict=True)]
    differing = sum(len(some) > 1 for some in numbers)
    if differing:
        print(f"{case.name}: {differing} of {len(numbers)} are answered with other numbers of records", flush=True)
    return replies


def _middle(replies: Sequence[Reply]) -> float:
    return median(reply.seconds for reply in replies[BLOCK:])


def _datasette_default(servers: Servers, case: Case) -> dict[str, float]:
    """Datasette's median time with its suggestions of facets, for cases in which it makes any."""
    paths = [
        targets.datasette.replace(NO_SUGGESTIONS, "") for targets in case.targets if NO_SUGGESTIONS in targets.datasette
    ]
    return (
        {DATASETTE_DEFAULT: median(_timed(servers.datasette, path).seconds for path in paths[-FEW:])} if paths else {}
    )


def _measure(servers: Servers, case: Case) -> tuple[Result, dict[Target, Answer]]:
    """Measure a case; returns the times, and the answers of our service."""
    replies = _ask(servers, case)
    seconds = {who: _middle(some) for who, some in replies.items()}
    comes = _datasette_default(servers, case)
    order = (OURS, DATASETTE, DATASETTE_DEFAULT, DJANGO, DJANGO_DOCUMENTS)
    ordered = {who: some[who] for some in [seconds | comes] for who in order if who in some}
    answers = {Target(targets.ours): reply.answer for targets, reply in zip(case.targets, replies[OURS], strict=True)}
    return Result(case, ordered), answers


def _with_floor(results: Sequence[Result], answers: dict[Target, Answer], folder: Path) -> Iterator[Result]:
    """Add the times of a bare server that sends the same bytes to the same client."""
    file = folder / "answers"
    file.write_bytes(pickle.dumps({target.key: answer for target, answer in answers.items()}))
    with python("-m", "benchmarks.bare", str(file)) as server, closing(Wire(server.host, server.port)) as wire:
        settle(server)
        for result in results:
            replies = [_timed(wire, targets.ours) for targets in result.case.targets]
            if any(answers[Target(t.ours)].body != r.body for t, r in zip(result.case.targets, replies, strict=True)):
                raise Failed(f"{result.case.name}: the bare server answers otherwise than ours")
            ours, *others = result.seconds.items()
            yield result._replace(seconds=dict([ours, (FLOOR, _middle(replies)), *others]))


def _memory(pid: int) -> tuple[float, float]:
    """The resident memory in megabytes, and its private part; the rest are pages of files, such as the database's."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    found = {fields[0]: int(fields[1]) / 1000 for fields in lines if fields[0] in ("VmRSS:", "RssAnon:")}
    return found["VmRSS:"], found["RssAnon:"]


def _export(server: Server) -> tuple[float, float, int, float]:
    """Export all studies as csv.

    Returns the growth of the server's resident and private memory in megabytes, the size in bytes and the seconds.
    """
    before, peaks = _memory(server.pid), [_memory(server.pid)]
    connection, size, started = HTTPConnection(server.host, server.port, timeout=600), 0, time.perf_counter()
    try:
        with sampled(partial(_memory, server.pid), peaks, 0.05):
            connection.request("GET", "/v1/studies?format=csv")
            response = connection.getresponse()
            while piece := response.read(1 << 18):
                size += len(piece)
    finally:
        connection.close()
    resident, private = (max(peak[place] for peak in peaks) - before[place] for place in (0, 1))
    return resident, private, size, time.perf_counter() - started


def _index(file: Path) -> tuple[int, float]:
    """Build the search index where the server expects it; returns the number of entries and the seconds."""
    engine = open_engine(f"sqlite:///{file}")
    started = time.perf_counter()
    try:
        with reading(engine) as connection:
            entries = SearchIndex(Path(f"{file}.search"), engine).build(connection, now(connection))
        return entries, time.perf_counter() - started
    finally:
        engine.dispose()


@contextmanager
def _served(ours: Path, rival: Path) -> Iterator[tuple[Server, Server, Server]]:
    environment = {"EVIDENCE_DATABASE_URL": f"sqlite:///{ours}", "EVIDENCE_ACCESS_LOG": "false"}
    environment |= {"EVIDENCE_ANSWER_CACHE_BYTES": "0", "EVIDENCE_LIMITS": "false"}
    other = _install()
    limits = [("sql_time_limit_ms", "60000"), ("facet_time_limit_ms", "60000"), ("max_returned_rows", "1000")]
    settings = [word for name, value in limits for word in ("--setting", name, value)]
    gunicorn = ["-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "--worker-class", "gthread"]
    gunicorn += ["--threads", "1", "--keep-alive", "600", "benchmarks.rival.wsgi:application"]
    with ExitStack() as stack:
        start = stack.enter_context
        yield (
            start(python("-c", SERVE, "serve", "--port", "0", environment=environment)),
            start(python("-c", EXEC, other, "-m", "datasette", str(rival), "--port", "0", *settings)),
            start(python("-c", EXEC, other, *gunicorn, environment={"RIVAL_DATABASE": str(rival)})),
        )


def _run(studies: int, number: int) -> Measurement:
    kept = multiplied_database(studies)
    VENV.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="evidence-bench-", dir=VENV.parent) as name, ExitStack() as stack:
        ours, rival = Path(name) / "evidence.db", Path(name) / "rival.db"
        shutil.copyfile(kept, ours)
        rival_database(ours, rival)
        entries, index_seconds = _index(ours)
        print(f"{entries:,} entries indexed in {index_seconds:.1f} s", flush=True)
        pin(0, CLIENT)
        served = stack.enter_context(_served(ours, rival))
        servers = Servers(*(stack.enter_context(closing(Wire(server.host, server.port))) for server in served))
        for server in served:
            settle(server)
        results, answers = _measured(servers, rival, number)
        results = list(_with_floor(results, answers, Path(name)))
        return Measurement(results, _total(servers.ours), entries, index_seconds, *_export(served[0]))


def _measured(servers: Servers, rival: Path, number: int) -> tuple[list[Result], dict[Target, Answer]]:
    measured = [_measure(servers, case) for case in cases(rival, number + BLOCK)]
    return [result for result, _ in measured], {target: one for _, some in measured for target, one in some.items()}


def _total(wire: Wire) -> int:
    return int(orjson.loads(_timed(wire, "/v1/studies?limit=1").body)["total"])


def main(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where a target is missed.")] = False,
    studies: Annotated[int, typer.Option(help="Studies to multiply the seeds to, at least.")] = 200_000,
    requests: Annotated[int, typer.Option(help="Measured requests of each case.")] = 40,
) -> None:
    """Measure the server against Datasette and Django REST framework."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # otherwise the servers would outlive us
    try:
        measured = _run(studies, requests)
    except (NotStarted, Failed, OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    console = Console(width=170, soft_wrap=True)
    console.print(table_of(measured, requests, BLOCK))
    for line in lines_of(measured):
        console.print(line)
    if check and measured.missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
