"""How well the service finds: nDCG@10 on SciFact's training judgements, beside plain BM25, and how fast it answers.

`python -m benchmarks.search` (or `make bench-search`): its abstracts are loaded as publications, and asked for over
HTTP with `match=any`, as anyone would.
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
from app.store.submission import Draft
from app.store.validation import check
from benchmarks.exchanges import Answer, Target, ask
from benchmarks.load import Failed
from benchmarks.ndcg import DEPTH, Judged, Missing, PlainBM25, corpus, judged, ndcg
from benchmarks.processes import NotStarted, Server, python
from benchmarks.serve import SERVE

TARGET = 0.70
SOURCE = {"id": "scifact", "kind": "compilation", "tier": "other", "title": "SciFact, as distributed by BEIR"}
PREFIX = "scifact-"
READY_SECONDS = 120


class Asked(NamedTuple):
    ranked: list[str]
    seconds: float


def _publication(document: Any) -> dict[str, Any]:
    abstract = {"abstract": document["text"]} if document["text"].strip() else {}
    title = {"title": document["title"], "title_kind": "printed"}
    return {"id": PREFIX + document["_id"], **title, **abstract, "provenance": [{"source": "scifact"}]}


def _load(url: str, documents: Sequence[Any]) -> None:
    """The abstracts as publications, written the way every record is."""
    engine = open_engine(url)
    migrate(engine)
    drafts = [Draft(number, "publications", _publication(document)) for number, document in enumerate(documents, 1)]
    with changing(engine) as connection:
        entries, faults = check(connection, [Draft(0, "sources", SOURCE), *drafts])
        if faults:
            raise Failed(f"the abstracts have faults: {faults[:3]}")
        write(connection, entries, actor="benchmark", reason="SciFact")
    engine.dispose()


def _target(query: str) -> Target:
    """The query's words; what the query language reads as more than words is none of theirs."""
    plain = {"q": " ".join(analysis.words(query)), "match": "any", "limit": DEPTH, "fields": "id"}
    return Target(f"/v1/publications?{urlencode(plain)}")


def _answer(connection: HTTPConnection, target: Target) -> Answer:
    """An answer, once the index is there."""
    end = time.monotonic() + READY_SECONDS
    while (answer := ask(connection, target)).status == 503 and time.monotonic() < end:
        time.sleep(0.1)
    if answer.status != 200:
        raise Failed(f"{target.path} was answered {answer.status}: {answer.body.decode()}")
    return answer


def _asked(connection: HTTPConnection, query: str) -> Asked:
    started = time.perf_counter()
    answer = _answer(connection, _target(query))
    seconds = time.perf_counter() - started
    return Asked([item["id"].removeprefix(PREFIX) for item in orjson.loads(answer.body)["items"]], seconds)


def _all_asked(server: Server, queries: Sequence[Judged]) -> list[Asked]:
    connection = HTTPConnection(server.host, server.port, timeout=30)
    try:
        _answer(connection, _target("is the index there"))
        return [_asked(connection, judged.query) for judged in queries]
    finally:
        connection.close()


def _measure(documents: Sequence[Any], queries: Sequence[Judged]) -> list[Asked]:
    with TemporaryDirectory(prefix="evidence-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'evidence.db'}"
        _load(url, documents)
        environment = {"EVIDENCE_DATABASE_URL": url, "EVIDENCE_LIMITS": "false"}
        with python("-c", SERVE, "serve", "--port", "0", environment=environment) as server:
            return _all_asked(server, queries)


def _quality(rankings: Sequence[Sequence[str]], queries: Sequence[Judged]) -> float:
    return fmean(ndcg(ranked, judged.gains) for ranked, judged in zip(rankings, queries, strict=True))


def _table(ours: float, bm25: float, asked: Sequence[Asked], documents: int) -> Table:
    table = Table(title=f"SciFact: {len(asked)} judged queries, {documents:,} abstracts", title_justify="left")
    for name in (f"nDCG@{DEPTH}", "plain BM25", "target", "queries/s", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    times = quantiles([one.seconds * 1000 for one in asked], n=100)
    verdict = f"{'reached' if ours >= TARGET else 'missed'} (≥ {TARGET:.2f})"
    rate = len(asked) / sum(one.seconds for one in asked)
    table.add_row(f"{ours:.4f}", f"{bm25:.4f}", verdict, f"{rate:,.0f}", f"{times[49]:.2f}", f"{times[98]:.2f}")
    return table


def main(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where the target is missed.")] = False,
) -> None:
    """Measure how well SciFact's abstracts are found."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server does not outlive us
    try:
        documents, queries = corpus(), judged()
        asked = _measure(documents, queries)
    except (Missing, NotStarted, Failed, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    plain = PlainBM25(documents)
    ours = _quality([one.ranked for one in asked], queries)
    bm25 = _quality([plain.ranked(judged.query) for judged in queries], queries)
    Console(width=170, soft_wrap=True).print(_table(ours, bm25, asked, len(documents)))
    if check and ours < TARGET:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
