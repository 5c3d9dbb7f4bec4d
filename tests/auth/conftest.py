"""A database whose audit has a few entries."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.auth import audit_retention as retention
from app.auth.audit import Event, note
from app.store import integrity as maintaining
from tests.auth.audit_entries import ADA, LONG_AGO, STRANGER, faults, rows


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
