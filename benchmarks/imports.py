"""Measures imports: registry records and PubMed articles from files into an empty database.

`make bench-imports ARGS="--studies 100000"`. The import command is run as users run it, and the search index is built
after it; the time includes both. For comparison, the same rows are stored by the driver alone.
"""

import argparse
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson
import psutil  # type: ignore[import-untyped]

from app.database.engine import open_engine
from app.database.migrations import migrate
from benchmarks import plain, registry
from benchmarks.processes import sampled
from benchmarks.releases import databases

LEAST = {"sqlite": 1_500, "postgresql": 1_000}
"""The targets in studies per second, including the index."""
LEAST_OF_PLAIN = 0.3
LEAST_ARTICLES = 2_000
MOST_MEGABYTES = 300

COMMAND = "from app.cli.main import main; main()"

INDEX = """
import sys, time
from pathlib import Path
from app.database.engine import open_engine, reading
from app.query.pages import now
from app.search.index import SearchIndex
engine = open_engine(sys.argv[1])
with reading(engine) as connection:
    print(SearchIndex(Path(sys.argv[2]), engine).build(connection, now(connection)))
"""


class ImportResult(NamedTuple):
    """The result of one run of the import command."""

    seconds: float
    megabytes: float
    """The peak of the private memory of all its processes together."""
    report: dict[str, Any]


def _private(process: psutil.Process) -> float:
    """The private memory of a process and its children in megabytes, without mapped files."""
    try:
        found = [each.memory_info() for each in (process, *process.children(recursive=True))]
    except psutil.Error:  # one of the processes has just ended
        return 0.0
    return sum(float(each.rss - each.shared) for each in found) / 1e6


def _import(url: str, format: str, file: Path) -> ImportResult:
    command = [sys.executable, "-c", COMMAND, "import", format, str(file), "--json"]
    environment = {**os.environ, "EVIDENCE_DATABASE_URL": url}
    started, peaks = time.perf_counter(), [0.0]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with sampled(partial(_private, psutil.Process(process.pid)), peaks, 0.2):
        output, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the import of {file.name} failed: {errors.decode()[-2000:]}")
    return ImportResult(time.perf_counter() - started, max(peaks), orjson.loads(output))


def _index(url: str, folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", INDEX, url, str(folder)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _plain(url: str, beside: str) -> float:
    source = open_engine(url)
    try:
        copy = plain.copy_sqlite if source.dialect.name == "sqlite" else plain.copy_postgresql
        return copy(source, beside)
    finally:
        source.dispose()


def _empty(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


def _word(reached: bool) -> str:
    return "reached" if reached else "missed"


def _studies(name: str, urls: tuple[str, str], file: Path, wanted: int, *, compare: bool) -> bool:
    url, beside = urls
    _empty(url)
    imported = _import(url, "ctgov", file)
    with TemporaryDirectory() as folder:
        index = _index(url, Path(folder) / "index")
    rate = wanted / (imported.seconds + index)
    good = [rate >= LEAST[name], imported.megabytes <= MOST_MEGABYTES]
    print(f"{name}: {wanted:,} studies in {imported.seconds:.1f} s, indexed in {index:.1f} s: {rate:,.0f} studies/s")
    print(f"  {_word(good[0])} (>= {LEAST[name]:,}); {imported.report['counts']['created']:,} records")
    print(f"  {imported.megabytes:.0f} MB at most: {_word(good[1])} (<= {MOST_MEGABYTES})")
    if compare:
        seconds = _plain(url, beside)
        ratio = seconds / (imported.seconds + index)
        good.append(ratio >= LEAST_OF_PLAIN)
        print(f"  the same rows and nothing else: {seconds:.1f} s, {ratio:.2f} of that rate {_word(good[-1])}", end=" ")
        print(f"(>= {LEAST_OF_PLAIN})", flush=True)
    return all(good)


def _articles(name: str, url: str, file: Path, wanted: int) -> bool:
    _empty(url)
    imported = _import(url, "pubmed", file)
    rate = wanted / imported.seconds
    good = rate >= LEAST_ARTICLES
    print(f"{name}: {wanted:,} articles in {imported.seconds:.1f} s: {rate:,.0f} a second {_word(good)}", end=" ")
    print(f"(>= {LEAST_ARTICLES:,}), {imported.megabytes:.0f} MB at most", flush=True)
    return good


def main() -> int:
    """Run the benchmark; returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--backends", default="sqlite,postgresql")
    parser.add_argument("--only", action="store_true", help="do not store the same rows plainly beside it")
    options = parser.parse_args()
    results = []
    with TemporaryDirectory(prefix="evidence-bench-") as name, databases(options.backends.split(",")) as found:
        studies, articles = Path(name) / "studies.ndjson", Path(name) / "articles.xml.gz"
        registry.write_studies(studies, options.studies)
        registry.write_articles(articles, options.articles)
        for backend, url in found:
            others = [_beside(url, word) for word in ("plain", "articles")]
            results.append(_studies(backend, (url, others[0]), studies, options.studies, compare=not options.only))
            if options.articles:
                results.append(_articles(backend, others[1], articles, options.articles))
    return 0 if all(results) else 1


def _beside(url: str, word: str) -> str:
    """The URL of another database beside `url`, of the same kind."""
    if url.startswith("sqlite"):
        return url.replace("evidence.db", f"{word}.db")
    engine = open_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {word}")
    engine.dispose()
    return url.replace("/postgres?", f"/{word}?")


if __name__ == "__main__":
    sys.exit(main())
