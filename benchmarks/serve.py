"""Compares the requests per second of the real server and of a bare one, measured in turns in the same run.

`python -m benchmarks.serve` (or `make bench`). A ratio says more than a rate, which depends mostly on the machine.
"""

import pickle
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from benchmarks.cases import Case, capture, capture_cached
from benchmarks.data import database
from benchmarks.exchanges import ask
from benchmarks.load import Failed, Tool, installed, run_load, write_requests
from benchmarks.processes import NotStarted, Server, python, settle
from benchmarks.report import Result, as_of_cost, table_of

WARM_UP_SECONDS = 1.0

SERVE = "from app.cli.main import main; main()"  # what the `evidence` script does, with the code in this directory


class Servers(NamedTuple):
    """The real server, the bare one, and the cases that they answer."""

    ours: Server
    bare: Server
    cases: list[Case]


@contextmanager
def _connection(server: Server) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(server.host, server.port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _servers(folder: Path, studies: int, *, kept: bool) -> Iterator[Servers]:
    """Start the real server and a bare one that gives the same answers; `kept` turns the response cache on."""
    file = folder / "evidence.db"
    shutil.copyfile(database(studies), file)
    environment = {
        "EVIDENCE_DATABASE_URL": f"sqlite:///{file}",
        "EVIDENCE_ACCESS_LOG": "false",
        "EVIDENCE_LIMITS": "false",
    }
    if not kept:
        environment["EVIDENCE_ANSWER_CACHE_BYTES"] = "0"
    with ExitStack() as stack:
        ours = stack.enter_context(python("-c", SERVE, "serve", "--port", "0", environment=environment))
        with _connection(ours) as connection:
            cases = capture_cached(connection, studies) if kept else capture(connection, studies)
        answers = folder / "answers"
        answers.write_bytes(pickle.dumps({t.key: answer for case in cases for t, answer in case.answers.items()}))
        bare = stack.enter_context(python("-m", "benchmarks.bare", str(answers)))
        _prove_equal(bare, cases)
        settle(ours)
        yield Servers(ours, bare, cases)


def _prove_equal(bare: Server, cases: Sequence[Case]) -> None:
    """Check that the bare server gives the real one's answers, except for `Date`; raises `Failed`."""
    with _connection(bare) as connection:
        for case in cases:
            target, answer = next(iter(case.answers.items()))
            if ask(connection, target) != answer:
                raise Failed(f"{case.name}: the bare server answers {target.path} otherwise than the real one")


def _measure(servers: Servers, case: Case, folder: Path, tool: Tool, rounds: int, seconds: float) -> Result:
    requests = write_requests(folder / "requests", case.answers)
    load = partial(run_load, tool, case=case.name, requests=requests)
    for server in (servers.bare, servers.ours):
        load(server, seconds=WARM_UP_SECONDS)
    turns = [(load(servers.bare, seconds=seconds), load(servers.ours, seconds=seconds)) for _ in range(rounds)]
    return Result(case, turns)


def _run(studies: int, rounds: int, seconds: float, tool: Tool) -> list[Result]:
    results: list[Result] = []
    for kept in (False, True):
        with TemporaryDirectory(prefix="evidence-bench-") as name, _servers(Path(name), studies, kept=kept) as servers:
            results += [_measure(servers, case, Path(name), tool, rounds, seconds) for case in servers.cases]
    return results


def main(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where a target is missed.")] = False,
    studies: Annotated[int, typer.Option(help="Studies to grow the seeds to.")] = 20_000,
    rounds: Annotated[int, typer.Option(help="Turns of each server in each case.")] = 5,
    seconds: Annotated[float, typer.Option(help="Length of a turn.")] = 3.0,
    own_client: Annotated[bool, typer.Option("--own-client", help="Even where wrk is installed.")] = False,
) -> None:
    """Measure the server against a bare ASGI app on the same bytes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # otherwise the servers would outlive us
    tool: Tool = "client" if own_client else installed()
    try:
        results = _run(studies, rounds, seconds, tool)
    except (NotStarted, Failed, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    title = f"{studies:,} studies, one worker, SQLite; load by {tool}; median of {rounds} turns of {seconds:g} s"
    console = Console(width=170, soft_wrap=True)
    console.print(table_of(results, title))
    console.print(as_of_cost(results), highlight=False)
    if check and any(result.missed for result in results):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
