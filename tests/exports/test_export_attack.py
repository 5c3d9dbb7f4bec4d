"""Ten slow readers of exports beside twenty quick ones: everybody is answered rightly, and how fast is printed.

Run with `-s` to see the figure. Nothing is asserted of time, which other programs on the machine decide as well.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from statistics import quantiles

import httpx
import pytest

from app.database.engine import open_engine
from benchmarks.data import grow
from tests.commands import environment, evidence
from tests.conftest import NewDatabase, await_index
from tests.exporting import open_reads, stopped_reader

SLOW, QUICK, SECONDS = 10, 20, 8.0
PATH = "/v1/studies?format=csv"


@pytest.fixture(scope="module")
def large(new_seeded: NewDatabase) -> Path:
    """A database with 2,000 studies, whose csv has 6 MB."""
    url = new_seeded("sqlite")
    engine = open_engine(url)
    grow(engine, 2000)
    engine.dispose()
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def api(large: Path) -> Iterator[httpx.Client]:
    """A service in a process of its own, set as it comes."""
    env = environment(large, EVIDENCE_SEARCH_PATH=":memory:")
    process = subprocess.Popen([*evidence(), "serve", "--port", "0"], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if " on http" in line)
        with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=60) as client:
            await_index(client)
            yield client
    finally:
        process.terminate()
        process.communicate()


def quick_reader(port: int, number: int, turns: Iterator[int], until: float) -> list[float]:
    """Asks for a record and for a small export that nobody has asked for, again and again; returns the seconds."""
    found = []
    connection = HTTPConnection("127.0.0.1", port, timeout=60, source_address=(f"127.0.0.{3 + number}", 0))
    connection.connect()
    while time.monotonic() < until:
        for path in (f"/v1/studies?format=csv&phase=4&title=not:{next(turns)}", "/v1/studies/preempt-1"):
            started = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            found.append(time.perf_counter() - started)
            assert answer.status == 200
        time.sleep(0.2)
    connection.close()
    return found


def p99(api: httpx.Client, turns: Iterator[int]) -> float:
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(QUICK) as threads:
        runs = [threads.submit(quick_reader, api.base_url.port or 0, number, turns, until) for number in range(QUICK)]
        times = [seconds for run in runs for seconds in run.result()]
    return quantiles(times, n=100)[98] * 1000


@pytest.mark.long
@pytest.mark.parametrize("same", [True, False], ids=["the same export", "an export each"])
def test_slow_readers_do_not_slow_down_quick_ones(api: httpx.Client, large: Path, same: bool) -> None:
    paths = [PATH if same else f"{PATH}&title=not:{number}" for number in range(SLOW)]
    whole = len(api.get(PATH).content)
    turns = count()
    p99(api, turns)  # once in vain, so that both that count find everything warm
    alone = p99(api, turns)
    with ExitStack() as readers:
        statuses = [readers.enter_context(stopped_reader(api, path, address="127.0.0.2")).status for path in paths]
        assert statuses == [200] * 8 + [429] * 2
        beside = p99(api, turns)
        last = readers.enter_context(stopped_reader(api, PATH, address="127.0.0.60"))
        body = last.read()
        engine = open_engine(f"sqlite:///{large}")
        assert open_reads(engine) == 0
        engine.dispose()
    assert len(body) == whole
    sys.stdout.write(
        f"quick p99 alone {alone:.1f} ms, beside {SLOW} slow {beside:.1f} ms: {beside / alone:.2f} times\n"
    )
