"""The attacks of a stranger on a real process of the service, in the numbers that were seen to hold it.

Attackers come from 127.0.0.2, honest clients from 127.0.0.3 and up, for shares are by address. Each test prints its
figures; what it asserts of time is only that nobody waits for a stranger.
"""

import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.commands import environment, evidence
from tests.sockets import ATTACKER, Client, clients

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("own_interpreters")]
HALF = b"GET /v1/studies HTTP/1.1\r\nhost: x\r\nx-slow: "
EVENTS = {"accept": "text/event-stream"}


@contextmanager
def service(database: Path, **settings: str) -> Iterator[tuple[httpx.Client, int]]:
    """The service as a process of its own, as it ships, and a client of it at 127.0.0.1."""
    command = [*evidence(), "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment(database, **settings), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if " on http" in line)
            with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=20) as client:
                while client.get("/v1/search?q=x&limit=0").status_code == 503:
                    time.sleep(0.1)
                yield client, process.pid
        finally:
            process.terminate()


def megabytes(pid: int) -> float:
    """The memory that a process has in use, in MB (proc(5), statm: the second number counts pages)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def seconds_of(api: httpx.Client, path: str, source: str = "127.0.0.3") -> float:
    """How long an honest client waits for a whole answer on a new connection."""
    started = time.monotonic()
    with clients(api, 1, source) as (client,):
        assert client.ask(path).answer()[0] == 200
    return time.monotonic() - started


@pytest.mark.parametrize("listeners", [2, 50])
def test_listeners_hear_at_once(sqlite_copy: Path, listeners: int) -> None:
    with service(sqlite_copy) as (api, _), clients(api, listeners, "127.0.0.3") as many:
        waits: list[float] = []
        for client in many:
            started = time.monotonic()
            client.ask("/v1/changes?since=0", **EVENTS)
            client.until(b"event: change")
            waits.append(time.monotonic() - started)
        print(f"{listeners} listeners waited at most {max(waits):.3f} s for their first event")
        assert max(waits) < 10


def test_three_long_polls(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as (api, _), clients(api, 3, "127.0.0.3") as polls:
        revision = api.get("/v1/changes?limit=1000").json()["revision"]
        took: list[float] = []

        def poll(client: Client) -> None:
            started = time.monotonic()
            assert client.ask(f"/v1/changes?since={revision}&wait=8").answer()[0] == 200
            took.append(time.monotonic() - started)

        threads = [threading.Thread(target=poll, args=(client,)) for client in polls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"long polls of 8 s took {', '.join(f'{seconds:.2f}' for seconds in took)} s")
        assert max(took) < 12


def test_two_hundred_connections_that_never_read(sqlite_copy: Path) -> None:
    """Each asks for ten different pages of a megabyte; memory stays, and others are answered."""
    with service(sqlite_copy, EVIDENCE_WRITE_TIMEOUT_SECONDS="60") as (api, process):
        alone = [seconds_of(api, f"/v1/studies?limit={number}") for number in range(1, 40)]
        api.get("/v1/studies?limit=190")
        before = megabytes(process)
        with clients(api, 200, room=4096) as many:
            for number, client in enumerate(many):
                sort = ("year", "-year", "title", "-title", "enrolled", "-enrolled")[number % 6]
                query = f"limit={120 + number % 70}&sort={sort}"
                client.ask(*(f"/v1/studies?{query}&enrolled={page}.." for page in range(10)))
            peak, until = before, time.monotonic() + 20
            waits: list[float] = []
            while time.monotonic() < until:
                waits.append(seconds_of(api, f"/v1/studies?limit={len(waits) % 40 + 41}"))
                peak = max(peak, megabytes(process))
            print(
                f"200 connections that never read: {before:.0f} MB, then at most +{peak - before:.0f} MB; "
                f"an honest page took {statistics.median(alone) * 1000:.1f} ms alone and "
                f"{statistics.median(waits) * 1000:.1f} ms (at most {max(waits) * 1000:.0f} ms) beside them"
            )
            assert peak - before <= 200
            assert seconds_of(api, "/readyz") < 10
        assert api.get("/readyz").status_code == 200


def test_fifteen_hundred_half_requests(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as (api, process), ExitStack() as stack:
        before = megabytes(process)
        for _ in range(1500):
            client = Client(api, ATTACKER)
            stack.callback(client.close)
            try:
                client.send(HALF)
            except OSError:
                continue
        waits = [seconds_of(api, "/readyz", f"127.0.0.{number}") for number in range(3, 23)]
        same = seconds_of(api, "/healthz", "127.0.0.1")
        print(
            f"1,500 half requests from one address: /readyz in "
            f"at most {max(waits) * 1000:.0f} ms; +{megabytes(process) - before:.0f} MB"
        )
        assert max([*waits, same]) < 10


def test_half_requests_from_everywhere(sqlite_copy: Path) -> None:
    """More connections than there are places, from many addresses: the oldest idle ones give way."""
    with service(sqlite_copy) as (api, _), ExitStack() as stack:
        for number in range(3000):
            client = Client(api, f"127.0.{1 + number // 250}.{1 + number % 250}")
            stack.callback(client.close)
            try:
                client.send(HALF)
            except OSError:
                continue
        waits = [seconds_of(api, "/readyz", f"127.0.0.{number}") for number in range(3, 23)]
        print(f"3,000 half requests from 3,000 addresses: /readyz in at most {max(waits) * 1000:.0f} ms")
        assert max(waits) < 10


def test_unread_pages_and_a_probe_on_one_connection(sqlite_copy: Path) -> None:
    """What made the image's own health check time out."""
    with service(sqlite_copy) as (api, _), clients(api, 1, room=4096) as (slow,):
        slow.ask(*(f"/v1/studies?limit={limit}" for limit in range(150, 180)), "/readyz")
        time.sleep(0.5)
        took = seconds_of(api, "/readyz")
        print(f"/readyz beside unread pages: {took * 1000:.1f} ms")
        assert took < 3


def test_pipelined_requests_do_not_fill_memory(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as (api, process), ExitStack() as stack:
        before = megabytes(process)
        for _ in range(100):
            client = Client(api, ATTACKER, room=4096)
            stack.callback(client.close)
            try:
                client.ask("/v1/studies?limit=190", *["/healthz"] * 8000)
            except OSError:
                continue
        time.sleep(1)
        after = megabytes(process)
        print(f"800,000 pipelined requests on 100 connections: +{after - before:.0f} MB")
        assert after - before < 100
        assert seconds_of(api, "/readyz") < 10


def test_forged_addresses(sqlite_copy: Path) -> None:
    """20,000 invented X-Forwarded-For, first from a stranger, then behind a proxy that is trusted."""
    for trusted in ("", "127.0.0.2"):
        with service(sqlite_copy, EVIDENCE_TRUSTED_PROXIES=trusted, EVIDENCE_ADDRESS_BURST="1000000") as (api, process):
            with clients(api, 1) as (client,):
                for number in range(2000):
                    client.ask("/v1/studies/none", x_forwarded_for=f"10.9.{number // 250}.{number % 250}")
                    client.answer()
            before = megabytes(process)
            with clients(api, 1) as (client,):
                for number in range(20_000):
                    address = f"10.{1 + number // 62500}.{number // 250 % 250}.{number % 250}"
                    client.ask("/v1/studies/none", x_forwarded_for=address)
                    client.answer()
            grown = megabytes(process) - before
            print(f"20,000 forged addresses, {'trusted' if trusted else 'not trusted'}: +{grown:.1f} MB")
            assert grown <= 5
