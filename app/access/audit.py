"""The audit: who did what from where, and what was refused. Rows are only ever added; the database sees to that."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from app.access.tables import AuditEntry
from app.db import table_of
from app.fields import RecordType

LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever acts: a key's name or the command line, and the request."""

    actor: str
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit."""

    who: Who
    action: str
    status: int | None = None
    record_type: RecordType | None = None
    record_id: str | None = None
    revision: int | None = None
    detail: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def row(self) -> dict[str, Any]:
        row = asdict(self) | asdict(self.who)
        del row["who"]
        return row | {"detail": self.detail and self.detail[:LONGEST_DETAIL]}


def note(connection: Connection, events: Sequence[Event]) -> None:
    if events:
        connection.execute(table_of(AuditEntry).insert(), [event.row() for event in events])


def entries(
    connection: Connection, *, actor: str | None, action: str | None, since: datetime | None, limit: int
) -> Iterator[dict[str, Any]]:
    """The newest lines that fit, oldest of them first."""
    wanted = [AuditEntry.actor == actor] if actor else []
    wanted += [AuditEntry.action == action] if action else []
    wanted += [AuditEntry.at >= since] if since else []
    newest = select(table_of(AuditEntry)).where(*wanted).order_by(AuditEntry.number.desc()).limit(limit)
    rows = connection.execute(newest).mappings().all()
    yield from (dict(row) for row in reversed(rows))
