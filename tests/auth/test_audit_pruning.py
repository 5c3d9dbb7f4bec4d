"""The audit is pruned by age, and its chain goes on."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, text

from app.auth import audit_retention as retention
from app.auth.audit import Event, note
from app.auth.audit_chain import SEAL, audit_faults
from app.auth.models import AuditGap
from app.database.engine import open_engine, reading
from app.store import integrity as maintaining
from tests.auth.audit_entries import ADA, LONG_AGO, STRANGER, awaited, command, faults, rows
from tests.conftest import serving, settings_for


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
