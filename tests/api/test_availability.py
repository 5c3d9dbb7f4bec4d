"""Nobody can hold the service: no answer waits for another client's socket. Real connections, the cache on."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import await_index, serving, settings_for
from tests.sockets import clients

EVENTS = "/v1/changes?since=0"
UNREAD = "/v1/studies?limit=150"
"""A page that no socket's buffers hold: what is asked for behind it on one connection is answered into no room."""
LONG = 10.0
"""Seconds that an answer may take on a busy machine; what is held by a stranger takes for ever."""


@pytest.fixture(scope="module")
def service(seeded_url: str) -> Iterator[httpx.Client]:
    with serving(settings_for(seeded_url), send_buffer=16_384) as client:
        await_index(client)
        yield client


def test_listeners_of_one_stream_do_not_wait_for_each_other(service: httpx.Client) -> None:
    with clients(service, 2, source="127.0.0.3") as (first, second):
        for listener in (first, second):
            listener.socket.settimeout(LONG)
            listener.ask(EVENTS, accept="text/event-stream")
            assert listener.head()[0] == 200
            listener.until(b"event: change")


def test_long_polls_of_one_address_wait_side_by_side(service: httpx.Client) -> None:
    revision = service.get("/v1/changes?limit=1000").json()["revision"]
    started = time.monotonic()
    with clients(service, 3, source="127.0.0.3") as polls:
        for poll in polls:
            poll.ask(f"/v1/changes?since={revision}&wait=4")
        assert [poll.answer()[0] for poll in polls] == [200] * 3
    assert time.monotonic() - started < 4 + 3


def asks_anew(service: httpx.Client, path: str) -> int:
    """The status of an answer to the very request that an attacker sent: the same headers, another address."""
    with clients(service, 1, "127.0.0.3") as (client,):
        client.socket.settimeout(LONG)
        return client.ask(path).head()[0]


def test_one_slow_reader_of_an_export_holds_nobody(service: httpx.Client) -> None:
    path = "/v1/studies?format=ndjson"
    with clients(service, 1, room=4096) as (slow,):
        slow.ask(path)
        assert slow.head()[0] == 200
        assert asks_anew(service, path) == 200


def test_an_unread_page_before_a_probe_does_not_hold_the_health_check(service: httpx.Client) -> None:
    for probe in ("/readyz", "/healthz", "/metrics"):
        with clients(service, 1, room=4096) as (slow,):
            slow.ask(UNREAD, probe)
            time.sleep(0.3)
            assert asks_anew(service, probe) == 200


def test_followers_wait_for_the_making_and_not_for_the_leader_to_read(service: httpx.Client) -> None:
    path = "/v1/studies?limit=160&sort=-year"
    with clients(service, 1, room=4096) as (slow,):
        slow.ask(UNREAD, path)
        time.sleep(0.3)
        answers: list[int] = []

        def follow() -> None:
            answers.append(asks_anew(service, path))

        threads = [threading.Thread(target=follow) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [200] * 4


def test_what_is_refused_does_not_hold_those_who_ask_the_same(service: httpx.Client) -> None:
    with clients(service, 5) as some:
        for client in some:
            client.ask("/v1/studies/none-such")
        assert [client.answer()[0] for client in some] == [404] * 5
