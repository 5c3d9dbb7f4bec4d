"""Entries of the audit as they are stored, and faults of their chain."""

import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from app.auth.audit import Who
from app.auth.audit_chain import audit_faults
from app.auth.models import AuditEntry
from app.database.engine import reading
from tests.commands import run

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


def command(path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(path, *arguments, answers="n\n", **more)
