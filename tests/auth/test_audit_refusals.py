"""Refusals and uses of keys are summed, so that nobody fills the audit."""

import asyncio
import socket

import pytest
from sqlalchemy import Engine

from app.api import audit_buffer as trail
from app.api.audit_buffer import AuditBuffer
from app.auth.audit import Event, Who
from app.auth.refusals import MOST_CLIENTS, MOST_SINGLE, Refusals
from app.store.writer_queue import Writer
from tests.auth.audit_entries import awaited, faults, rows
from tests.conftest import serving, settings_for


def refusal(actor: str, address: str, status: int = 401, detail: str = "POST /v1/studies") -> Event:
    return Event(Who(actor, address, "first-one"), "refused", status, detail=detail)


def hammer(port: int, number: int, request: bytes) -> int:
    """Sends so many requests down one connection, twenty at a time, and counts the answers of 401."""
    answered = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(number // 20):
            connection.sendall(request * 20)
            seen = b""
            while (count := seen.count(b"HTTP/1.1 401")) < 20 or not seen.endswith(b"}"):
                piece = connection.recv(1 << 20)
                assert piece, "the service ended the connection"
                seen += piece
            answered += count
    return answered


@pytest.mark.parametrize("number", [2_000, pytest.param(20_000, marks=pytest.mark.long)])
def test_refusals_of_strangers_make_a_handful_of_entries(copy_url: str, copy: Engine, number: int) -> None:
    request = b"POST /v1/studies HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
    with serving(settings_for(copy_url)) as client:
        assert hammer(client.base_url.port or 0, number, request) == number
    found = rows(copy)
    assert len(found) <= 5
    assert sum(int(row["detail"].split()[0]) for row in found) == number
    assert {(row["address"], row["status"], row["actor"]) for row in found} == {("127.0.0.1", 401, "anonymous")}
    assert found[0]["detail"].endswith(" of 401), first POST /v1/studies")
    assert faults(copy) == []


def test_a_sum_says_how_many_of_which_status_and_the_first() -> None:
    refusals = Refusals()
    for status, number in ((401, 3), (422, 2)):
        for address in ("2001:db8::1", "2001:db8::2", "198.51.100.1"):
            for _ in range(number):
                assert refusals.add(refusal("anonymous", address, status, "PUT /" + "x" * 5000), is_known=False)
    assert refusals.add(refusal("anonymous", "unknown"), is_known=False)
    household, one, alone = refusals.end()
    assert (household.who, household.status) == (Who("anonymous", "2001:db8::/64", "first-one"), None)
    assert household.detail == "10 in one minute (6 of 401, 4 of 422), first PUT /" + "x" * 195
    assert one.row()["address"] == "198.51.100.1"
    assert one.detail is not None
    assert one.detail.startswith("5 in one minute (3 of 401, 2 of 422)")
    assert (alone.who.address, alone.status, alone.detail) == ("unknown", 401, "POST /v1/studies")
    assert refusals.end() == []


def test_clients_beyond_those_told_apart_are_summed_together() -> None:
    refusals = Refusals()
    for number in range(MOST_CLIENTS + 7):
        refusals.add(refusal("anonymous", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"), is_known=False)
    assert len(refusals) == MOST_CLIENTS + 1
    *_, others = refusals.end()
    assert others.row()["address"] is None
    assert others.detail == "7 in one minute of others than the first 10000 clients (7 of 401), first POST /v1/studies"


def test_a_key_s_refusals_are_entries_of_their_own_up_to_a_bound() -> None:
    refusals = Refusals()
    summed = [refusals.add(refusal("Ada", f"192.0.2.{n % 2}", 403), is_known=True) for n in range(MOST_SINGLE + 4)]
    assert summed == [False] * MOST_SINGLE + [True] * 4
    assert [(event.who.actor, event.detail) for event in refusals.end()] == [
        ("Ada", "2 in one minute (2 of 403), first POST /v1/studies")
    ] * 2
    assert not refusals.add(refusal("Ada", "192.0.2.1", 403), is_known=True)


def test_a_sum_is_written_when_its_minute_is_over(copy_url: str, copy: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "MINUTE", 1.0)
    with serving(settings_for(copy_url)) as client:
        client.post("/v1/studies")
        assert [row["detail"] for row in awaited(copy, "refused")] == ["POST /v1/studies"]


def test_what_cannot_be_stored_is_written_as_an_escape(copy_url: str, copy: Engine) -> None:
    with serving(settings_for(copy_url)) as client:
        client.post("/v1/studies/%00")
    assert [row["detail"] for row in rows(copy)] == ["POST /v1/studies/\\x00"]
    assert Event(Who("a"), "b", detail="\ud800").row()["detail"] == "\\ud800"


def test_uses_of_a_key_are_counted_by_network(copy_url: str) -> None:
    async def use() -> int:
        kept = AuditBuffer(Writer(settings_for(copy_url)))
        for number in range(100):
            kept.used(Who("Ada", f"2001:db8::{number:x}"))
        waiting = len(kept._waiting)
        await kept.close()
        kept._writer.close()
        return waiting

    assert asyncio.run(use()) == 1
