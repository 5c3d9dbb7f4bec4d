"""The entries of the audit form a chain that shows every change of them."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from app.auth import audit_retention as retention
from app.auth.audit import Event, Who, note
from app.auth.audit_chain import audit_faults
from app.auth.models import AuditEntry
from app.database.engine import open_engine, reading, table_of
from app.database.migrations import migrate
from app.store import integrity as maintaining
from tests.auth.audit_entries import ADA, LONG_AGO, command, faults, rows

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
