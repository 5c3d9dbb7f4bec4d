"""The audit: who did what and from where, and which requests were refused.

    entry 1 <--- entry 2 <--- ...  <--- entry n          hash(n) = SHA-256(hash(n - 1), entry n)
                                           ^
                                       audit_head: n, hash(n)

Entries are appended by `note` alone, with consecutive numbers. `audit_head` has one row, which is locked to append
(SQLite: the whole database is, by BEGIN IMMEDIATE), so the chain has one end even with several processes, and entries
that are cut off its end are noticed. Rows are only ever added: triggers of the database enforce this and its one
exception, pruning (`app.auth.audit_retention`). `app.auth.audit_chain` verifies the chain.

The hashes have no key, so anyone who may write to the database could compute the chain anew from some entry on. This is
detected by comparing with a hash that was written down elsewhere; `evidence audit --limit 1` shows the newest.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, update

from app.auth.models import AuditEntry, AuditHead
from app.common.ip_addresses import canonical_network
from app.database import prepared
from app.database.engine import table_of
from app.records.vocabularies import RecordType

LONGEST_DETAIL = 500
"""Characters of an entry's detail that are stored."""

START = "0" * 64
"""The hash before the first entry."""

CONTENT = tuple(column.name for column in table_of(AuditEntry).c if column.name != "hash")
"""The columns that an entry's hash is made from, in this order."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts: the name of a key or of the command line, the client's address and the request."""

    actor: str
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An entry to append to the audit."""

    who: Who
    action: str
    status: int | None = None
    record_type: RecordType | None = None
    record_id: str | None = None
    revision: int | None = None
    detail: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def row(self) -> dict[str, Any]:
        """The entry's columns without number and hash. The address is made canonical, or dropped if it is none; what
        cannot be stored of texts is escaped, and the detail is cut.
        """
        row = asdict(self) | asdict(self.who)
        del row["who"]
        row = {name: _storable(value) if isinstance(value, str) else value for name, value in row.items()}
        detail = row["detail"]
        return row | {"address": canonical_network(self.who.address), "detail": detail and detail[:LONGEST_DETAIL]}


def _storable(text: str) -> str:
    """A text in which the characters that PostgreSQL or UTF-8 cannot hold, NUL and lone surrogates, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def entry_hash(before: str, values: Iterable[Any]) -> str:
    """The hash of an entry: SHA-256 of the hash before it, a line feed, and its columns (`CONTENT`) as a JSON array.

    `at` is written in UTC with microseconds, as SQLite stores it: `2026-01-31 12:00:00.000000`.
    """
    content = orjson.dumps([_moment(value) if isinstance(value, datetime) else value for value in values], default=repr)
    return sha256(b"%b\n%b" % (before.encode(), content)).hexdigest()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


_HEAD = select(AuditHead.number, AuditHead.hash).with_for_update()
_APPEND = table_of(AuditEntry).insert()
_MOVE_HEAD = update(AuditHead).values(number=bindparam("end"), hash=bindparam("digest"))


def lock_head(connection: Connection) -> tuple[int, str]:
    """Lock the head of the chain, and return the number and the hash of the newest entry.

    No other transaction can append until this one ends.
    """
    [[number, hash]] = prepared.rows(connection, _HEAD, {})
    return number, hash


def note(connection: Connection, events: Sequence[Event]) -> None:
    """Append entries in the caller's transaction."""
    if not events:
        return
    head, hash = lock_head(connection)
    rows: list[dict[str, Any]] = []
    for number, event in enumerate(events, head + 1):
        row = {"number": number, **event.row()}
        hash = entry_hash(hash, [row[name] for name in CONTENT])
        rows.append(row | {"hash": hash})
    prepared.execute(connection, _APPEND, *rows)
    prepared.execute(connection, _MOVE_HEAD, {"end": head + len(rows), "digest": hash})


def entries(
    connection: Connection, *, actor: str | None, action: str | None, since: datetime | None, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield the newest entries that match, at most `limit`, in ascending order of their numbers."""
    wanted = [AuditEntry.actor == actor] if actor else []
    wanted += [AuditEntry.action == action] if action else []
    wanted += [AuditEntry.at >= since] if since else []
    newest = select(table_of(AuditEntry)).where(*wanted).order_by(AuditEntry.number.desc()).limit(limit)
    rows = connection.execute(newest).mappings().all()
    yield from (dict(row) for row in reversed(rows))
