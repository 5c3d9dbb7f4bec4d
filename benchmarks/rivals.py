"""How fast the service answers beside Datasette and an equal Django REST framework app, in one run on the same data.

`python -m benchmarks.rivals` (or `make bench-rivals`). The rivals get a virtualenv of their own under build/; ours
answers without its cache of finished answers. The three are asked in turns, one request at a time over a kept
connection, by a client that does nothing but read the bytes, and no server is asked anything twice.

Equal content is asked of all three. Ours serves whole nested documents, so the rivals are given each study's document
ready made, which spares them the joins and nested serializers that would make it: Datasette sends it as the text it is,
Django as a JSON field. Beside each such case stands the same one for the columns of a plain table, which ours cuts out
of its documents (`fields=`). The rivals' tables have an index for each filter, one on indication and year among them.

A full-text search answers with the best 20, a snippet of each and the exact number of all. Datasette ranks only in SQL
of one's own, so that is what it is asked; the page of its table, which shows the first 20 in the table's order with no
snippets, is told beside. Datasette is spared its suggestions of more facets, which cost it far more than the answer;
what it takes as it comes is told beside.
"""

import shutil
import signal
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.db import open_engine, reading
from app.reading import now
from app.search.index import SearchIndex
from benchmarks.load import Failed
from benchmarks.processes import CLIENT, NotStarted, Server, pin, python, settle
from benchmarks.rival_data import asked_words, indications, many, rival_database
from benchmarks.rival_targets import SPARED, facets, filtered, filtered_columns, words, words_columns, words_unranked
from benchmarks.serve import SERVE
from benchmarks.wire import Reply, Wire

HERE = Path(__file__).parent
VENV = HERE.parent / "build" / "rivals"
PACKAGES = ("datasette>=0.65,<1", "django>=5.2,<6", "djangorestframework>=3.16", "gunicorn>=23", "uvloop", "httptools")
INTO = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
"""Becomes another program, so that a server of the other virtualenv is started and pinned as ours is."""

AS_IT_COMES = 5
"""So many requests suffice for what takes so long."""

WARM_UP, LEAST_INDEXED, MOST_GROWN = 5, 10_000, 50.0


class Case(NamedTuple):
    name: str
    targets: list[tuple[str, str, str]]
    """What to ask of ours, of Datasette and of Django."""
    count: Callable[[bytes], int]
    least: tuple[float | None, float | None]
    """How much faster than Datasette and than Django ours is to be."""


class Result(NamedTuple):
    case: Case
    seconds: tuple[float, float, float]
    as_it_comes: float
    """Datasette's, with its suggestions."""

    @property
    def ratios(self) -> tuple[float, float]:
        ours, datasette, django = self.seconds
        return datasette / ours, django / ours

    @property
    def missed(self) -> bool:
        return any(ratio < (least or 0.0) for ratio, least in zip(self.ratios, self.case.least, strict=True))


class Measured(NamedTuple):
    results: list[Result]
    studies: int
    entries: int
    index_seconds: float
    grown: float
    grown_private: float
    exported: int
    export_seconds: float

    @property
    def indexed(self) -> float:
        return self.studies / self.index_seconds

    @property
    def missed(self) -> bool:
        slow = any(result.missed for result in self.results)
        return slow or self.indexed < LEAST_INDEXED or self.grown >= MOST_GROWN


def _install() -> str:
    """The rivals' Python, with what they need; made once."""
    executable, done = VENV / "bin" / "python", VENV / "installed"
    wanted = "\n".join(PACKAGES)
    if not done.exists() or done.read_text() != wanted:
        print(f"Installing the rivals into {VENV} ...", flush=True)
        venv.create(VENV, with_pip=True, clear=True)
        subprocess.run([str(executable), "-m", "pip", "install", "-qq", *PACKAGES], check=True)
        done.write_text(wanted)
    return str(executable)


def _members(body: bytes) -> int:
    """How many records an answer shows."""
    answer = orjson.loads(body)
    return len(answer.get("items", answer.get("results", answer.get("rows", ()))))


