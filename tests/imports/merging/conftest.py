"""Every test of merging reads prepared items on one database, and leaves one that is proven."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app.store import integrity as maintaining
from tests import importing


@pytest.fixture(autouse=True)
def _how(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates are prebuilt on SQLite and not on PostgreSQL. The tests of prebuilt imports and the state machine have
    both kinds, and mixtures, on both databases."""
    monkeypatch.setattr(importing, "is_ready", lambda: engine.dialect.name == "sqlite")


@pytest.fixture(autouse=True)
def _proven(engine: Engine) -> Any:
    """Checks after each test that all stored layers agree."""
    yield
    assert list(maintaining.check(engine)) == []
