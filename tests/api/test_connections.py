"""Connections are bounded in time, in bytes and in number: slow, silent, greedy and many clients. Real sockets."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app.api.connections.connection_limits import ConnectionLimits
from app.api.connections.send_budget import STALLED_SECONDS, SendBudget
from app.api.connections.whole_answers import whole_answer
from app.api.http.stream_requests import is_stream
from app.api.limits.rate_limit import MOST_PARTIES, Policy, RateLimiter, Window
from app.api.limits.read_turns import MOST_WAITING, ReadTurns
from app.auth.models import Role
from app.common.problems import Problem
from app.settings import Settings
from tests.conftest import await_index, serving, settings_for
from tests.sockets import ATTACKER, Client, clients

HALF = b"GET /v1/studies HTTP/1.1\r\nhost: x\r\nx-slow: "
PAGE = "/v1/studies?limit=150"


@contextmanager
def service(url: str | Path, **more: object) -> Iterator[httpx.Client]:
    """The service over a SQLite file, with sockets that hold little."""
    with serving(settings_for(f"sqlite:///{url}", **more), send_buffer=16_384) as client:
        yield client


def takes_no_more(client: Client, piece: bytes, pause: float = 0.0) -> bool:
    """Whether the server ends the connection while the same is sent over and over."""
    try:
        for _ in range(2000 if not pause else 50):
            client.send(piece)
            time.sleep(pause)
    except OSError:
        return True
    return False


def test_half_a_request_is_a_408_and_the_connection_ends(sqlite_copy: Path) -> None:
    with service(sqlite_copy, header_timeout_seconds=0.5) as api, clients(api, 3) as (silent, half, drip):
        half.send(HALF)
        stop = threading.Event()

        def feed() -> None:
            drip.send(HALF)
            try:
                while not stop.wait(0.1):
                    drip.send(b"a")
            except OSError:
                pass

        feeding = threading.Thread(target=feed)
        feeding.start()
        assert silent.rest() == b""  # nothing was asked, so nothing is answered
        for client in (half, drip):
            status, headers = client.head()
            assert (status, headers["content-type"]) == (408, "application/problem+json")
            assert b"/problems/request-timeout" in client.rest()
        stop.set()
        feeding.join()


def test_content_that_stands_still_is_a_408(sqlite_copy: Path) -> None:
    head = b"POST /v1/studies HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{"
    with service(sqlite_copy, body_timeout_seconds=0.5) as api, clients(api, 1) as (client,):
        started = time.monotonic()
        client.send(head)
        assert client.head()[0] in (401, 408)  # without a key it is refused before its content is read
        client.rest()
        assert time.monotonic() - started < 15


def test_content_that_comes_slowly_but_comes_is_read(sqlite_copy: Path) -> None:
    with service(sqlite_copy, body_timeout_seconds=0.5) as api, clients(api, 1) as (client,):
        client.send(b"POST /v1/nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 40000\r\n\r\n")
        for _ in range(8):
            time.sleep(0.2)
            client.send(b"x" * 5000)
        assert client.head()[0] == 404


def test_headers_without_end_are_a_431(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.send(HALF)
        assert takes_no_more(client, b"a" * 4096)
        received = client.rest()
        assert received == b"" or received.startswith(b"HTTP/1.1 431 ")


def test_headers_without_end_behind_a_stream_end_the_connection(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.ask("/v1/changes?since=0", accept="text/event-stream")
        client.until(b"event: change")
        client.send(HALF)
        assert takes_no_more(client, b"a" * 4096)


def test_many_requests_at_once_on_one_connection_end_it(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api:
        few = Client(api).ask(*["/healthz"] * 20)
        assert [few.answer()[0] for _ in range(20)] == [200] * 20
        few.close()
        with clients(api, 1) as (client,):
            client.ask("/v1/studies?limit=100", *["/healthz"] * 3000)
            assert client.rest().count(b'{"status":"ok"}') < 100
        assert api.get("/healthz").status_code == 200


def test_who_stops_reading_is_cut_off_and_who_reads_slowly_is_not(sqlite_copy: Path) -> None:
    with service(sqlite_copy, write_timeout_seconds=1) as api, clients(api, 2, room=4096) as (stopped, slow):
        for client in (stopped, slow):
            client.ask(PAGE, connection="close")
        slowly = b""
        for _ in range(30):
            time.sleep(0.1)
            slowly += slow.socket.recv(16_384)
        slowly += slow.rest()
        assert slowly.endswith(b"}")
        assert takes_no_more(stopped, b"x", pause=0.1)
        assert not stopped.rest().endswith(b"}")


def test_what_one_address_does_not_read_leaves_room_for_others(sqlite_copy: Path) -> None:
    """A fourth of the bytes is the most for one address; what has stalled gives way to what is asked for anew."""
    with service(sqlite_copy, unsent_bytes=2_000_000, answer_cache_bytes=0) as api:
        size = len(api.get(PAGE, headers={"accept-encoding": "identity"}).content)
        assert 300_000 < size < 2_000_000
        with clients(api, 12, room=4096) as many:
            for client in many:
                client.ask(PAGE)
            time.sleep(STALLED_SECONDS + 0.5)
            for address in ("127.0.0.3", "127.0.0.4"):
                with clients(api, 1, address) as (honest,):
                    assert honest.ask(PAGE).answer()[0] == 200


def test_one_address_has_a_share_of_the_connections(sqlite_copy: Path) -> None:
    with service(sqlite_copy, address_connections=5, max_connections=100) as api, clients(api, 5) as many:
        for client in many:
            assert client.ask("/healthz").answer()[0] == 200
            client.send(HALF)
        with clients(api, 1) as (one_more,):
            status, headers = one_more.head()
            assert (status, headers["content-type"]) == (429, "application/problem+json")
        with clients(api, 1, "127.0.0.3") as (other,):
            assert other.ask("/readyz").answer()[0] == 200
        many[0].close()
        time.sleep(0.2)
        with clients(api, 1) as (again,):
            assert again.ask("/healthz").answer()[0] == 200


def test_the_oldest_idle_connection_gives_its_place_to_a_new_one(sqlite_copy: Path) -> None:
    with service(sqlite_copy, address_connections=50, max_connections=20) as api, clients(api, 30) as many:
        for client in many:
            try:
                client.send(HALF)
            except OSError:
                continue
        with clients(api, 1, "127.0.0.3") as (honest,):
            assert honest.ask("/readyz").answer()[0] == 200


def test_streams_of_one_address_leave_room_for_others(sqlite_copy: Path) -> None:
    with service(sqlite_copy, address_streams=3, max_streams=5) as api, clients(api, 3) as many:
        for client in many:
            client.ask("/v1/changes?since=0", accept="text/event-stream")
            client.until(b"event: change")
        with clients(api, 2) as (stream, poll):
            assert stream.ask("/v1/changes?since=0", accept="text/event-stream").answer()[0] == 429
            assert poll.ask("/v1/changes?since=99&wait=1").answer()[0] == 429
        with clients(api, 3, "127.0.0.3") as (one, two, three):
            for client in (one, two):
                client.ask("/v1/changes?since=0", accept="text/event-stream")
                client.until(b"event: change")
            assert three.ask("/v1/changes?since=0", accept="text/event-stream").answer()[0] == 503
        time.sleep(0.5)
        with clients(api, 1, "127.0.0.3") as (again,):
            assert again.ask("/v1/changes?since=0&wait=1").answer()[0] == 200


def test_bytes_and_time_are_limited_as_requests_are(sqlite_copy: Path) -> None:
    more = {"limits": True, "address_bytes": 900_000}
    with service(sqlite_copy, **more) as api:
        asked = {"accept-encoding": "identity"}
        answers = [api.get(PAGE, headers=asked) for _ in range(8)]  # the first one is made, the others are kept
        statuses = [answer.status_code for answer in answers]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        assert answers[-1].json()["detail"].startswith("At most 900000 bytes in 3600 seconds")
        assert sum(len(answer.content) for answer in answers if answer.status_code == 200) < 2_000_000
        assert api.get("/readyz").status_code == 200


def test_time_that_was_spent_comes_back() -> None:
    policy, window = Policy("time", "slow-down", "milliseconds", 60_000, 60), Window()
    window.add(policy, 60_000, 600.0)
    assert window.used(policy, 600.0) == 60_000
    assert window.wait(policy, 600.0) == 61
    assert window.used(policy, 690.0) == 30_000
    assert window.used(policy, 720.0) == 0
    window.add(policy, 60_000, 725.0)
    assert window.used(policy, 725.0 + window.wait(policy, 725.0)) + 1 <= 60_000


def test_tables_of_allowances_are_bounded() -> None:
    limits = RateLimiter(Settings(address_burst=2))
    for number in range(20_000):
        limits.take(key_id=None, address=f"192.0.{number // 250}.{number % 250}")
    assert len(limits._used) == MOST_PARTIES
    assert limits.take(key_id=None, address="192.0.79.249").problem is None
    assert limits.take(key_id=None, address="192.0.79.249").problem is not None


class Receiving:
    def __init__(self, address: str, progressed_at: float) -> None:
        self.address, self.progressed_at, self.is_cut_off = address, progressed_at, False
        self.is_answering = self.is_waiting_for_client = False

    def cut_off(self) -> None:
        self.is_cut_off = True


def test_one_body_for_many_is_counted_once_and_the_stalled_give_way() -> None:
    now = 100.0
    budget = SendBudget(1000, lambda: now)
    body, other = b"x" * 200, b"y" * 200
    same = [Receiving("a", now) for _ in range(3)]
    for receiver in same:
        budget.enter(receiver, receiver.address, body)
    assert budget.bytes_held == 200
    assert not budget.admits("a", 200)  # a fourth of 1000 is its share, and all of them read
    assert budget.admits("b", 200)
    now += STALLED_SECONDS + 1
    fresh = Receiving("b", now)
    budget.enter(fresh, "b", other)
    assert budget.admits("c", 700)
    assert [receiver.is_cut_off for receiver in (*same, fresh)] == [True, True, True, False]
    assert budget.bytes_held == 200
    budget.leave(fresh)
    assert budget.bytes_held == 0
    assert budget.admits("a", 5000)  # one record may be larger than everything


def test_connections_are_forgotten_and_a_proxy_has_no_share() -> None:
    limits = ConnectionLimits(3, 1, lambda address: address == "proxy")
    many = [Receiving("proxy", 0) for _ in range(3)]
    assert [limits.admit(connection) for connection in many] == [None] * 3
    assert limits.admit(Receiving("a", 0)) is None  # instead of the oldest that answers nothing
    assert [connection.is_cut_off for connection in many] == [True, False, False]
    refused = limits.admit(Receiving("a", 0))
    assert isinstance(refused, Problem)
    assert refused.kind == "slow-down"
    for connection in limits._open:
        connection.is_answering = True  # type: ignore[misc]  # one of ours
    busy = limits.admit(Receiving("b", 0))
    assert isinstance(busy, Problem)
    assert busy.kind == "too-busy"


def test_many_reads_of_one_address_are_all_answered_in_turn(sqlite_copy: Path) -> None:
    with service(sqlite_copy, limits=True, read_threads=3, answer_cache_bytes=0) as api:
        await_index(api)
        with clients(api, 30) as many:
            for number, client in enumerate(many):
                client.ask(f"/v1/studies?q=botox&limit={number + 1}")
            assert [client.answer()[0] for client in many] == [200] * 30


def test_turns_are_taken_in_order_and_given_back() -> None:
    async def go() -> list[int]:
        turns, done = ReadTurns(2, 0.2), list[int]()
        first = [await turns.take("192.0.2.1") for _ in range(2)]
        assert turns.are_taken("192.0.2.1")
        assert not turns.are_taken("192.0.2.2")
        assert await turns.take("192.0.2.2") == "192.0.2.2"

        async def wait(number: int) -> None:
            party = await turns.take("192.0.2.1")
            done.append(number)
            turns.end(party)

        waiting = [asyncio.create_task(wait(number)) for number in range(5)]
        await asyncio.sleep(0.05)
        assert done == []
        turns.end(first[0])
        await asyncio.gather(*waiting)
        turns.end(first[1])
        assert not turns.are_taken("192.0.2.1")
        held = [await turns.take("192.0.2.1") for _ in range(2)]
        with pytest.raises(Problem, match="too many wait already"):
            await turns.take("192.0.2.1")
        more = [asyncio.create_task(turns.take("192.0.2.1")) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Problem, match="too many wait already"):
            await asyncio.wait_for(turns.take("192.0.2.1"), 0.1)  # at once, and not when its time is over
        for party in held:
            turns.end(party)
        await asyncio.gather(*more, return_exceptions=True)
        return done

    assert asyncio.run(go()) == [0, 1, 2, 3, 4]


FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (300, int(sys.argv[1])))
from app.api.connections.connection_limits import allow_files
print(allow_files(2000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("hard", "connections", "files"), [(4096, 2000, 2200), (1000, 800, 1000), (300, 100, 300)])
def test_the_limit_of_open_files_is_raised_or_followed(hard: int, connections: int, files: int) -> None:
    done = subprocess.run([sys.executable, "-c", FILES, str(hard)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == [str(connections), str(files)]


CHUNKED = b"POST /v1/studies HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


def test_trailers_without_end_are_cut_off(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api:
        for trailer in (b"a:b\r\n" * 1000, b"x" * 4096):
            with clients(api, 1) as (client,):
                client.send(CHUNKED + b"0\r\n")
                client.send(b"x: ")
                assert takes_no_more(client, trailer)


def test_a_trailer_is_no_header(copy_url: str, own_keys: dict[Role, str]) -> None:
    """RFC 9110 §6.5.1: a trailer must not be merged into the headers unless its field allows it."""
    with serving(settings_for(copy_url)) as api, clients(api, 2) as (key, address):
        key.send(CHUNKED + b"0\r\nauthorization: Bearer " + own_keys["admin"].encode() + b"\r\n\r\n")
        assert key.answer()[0] == 401
        address.send(CHUNKED + b"0\r\nx-request-id: invented-in-a-trailer\r\n\r\n")
        assert address.head()[1]["x-request-id"] != "invented-in-a-trailer"


@pytest.mark.parametrize(
    "stray",
    [
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /v1/studies HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ],
)
def test_bytes_that_ask_for_nothing_hold_no_connection(sqlite_copy: Path, stray: bytes) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.send(stray)
        client.head()
        client.send(b"\r\n")
        started = time.monotonic()
        client.rest()
        assert time.monotonic() - started < 12  # uvicorn keeps an idle connection for five seconds


def test_what_follows_an_upgrade_is_no_request(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.send(
            b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
            b"POST /v1/studies HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\n\r\n"
        )
        with suppress(OSError):
            client.send(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        received = client.rest()
        assert received.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in received


def test_the_rest_of_a_refused_request_may_come_and_the_next_one_is_answered(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.send(b"POST /v1/studies HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{")
        assert client.answer()[0] == 401
        client.send(b"    GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert client.answer()[0] == 200


def test_only_where_one_waits_does_waiting_cost_nothing(sqlite_copy: Path) -> None:
    """`wait=` behind any other address, or written otherwise, changes nothing in what a request counts for."""
    assert is_stream({"path": "/v1/changes", "query_string": b"since=1&w%61it=3", "headers": []})
    assert is_stream({"path": "/v1/changes", "query_string": b"", "headers": [(b"accept", b"text/event-stream")]})
    for path, query in (("/v1/search", b"q=wait=&wait=1"), ("/v1/changes", b"since=1&type=studies")):
        accepted = [(b"accept", b"application/json, text/event-stream;q=0.1")]
        assert not is_stream({"path": path, "query_string": query, "headers": accepted})
    more = {"limits": True, "address_seconds": 1, "answer_cache_bytes": 0}
    with service(sqlite_copy, **more) as api:
        await_index(api)
        for number in range(1000):
            status = api.get(f"/v1/search?q=pain+migraine+wait=+x{number}&match=any&limit=500").status_code
            if status == 429:
                break
        assert status == 429


def test_a_head_request_for_events_ends(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.ask("/v1/changes?since=0", method="HEAD", accept="text/event-stream")
        assert client.head()[0] == 200
        assert client.ask("/healthz").answer()[0] == 200


def test_slow_readers_of_all_connections_give_way(sqlite_copy: Path) -> None:
    with service(sqlite_copy, max_connections=20, address_connections=10) as api:
        api.close()
        with clients(api, 10, ATTACKER, room=2048) as some, clients(api, 10, "127.0.0.9", room=2048) as others:
            for client in (*some, *others):
                client.ask(*[f"/v1/studies?limit={limit}" for limit in range(100, 125)])
            time.sleep(1)
            for number in range(3, 8):
                with clients(api, 1, f"127.0.0.{number}") as (honest,):
                    assert honest.ask("/readyz").answer()[0] == 200


def test_two_hundred_kilobytes_of_headers_at_once_are_a_431(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api, clients(api, 1) as (client,):
        client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 200_000 + b"\r\n\r\n")
        received = client.rest()
        assert received == b"" or received.startswith(b"HTTP/1.1 431 ")


def test_pages_of_streams_take_turns_as_well(sqlite_copy: Path) -> None:
    """Fifty long polls that find something at once are reads like any other: another address is answered meanwhile."""
    more = {"limits": True, "read_threads": 2, "answer_cache_bytes": 0}
    with service(sqlite_copy, **more) as api, clients(api, 40) as many:
        await_index(api)
        for client in many:
            client.ask("/v1/changes?since=0&limit=1000&wait=5")
        with clients(api, 1, "127.0.0.3") as (honest,):
            started = time.monotonic()
            assert honest.ask("/v1/changes?since=0&limit=5").answer()[0] == 200
            waited = time.monotonic() - started
        started = time.monotonic()
        assert [client.answer()[0] for client in many] == [200] * 40
        assert waited < max(1.0, time.monotonic() - started)  # it did not wait for them all


@pytest.mark.parametrize("closing", ["keep-alive", "close"])
def test_a_kept_answer_is_written_as_the_one_that_was_made(sqlite_copy: Path, closing: str) -> None:
    """Status, headers and body are those of the first answer, for a GET, HEAD and 304."""
    own = {"x-request-id", "date"}
    path, kind = "/v1/studies?limit=2", {"accept": "application/json", "connection": closing}
    with service(sqlite_copy) as api:
        made = api.get(path, headers=kind)
        kept = [api.request(method, path, headers=kind) for method in ("GET", "HEAD")]
        fresh = [
            api.get(path, headers=kind | {"if-none-match": tag, **more})
            for tag, more in ((made.headers["etag"], {}), (made.headers["etag"], {"x-request-id": "makes-it-anew"}))
        ]
        counted = api.get("/metrics").text
    assert [answer.content for answer in kept] == [made.content, b""]
    for first, second in ((made, kept[0]), (made, kept[1]), (fresh[1], fresh[0])):
        assert first.status_code == second.status_code
        assert sorted(p for p in first.headers.multi_items() if p[0] not in own) == sorted(
            p for p in second.headers.multi_items() if p[0] not in own
        )
        assert own <= set(second.headers)
        assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert "http_kept_answers_total 3.0" in counted


def test_a_kept_answer_ends_a_connection_of_http_1_0(sqlite_copy: Path) -> None:
    with service(sqlite_copy) as api:
        api.get("/v1/products", headers={"accept": "*/*"})
        for _ in range(2):
            with clients(api, 1) as (client,):
                received = client.send(b"GET /v1/products HTTP/1.0\r\naccept: */*\r\n\r\n").rest()
                assert received.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"connection: close\r\n" in received


def test_a_header_with_a_line_break_is_never_written() -> None:
    for value in (b"</v1>\r\nset-cookie: a=b", b"a\rb", b"a\nb"):
        with pytest.raises(ValueError, match="line break"):
            whole_answer("GET", 304, [(b"link", value)], [], b"", keep_alive=True)
