"""The audit lasts: what strangers are refused is summed, entries are chained, and old ones go under a seal."""

import asyncio
import hmac
import json
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import IntegrityError

from app.api import audit_buffer as trail
from app.api.audit_buffer import AuditBuffer
from app.auth import audit_retention as retention
from app.auth.audit import Event, Who, note
from app.auth.audit_chain import SEAL, audit_faults
from app.auth.models import AuditEntry, AuditGap, Role
from app.auth.pseudonyms import pseudonym, shown_actors
from app.auth.refusals import MOST_CLIENTS, MOST_SINGLE, Refusals
from app.database.engine import open_engine, reading, table_of
from app.database.migrations import migrate
from app.store import integrity as maintaining
from app.store.writer_queue import Writer
from tests.commands import run
from tests.conftest import serving, settings_for

Row = Mapping[str, Any]

ADA, STRANGER = Who("Ada", "192.0.2.1", "request-1"), Who("anonymous", "2001:db8::1")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def rows(engine: Engine) -> list[Row]:
    with reading(engine) as connection:
        query = select(AuditEntry.__table__).order_by(AuditEntry.number)
        return [dict(row) for row in connection.execute(query).mappings()]


def faults(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(audit_faults(connection))


def awaited(engine: Engine, action: str, number: int = 1) -> list[Row]:
    deadline = time.monotonic() + 10
    while len(found := [row for row in rows(engine) if row["action"] == action]) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def refusal(actor: str, address: str, status: int = 401, detail: str = "POST /v1/studies") -> Event:
    return Event(Who(actor, address, "first-one"), "refused", status, detail=detail)


# Refusals


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


def test_20_000_refusals_of_strangers_make_a_handful_of_entries(copy_url: str, copy: Engine) -> None:
    request = b"POST /v1/studies HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
    with serving(settings_for(copy_url)) as client:
        assert hammer(client.base_url.port or 0, 20_000, request) == 20_000
    found = rows(copy)
    assert len(found) <= 5
    assert sum(int(row["detail"].split()[0]) for row in found) == 20_000
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


# The chain


@pytest.fixture
def chained(engine: Engine) -> Engine:
    """Entries 1 to 8, of which 2, 3 and 5 changed nothing and were pruned under the seal 8."""
    with engine.begin() as connection:
        note(connection, [Event(ADA, "create", 201, "studies", "one", 1, "Because\nof ü", LONG_AGO)])
        note(connection, [Event(STRANGER, action, 401, at=LONG_AGO) for action in ("refused", "key used")])
        note(connection, [Event(ADA, "update", 200, "studies", "one", 2, "Because", LONG_AGO)])
        note(connection, [Event(STRANGER, "refused", 401, detail="POST /", at=LONG_AGO)])
        note(connection, [Event(ADA, "create key", detail="x"), Event(STRANGER, "refused", 401, detail="PUT /")])
        assert retention.prune(connection, LONG_AGO + timedelta(days=1), ADA) == 3
    assert [row["number"] for row in rows(engine)] == [1, 4, 6, 7, 8]
    assert faults(engine) == []
    assert list(maintaining.check(engine)) == []
    return engine


OFF = {
    "sqlite": [
        f"DROP TRIGGER {name}"
        for name in (
            "audit_no_update",
            "audit_no_replace",
            "audit_no_delete",
            "audit_gaps_no_update",
            "audit_gaps_no_delete",
            "audit_gaps_fit",
            "audit_head_grows",
            "audit_head_stays",
        )
    ],
    "postgresql": [f"ALTER TABLE {name} DISABLE TRIGGER ALL" for name in ("audit", "audit_gaps", "audit_head")],
}


def found_after(engine: Engine, statements: Sequence[str]) -> list[str]:
    """What is found wrong after somebody changes rows with the triggers out of the way; it is undone again."""
    with engine.connect() as connection, connection.begin() as transaction:
        for statement in (*OFF[engine.dialect.name], *statements):
            connection.execute(text(statement))
        wrong = list(audit_faults(connection))
        transaction.rollback()
    return wrong


OTHER = {
    "at": "'2020-01-01 00:00:00.000001'",
    "actor": "'Eve'",
    "address": "'192.0.2.2'",
    "request_id": "'other'",
    "action": "'other'",
    "status": "299",
    "record_type": "'products'",
    "record_id": "'other'",
    "revision": "3",
    "detail": "'other'",
    "hash": "'" + "f" * 64 + "'",
}


def test_every_column_of_every_entry_is_under_the_chain(chained: Engine) -> None:
    for column, value in OTHER.items():
        for number in (1, 4, 6, 7, 8):
            wrong = found_after(chained, [f"UPDATE audit SET {column} = {value} WHERE number = {number}"])
            assert f"the audit: entry {number} is not what was written, or not where" in wrong


def test_every_column_is_tried(chained: Engine) -> None:
    assert set(OTHER) | {"number"} == set(table_of(AuditEntry).c.keys())
    for column in ("address", "request_id", "status", "record_type", "record_id", "revision", "detail"):
        with reading(chained) as connection:
            value = connection.scalars(select(table_of(AuditEntry).c[column]).where(AuditEntry.number == 1)).one()
        assert value is not None
        assert found_after(chained, [f"UPDATE audit SET {column} = NULL WHERE number = 1"])


TAMPERINGS = {
    "the first is gone": (["DELETE FROM audit WHERE number = 1"], "entry 1 is missing"),
    "one is gone": (["DELETE FROM audit WHERE number = 6"], "entry 6 is missing"),
    "the end is cut off": (["DELETE FROM audit WHERE number > 6"], "entry 7 is missing; entries were cut off its end"),
    "all is gone": (["DELETE FROM audit"], "entry 1 is missing; entries were cut off its end, which was 8"),
    "two changed places": (
        [f"UPDATE audit SET number = {new} WHERE number = {old}" for old, new in ((6, 99), (7, 6), (99, 7))],
        "entry 6 is not what was written",
    ),
    "one was put between": (
        ["UPDATE audit SET number = number + 100 WHERE number > 6", "UPDATE audit SET number = number - 99 "
         "WHERE number > 100", "INSERT INTO audit (number, at, actor, action, hash) SELECT 7, at, 'Eve', 'x', hash "
         "FROM audit WHERE number = 6"],
        "entry 7 is not what was written",
    ),
    "one was added": (
        ["INSERT INTO audit (number, at, actor, action, hash) SELECT 9, at, actor, action, hash FROM audit "
         "WHERE number = 8"],
        "entry 9 is not what was written",
    ),
    "a gap is gone": (["DELETE FROM audit_gaps WHERE first = 2"], "entry 2 is missing"),
    "a gap has another hash": (
        ["UPDATE audit_gaps SET hash = (SELECT hash FROM audit WHERE number = 1) WHERE first = 2"],
        "entry 4 is not what was written",
    ),
    "a gap ends elsewhere": (["UPDATE audit_gaps SET last = 2 WHERE first = 2"], "entry 3 is missing"),
    "an entry is passed off as pruned": (
        ["INSERT INTO audit_gaps (first, last, hash) SELECT 6, 6, hash FROM audit WHERE number = 6",
         "DELETE FROM audit WHERE number = 6"],
        "what entry 8 sealed is not what was pruned",
    ),
    "the seal is gone": (["DELETE FROM audit WHERE number = 8"], "entries were pruned and no seal says so"),
    "the head is gone": (["DELETE FROM audit_head"], "its head is missing"),
    "the head is another": (["UPDATE audit_head SET hash = 'x'"], "its head is not entry 8"),
    "the head is before": (["UPDATE audit_head SET number = 7"], "its head is not entry 8"),
}  # fmt: skip


def test_tampering_is_found(chained: Engine) -> None:
    for kind, (statements, expected) in TAMPERINGS.items():
        found = found_after(chained, statements)
        assert [line for line in found if expected in line], (kind, found)
    assert faults(chained) == []


def test_values_that_fit_no_column_are_found(tmp_path: Path) -> None:
    """SQLite keeps whatever it is given."""
    engine = open_engine(f"sqlite:///{tmp_path}/evidence.db")
    migrate(engine)
    with engine.begin() as connection:
        note(connection, [Event(ADA, "refused", 401, detail="x")])
    for change in (
        "at = 'noon'",
        "status = 'none'",
        "detail = x'00ff'",
        "detail = CAST(x'ff' AS TEXT)",
        "status = 1.5",
    ):
        assert found_after(engine, [f"UPDATE audit SET {change}"]), change
    engine.dispose()


def test_the_command_tells_the_first_entry_that_does_not_fit(sqlite_copy: Path) -> None:
    for name in ("Ada", "Ben"):
        assert command(sqlite_copy, "key", "create", name, "--role", "editor").returncode == 0
    assert command(sqlite_copy, "check").returncode == 0
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = 'Eve' WHERE number = 2"))
    engine.dispose()
    ended = command(sqlite_copy, "check")
    assert ended.returncode == 1
    assert "the audit: entry 2 is not what was written" in ended.stdout


def test_many_append_to_one_chain(url: str, engine: Engine) -> None:
    """Each with a connection of its own, as several processes have."""

    def append(name: str) -> None:
        own = open_engine(url)
        for number in range(25):
            with own.begin() as connection:
                note(connection, [Event(Who(name), "refused", number), Event(Who(name), "refused", number)])
                if number % 5 == 4:
                    connection.rollback()
        own.dispose()

    threads = [threading.Thread(target=append, args=(f"thread {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["number"] for row in rows(engine)] == [*range(1, 161)]
    assert faults(engine) == []


# Pruning


REFUSED = [
    "UPDATE audit SET actor = 'Eve'",
    "DELETE FROM audit WHERE number = 7",
    "DELETE FROM audit WHERE number = 1",
    "UPDATE audit_gaps SET last = 5",
    "DELETE FROM audit_gaps",
    "INSERT INTO audit_gaps (first, last, hash) SELECT 6, 7, hash FROM audit WHERE number = 6",
    "UPDATE audit_head SET number = 7",
    "DELETE FROM audit_head",
]
TRUNCATED = ["TRUNCATE audit", "TRUNCATE audit_gaps", "TRUNCATE audit_head"]


def test_nothing_else_gets_past_the_triggers(chained: Engine) -> None:
    for statement in (*REFUSED, *(TRUNCATED if chained.dialect.name == "postgresql" else [])):
        with pytest.raises(IntegrityError, match="append-only"), chained.begin() as connection:
            connection.execute(text(statement))


def test_a_change_cannot_be_deleted_even_where_a_gap_is_made_for_it(chained: Engine) -> None:
    gap = "INSERT INTO audit_gaps (first, last, hash) SELECT number, number, hash FROM audit WHERE number = {0}"
    delete = "DELETE FROM audit WHERE number = {0}"
    for number in (1, 6):
        with chained.connect() as connection:
            connection.execute(text(gap.format(number)))
            with pytest.raises(IntegrityError, match="append-only"):
                connection.execute(text(delete.format(number)))


def test_replacing_is_no_way_around(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/evidence.db")
    migrate(engine)
    with engine.begin() as connection:
        note(connection, [Event(ADA, "refused", 401)])
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text("REPLACE INTO audit SELECT * FROM audit"))
    engine.dispose()


def test_a_seal_says_what_went(chained: Engine) -> None:
    seal = rows(chained)[-1]
    said = json.loads(seal["detail"])
    with reading(chained) as connection:
        gaps = [tuple(gap) for gap in connection.execute(select(AuditGap.__table__).order_by(AuditGap.first))]
    assert (seal["action"], seal["actor"], said["pruned"], said["last"]) == (SEAL, "Ada", 3, 5)
    assert (said["before"], said["gaps"], said["hash"]) == ("2020-01-02T00:00:00Z", 2, gaps[1][2])
    assert [gap[:2] for gap in gaps] == [(2, 3), (5, 5)]


def test_where_nothing_is_left_but_seals_nothing_is_done(chained: Engine) -> None:
    later = datetime.now(UTC) + timedelta(seconds=1)
    with chained.begin() as connection:
        assert retention.prune(connection, LONG_AGO, ADA) == 0
        assert retention.prune(connection, later, ADA) == 2
        assert retention.prunable(connection, later) == 1
        assert retention.prune(connection, later, ADA) == 0
    assert [row["number"] for row in rows(chained)] == [1, 4, 6, 9]
    assert list(maintaining.check(chained)) == []


ACTIONS = ("refused", "key used", "create", "test webhook", "import", "create key", "update")


def random_event(chance: random.Random, moment: datetime) -> Event:
    action = chance.choice(ACTIONS)
    at = moment + timedelta(seconds=chance.uniform(-3, 0))
    return Event(ADA, action, revision=7 if action in ("create", "update") else None, at=at)


def lives(connection: Connection, seed: int) -> set[tuple[str, datetime]]:
    """Entries and prunings in any order, in steps of a second; returns what changed something."""
    chance, changes, moment = random.Random(seed), set(), LONG_AGO
    for _ in range(60):
        moment += timedelta(seconds=1)
        events = [random_event(chance, moment) for _ in range(chance.randint(0, 4))]
        note(connection, events)
        changes |= {(event.action, event.at) for event in events if event.action not in ACTIONS[:2] + ACTIONS[3:4]}
        if chance.random() < 0.2:
            retention.prune(connection, moment - timedelta(seconds=chance.uniform(0, 20)), ADA, chance.choice((3, 99)))
            assert list(audit_faults(connection)) == []
    return changes


@pytest.mark.parametrize("seed", range(5))
def test_the_chain_holds_whatever_is_pruned_and_no_change_is_lost(engine: Engine, seed: int) -> None:
    with engine.begin() as connection:
        changes = lives(connection, seed)
    assert changes <= {(row["action"], row["at"]) for row in rows(engine)}
    assert [row for row in rows(engine) if row["action"] == SEAL]
    assert faults(engine) == []


def test_the_service_prunes_by_its_setting(copy_url: str, copy: Engine) -> None:
    days = [datetime.now(UTC) - timedelta(days=days) for days in (40, 31, 29)]
    with copy.begin() as connection:
        note(connection, [Event(STRANGER, "refused", 401, at=at) for at in days])
        note(connection, [Event(ADA, "create", revision=1, at=days[0])])
    with serving(settings_for(copy_url, audit_days=30)):
        seal = awaited(copy, SEAL)[0]
    assert (seal["actor"], json.loads(seal["detail"])["pruned"]) == ("service", 2)
    assert [row["action"] for row in rows(copy)] == ["refused", "create", SEAL]
    with serving(settings_for(copy_url)):
        time.sleep(0.5)
    assert len(rows(copy)) == 3
    assert list(maintaining.check(copy)) == []


def test_what_was_tampered_with_is_not_pruned(sqlite_copy: Path) -> None:
    """Or the traces would go, and a seal would vouch for what is left."""
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    with engine.begin() as connection:
        note(connection, [Event(STRANGER, "refused", 401, at=LONG_AGO)] * 3)
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET address = '192.0.2.9' WHERE number = 2"))
    ended = command(sqlite_copy, "audit", "prune", "--days", "8", "--yes")
    assert ended.returncode == 1
    assert "entry 2 is not what was written" in ended.stderr
    with serving(settings_for(f"sqlite:///{sqlite_copy}", audit_days=8)):
        time.sleep(1)
    assert [row["number"] for row in rows(engine)] == [1, 2, 3]
    engine.dispose()


def command(path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(path, *arguments, answers="n\n", **more)


def test_pruning_by_the_command(sqlite_copy: Path) -> None:
    assert command(sqlite_copy, "key", "create", "Ada", "--role", "editor").returncode == 0
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    with engine.begin() as connection:
        note(connection, [Event(STRANGER, "refused", 401, at=datetime.now(UTC) - timedelta(days=9))] * 3)
    engine.dispose()
    refused = command(sqlite_copy, "audit", "prune", "--days", "8")
    assert refused.returncode == 1
    assert "Delete 3 entries" in refused.stdout
    assert command(sqlite_copy, "audit").stdout.count("\n") == 4
    assert "0 entries" in command(sqlite_copy, "audit", "prune", "--before", "10d", "--yes").stdout
    assert command(sqlite_copy, "audit", "prune", "--yes", EVIDENCE_AUDIT_DAYS="8").stdout == "3 entries were pruned.\n"
    lines = [json.loads(line) for line in command(sqlite_copy, "audit", "--since", "1h").stdout.splitlines()]
    assert [(line["action"], line["actor"]) for line in lines] == [
        ("create key", "command line"),
        (SEAL, "command line"),
    ]
    assert command(sqlite_copy, "check").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("prune",),
        ("prune", "--days", "3", "--before", "3d"),
        ("prune", "--days", "0"),
        ("prune", "--before", "soon"),
        ("prune", "--before", "2999-01-01"),
        ("--limit", "3", "prune", "--days", "3"),
        ("--actor", "Ada", "prune", "--days", "3"),
        ("trim",),
    ],
)
def test_wrong_use_of_the_audit_command(sqlite_copy: Path, arguments: tuple[str, ...]) -> None:
    assert command(sqlite_copy, "audit", *arguments).returncode == 2


# Migration


def test_an_audit_that_is_there_becomes_a_chain(empty_url: str) -> None:
    """With addresses that are none, and with gaps in its numbers, as transactions that failed left them."""
    engine = open_engine(empty_url)
    migrate(engine, "0011")
    insert = text(
        "INSERT INTO audit (number, at, actor, address, action, detail) "
        "VALUES (:n, :at, 'Ada', :address, 'refused', 'ä')"
    )
    addresses = ["192.0.2.1", "x" * 3000, "::ffff:192.0.2.2", "2001:DB8::0", None, "unknown"]
    with engine.begin() as connection:
        for number, address in enumerate(addresses):
            at = "2020-01-01 00:00:00.000001" if engine.dialect.name == "sqlite" else LONG_AGO
            connection.execute(insert, {"n": 3 * number + 1, "at": at, "address": address})
    migrate(engine)
    assert [row["address"] for row in rows(engine)] == ["192.0.2.1", None, "192.0.2.2", "2001:db8::", None, None]
    assert [row["number"] for row in rows(engine)] == [*range(1, 7)]
    with engine.begin() as connection:
        note(connection, [Event(ADA, "create key"), Event(ADA, "refused", at=LONG_AGO - timedelta(days=1))])
        assert retention.prune(connection, LONG_AGO, ADA) == 1
    assert list(maintaining.check(engine)) == []
    before = [(row["at"], row["actor"], row["detail"]) for row in rows(engine)]
    migrate(engine, "0011")
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT count(*) FROM audit")).one() == 8
    with engine.begin() as connection:  # the code of then lets the database number it
        connection.execute(text("INSERT INTO audit (at, actor, action) SELECT max(at), 'Ben', 'x' FROM audit"))
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM audit"))
    migrate(engine)
    after = [(row["at"], row["actor"], row["detail"]) for row in rows(engine)]
    assert after[:-1] == before
    assert list(maintaining.check(engine)) == []
    engine.dispose()


# Who is shown to have changed something


@pytest.fixture
def edited(copy_url: str, own_keys: dict[Role, str]) -> str:
    """The URL of a database in which an editor changed one study three times."""
    with serving(settings_for(copy_url)) as client:
        for text_ in ("one", "two", "three"):
            headers = {"authorization": f"Bearer {own_keys['editor']}", "if-match": "*"}
            headers["content-type"] = "application/merge-patch+json"
            answer = client.patch("/v1/studies/preempt-1?reason=x", headers=headers, json={"note": text_})
            assert answer.status_code == 200
    return copy_url


def first_event(client: httpx.Client, path: str) -> dict[str, Any]:
    with client.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
        data = next(line for line in stream.iter_lines() if line.startswith("data: "))
    event: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return event


PUBLIC = (
    "/v1/changes?since=1&type=studies",
    "/v1/changes?since=1&wait=1",
    "/v1/studies/preempt-1/versions?limit=2",
    "/v1/studies/preempt-1/versions/2",
    "/v1/studies/preempt-1/diff?from=2&to=4",
)


def answers(client: httpx.Client) -> Iterator[str]:
    yield from (client.get(path).raise_for_status().text for path in PUBLIC)
    yield json.dumps(first_event(client, "/v1/changes?since=1"))


def test_what_the_public_sees_of_actors(edited: str, copy: Engine) -> None:
    name = next(row["actor"] for row in rows(copy) if row["action"] == "patch")
    with serving(settings_for(edited)) as client:
        assert all(name in body for body in answers(client))
    with serving(settings_for(edited, public_actors="pseudonyms", answer_cache_bytes=1_000_000)) as client:
        shown = client.get(PUBLIC[3]).json()["actor"]
        assert shown.startswith("actor-")
        assert len(shown) == len("actor-") + 12
        for body in answers(client):
            assert name not in body
            assert shown in body
        assert client.get("/v1/studies/preempt-1").json()["note"] == "three"
    assert [row["actor"] for row in rows(copy) if row["action"] == "patch"] == [name] * 3


def test_pseudonyms_are_a_database_s_own_and_another_setting_is_another_answer(edited: str) -> None:
    paths = (PUBLIC[0], *PUBLIC[2:])
    with serving(settings_for(edited)) as client:
        named = [client.get(path).headers for path in paths]
    with serving(settings_for(edited, public_actors="pseudonyms")) as client:
        for path, before in zip(paths, named, strict=True):
            kept = {"if-none-match": before["etag"]}
            dated = {"if-modified-since": before.get("last-modified") or "Fri, 01 Jan 2100 00:00:00 GMT"}
            assert [client.get(path, headers=headers).status_code for headers in (kept, dated)] == [200, 200], path
        again = client.get(paths[0])
        assert client.get(paths[0], headers={"if-none-match": again.headers["etag"]}).status_code == 304


def test_a_database_s_secret_makes_its_pseudonyms(copy: Engine, engine: Engine) -> None:
    with reading(copy) as one, reading(engine) as other:
        shown = [shown_actors(connection, "pseudonyms")("Ada") for connection in (one, one, other)]
        assert shown_actors(one, "names")("Ada") == "Ada"
    assert shown[0] == shown[1] != shown[2]
    keyed = hmac.new(b"0" * 64, b"Ada", "sha256").hexdigest()
    assert pseudonym("0" * 64, "Ada") == f"actor-{keyed[:12]}"