def _counts(body: bytes) -> int:
    """The sum of all counts of all values in an answer's facets; studies without a value are left out everywhere."""
    answer = orjson.loads(body)
    if "facet_results" in answer:
        if answer.get("facets_timed_out"):
            raise Failed("Datasette gave up counting")
        lists = [facet["results"] for facet in answer["facet_results"].values()]
        return sum(entry["count"] for entries in lists for entry in entries if entry["value"] is not None)
    if "results" in answer or "items" not in answer:
        entries = [(entry.get(name), entry["count"]) for name, found in answer["facets"].items() for entry in found]
        return sum(count for value, count in entries if value is not None)
    return sum(entry["count"] for facet in answer["facets"].values() for entry in facet["values"])


def _cases(rival: Path, number: int) -> list[Case]:
    whole = number + WARM_UP
    ranges = [(1985 + place % 12, 2026 - place // 12 % 12) for place in range(whole)]
    lows = (None, 1990, 1995, 2000, 2005, 2010)
    pages = [(indication, low) for low in lows for indication in indications(rival)][:whole]
    asked = asked_words(rival, 3 * whole)
    best, best_columns, first = (asked[place::3] for place in range(3))
    none = (None, None)
    return [
        Case("full text, best 20", [words(some) for some in best], _members, (5, 5)),
        Case("  the same, columns", [words_columns(some) for some in best_columns], _members, none),
        Case("  Datasette's first 20, columns", [words_unranked(some) for some in first], _members, none),
        Case("two facets, a range of years", [facets(*years) for years in ranges], _counts, (10, 10)),
        Case("a filtered page of 50", [filtered(*page) for page in pages], _members, (8, None)),
        Case("  the same, columns", [filtered_columns(*page) for page in pages], _members, none),
    ]


def _timed(wire: Wire, path: str) -> Reply:
    reply = wire.ask(path)
    if reply.status != 200:
        raise Failed(f"{path} was answered {reply.status}: {reply.body.decode()[:500]}")
    return reply


def _measure(wires: Sequence[Wire], case: Case) -> Result:
    """Each target of each server in turn; the first few warm them up."""
    times: list[list[float]] = [[], [], []]
    differing = 0
    for targets in case.targets:
        turns = [_timed(*turn) for turn in zip(wires, targets, strict=True)]
        differing += len({case.count(reply.body) for reply in turns}) > 1
        for seconds, reply in zip(times, turns, strict=True):
            seconds.append(reply.seconds)
    if differing:
        print(f"{case.name}: {differing} of {len(case.targets)} are answered with other numbers of records", flush=True)
    ours, datasette, django = (median(some[WARM_UP:]) for some in times)
    some = [path.replace(SPARED, "") for _, path, _ in case.targets[-AS_IT_COMES:]]
    as_it_comes = median(_timed(wires[1], path).seconds for path in some)
    return Result(case, (ours, datasette, django), as_it_comes)


def _memory(pid: int) -> tuple[float, float]:
    """Resident and, of that, private memory in megabytes; the rest are pages of files, such as the database's."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    found = {fields[0]: int(fields[1]) / 1000 for fields in lines if fields[0] in ("VmRSS:", "RssAnon:")}
    return found["VmRSS:"], found["RssAnon:"]


@contextmanager
def _watched(pid: int, peaks: list[tuple[float, float]]) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            peaks.append(_memory(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _export(server: Server) -> tuple[float, float, int, float]:
    """How much the server grows while it exports all studies as csv, in all and private, the bytes and the seconds."""
    before, peaks = _memory(server.pid), [_memory(server.pid)]
    connection, size, started = HTTPConnection(server.host, server.port, timeout=600), 0, time.perf_counter()
    try:
        with _watched(server.pid, peaks):
            connection.request("GET", "/v1/studies?format=csv")
            response = connection.getresponse()
            while piece := response.read(1 << 18):
                size += len(piece)
    finally:
        connection.close()
    resident, private = (max(peak[place] for peak in peaks) - before[place] for place in (0, 1))
    return resident, private, size, time.perf_counter() - started


def _index(file: Path) -> tuple[int, float]:
    """Builds the index where the server will look for it."""
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
    gunicorn += ["--threads", "1", "--keep-alive", "600", "benchmarks.rival_django:application"]
    with ExitStack() as stack:
        start = stack.enter_context
        yield (
            start(python("-c", SERVE, "serve", "--port", "0", environment=environment)),
            start(python("-c", INTO, other, "-m", "datasette", str(rival), "--port", "0", *settings)),
            start(python("-c", INTO, other, *gunicorn, environment={"RIVAL_DATABASE": str(rival)})),
        )


def _run(studies: int, number: int) -> Measured:
    kept = many(studies)
    VENV.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="evidence-bench-", dir=VENV.parent) as name, ExitStack() as stack:
        ours, rival = Path(name) / "evidence.db", Path(name) / "rival.db"
        shutil.copyfile(kept, ours)
        rival_database(ours, rival)
        entries, index_seconds = _index(ours)
        print(f"{entries:,} entries indexed in {index_seconds:.1f} s", flush=True)
        pin(0, CLIENT)
        servers = stack.enter_context(_served(ours, rival))
        wires = [Wire(server.host, server.port) for server in servers]
        for wire in wires:
            stack.callback(wire.close)
        for server in servers:
            settle(server)
        results = [_measure(wires, case) for case in _cases(rival, number)]
        return Measured(results, _total(wires[0]), entries, index_seconds, *_export(servers[0]))


def _total(wire: Wire) -> int:
    return int(orjson.loads(_timed(wire, "/v1/studies?limit=1").body)["total"])


def _verdict(ratio: float, least: float | None) -> str:
    if least is None:
        return f"{ratio:.1f}x"
    return f"{ratio:.1f}x {'reached' if ratio >= least else 'missed'} (≥ {least:g})"


def _table(measured: Measured, number: int) -> Table:
    title = f"{measured.studies:,} studies, one worker each, SQLite; medians of {number} different requests in turns"
    table = Table(title=title, title_justify="left")
    table.add_column("case")
    for column in ("ours ms", "Datasette ms", "Django ms", "requests/s", "to Datasette", "to Django", "as it comes"):
        table.add_column(column, justify="right")
    for result in measured.results:
        verdicts = [_verdict(*pair) for pair in zip(result.ratios, result.case.least, strict=True)]
        rates = " / ".join(f"{1 / seconds:,.0f}" for seconds in result.seconds)
        whole = f"{result.as_it_comes * 1000:,.0f} ms, {result.as_it_comes / result.seconds[0]:.1f}x"
        table.add_row(result.case.name, *(f"{s * 1000:.2f}" for s in result.seconds), rates, *verdicts, whole)
    table.caption = "As it comes: Datasette with its suggestions of more facets, made unless told not to be."
    table.caption_justify = "left"
    return table


def _lines(measured: Measured) -> Iterator[str]:
    built = "reached" if measured.indexed >= LEAST_INDEXED else "missed"
    rate = measured.entries / measured.index_seconds
    yield f"index build: {measured.indexed:,.0f} studies/s {built} (≥ {LEAST_INDEXED:,}), {rate:,.0f} entries/s in all"
    kept = "reached" if measured.grown < MOST_GROWN else "missed"
    yield (
        f"csv export: {measured.exported / 1e6:,.0f} MB in {measured.export_seconds:.0f} s; memory grew by "
        f"{measured.grown:.0f} MB {kept} (< {MOST_GROWN:g}), {measured.grown_private:.0f} MB of it private"
    )


def main(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where a target is missed.")] = False,
    studies: Annotated[int, typer.Option(help="Studies to multiply the seeds to, at least.")] = 200_000,
    requests: Annotated[int, typer.Option(help="Measured requests of each case.")] = 40,
) -> None:
    """Measure the server against Datasette and Django REST framework."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers do not outlive us
    try:
        measured = _run(studies, requests)
    except (NotStarted, Failed, OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    console = Console(width=170, soft_wrap=True)
    console.print(_table(measured, requests))
    for line in _lines(measured):
        console.print(line)
    if check and measured.missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
