"""Measures the quality and speed of search: nDCG@10 on SciFact's training judgements, beside plain BM25.

`python -m benchmarks.search` (or `make bench-search`): SciFact's abstracts are loaded as publications, and its queries
are sent over HTTP with `match=any`.
"""

import signal
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from statistics import fmean, quantiles
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.database.engine import open_engine
from app.database.migrations import migrate
from app.search import analysis
from app.store.revision import changing, write
from app.store.submission import Submission
from app.store.validation import check
from benchmarks.exchanges import Answer, Target, ask
from benchmarks.load import Failed
from benchmarks.ndcg import DEPTH, JudgedQuery, Missing, PlainBM25, corpus, judged, ndcg
from benchmarks.processes import NotStarted, Server, python
from benchmarks.serve import SERVE

TARGET = 0.70
SOURCE = {"id": "scifact", "kind": "compilation", "tier": "other", "title": "SciFact, as distributed by BEIR"}
PREFIX = "scifact-"
READY_SECONDS = 120


class QueryResult(NamedTuple):
    """The ids that the service found for a query, the best first, and its time."""

    ranked: list[str]
    seconds: float


def _publication(document: Any) -> dict[str, Any]:
    abstract = {"abstract": document["text"]} if document["text"].strip() else {}
    title = {"title": document["title"], "title_kind": "printed"}
    return {"id": PREFIX + document["_id"], **title, **abstract, "provenance": [{"source": "scifact"}]}


def _load(url: str, documents: Sequence[Any]) -> None:
    """Load the abstracts as publications, written like every record."""
    engine = open_engine(url)
    migrate(engine)
    drafts = [
        Submission(number, "publications", _publication(document)) for number, document in enumerate(documents, 1)
    ]
    with changing(engine) as connection:
        entries, faults = check(connection, [Submission(0, "sources", SOURCE), *drafts])
        if faults:
            raise Failed(f"the abstracts have faults: {faults[:3]}")
        write(connection, entries, actor="benchmark", reason="SciFact")
    engine.dispose()


def _target(query: str) -> Target:
    """The request for a query. Only its words are sent, because SciFact's queries do not use our query language."""
    plain = {"q": " ".join(analysis.words(query)), "match": "any", "limit": DEPTH, "fields": "id"}
    return Target(f"/v1/publications?{urlencode(plain)}")


def _answer(connection: HTTPConnection, target: Target) -> Answer:
    """The answer to a request, repeated while the index is being built."""
    end = time.monotonic() + READY_SECONDS
    while (answer := ask(connection, target)).status == 503 and time.monotonic() < end:
        time.sleep(0.1)
    if answer.status != 200:
        raise Failed(f"{target.path} was answered {answer.status}: {answer.body.decode()}")
    return answer


def _run_query(connection: HTTPConnection, query: str) -> QueryResult:
    started = time.perf_counter()
    answer = _answer(connection, _target(query))
    seconds = time.perf_counter() - started
    return QueryResult([item["id"].removeprefix(PREFIX) for item in orjson.loads(answer.body)["items"]], seconds)


def _run_queries(server: Server, queries: Sequence[JudgedQuery]) -> list[QueryResult]:
    connection = HTTPConnection(server.host, server.port, timeout=30)
    try:
        _answer(connection, _target("is the index there"))
        return [_run_query(connection, judged.query) for judged in queries]
    finally:
        connection.close()


def _measure(documents: Sequence[Any], queries: Sequence[JudgedQuery]) -> list[QueryResult]:
    with TemporaryDirectory(prefix="evidence-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'evidence.db'}"
        _load(url, documents)
        environment = {"EVIDENCE_DATABASE_URL": url, "EVIDENCE_LIMITS": "false"}
        with python("-c", SERVE, "serve", "--port", "0", environment=environment) as server:
            return _run_queries(server, queries)


def _quality(rankings: Sequence[Sequence[str]], queries: Sequence[JudgedQuery]) -> float:
    return fmean(ndcg(ranked, judged.gains) for ranked, judged in zip(rankings, queries, strict=True))


def _table(ours: float, bm25: float, found: Sequence[QueryResult], documents: int) -> Table:
    table = Table(title=f"SciFact: {len(found)} judged queries, {documents:,} abstracts", title_justify="left")
    for name in (f"nDCG@{DEPTH}", "plain BM25", "target", "queries/s", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    times = quantiles([one.seconds * 1000 for one in found], n=100)
    verdict = f"{'reached' if ours >= TARGET else 'missed'} (≥ {TARGET:.2f})"
    rate = len(found) / sum(one.seconds for one in found)
    table.add_row(f"{ours:.4f}", f"{bm25:.4f}", verdict, f"{rate:,.0f}", f"{times[49]:.2f}", f"{times[98]:.2f}")
    return table


def main(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where the target is missed.")] = False,
) -> None:
    """Measure how well SciFact's abstracts are found."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # otherwise the server would outlive us
    try:
        documents, queries = corpus(), judged()
        found = _measure(documents, queries)
    except (Missing, NotStarted, Failed, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    plain = PlainBM25(documents)
    ours = _quality([one.ranked for one in found], queries)
    bm25 = _quality([plain.ranked(judged.query) for judged in queries], queries)
    Console(width=170, soft_wrap=True).print(_table(ours, bm25, found, len(documents)))
    if check and ours < TARGET:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
