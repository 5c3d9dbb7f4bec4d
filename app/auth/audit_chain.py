"""Verifying the audit's chain: every entry is as it was written, and none is missing that was not pruned."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import OperationalError

from app.auth.audit import CONTENT, START, entry_hash
from app.auth.models import AuditEntry, AuditGap, AuditHead

SEAL = "prune audit"
"""The action of the seal, the entry that a pruning appends; its detail holds a digest of all gaps."""

AT_A_TIME = 5000
"""Rows that are fetched at a time."""

_ENTRIES = text(f"SELECT {', '.join(CONTENT)}, hash FROM audit ORDER BY number")
"""All entries, the hash last, in plain SQL: values that were tampered with may not fit their columns' types."""


def digest_of_gaps(connection: Connection) -> tuple[int, str]:
    """The number of gaps that prunings left, and the SHA-256 of all of them."""
    number, digest = 0, sha256()
    gaps = select(AuditGap.first, AuditGap.last, AuditGap.hash).order_by(AuditGap.first)
    for gap in connection.execute(gaps.execution_options(yield_per=AT_A_TIME)):
        digest.update(orjson.dumps([*gap], default=repr))
        number += 1
    return number, digest.hexdigest()


def audit_faults(connection: Connection) -> Iterator[str]:
    """Yield the faults of the audit: its first wrong entry or else a wrong end, and a newest seal that is wrong."""
    try:
        number, hash, fault = _follow(connection)
    except (OperationalError, UnicodeDecodeError):
        yield "the audit: an entry cannot be read"
        return
    if fault:
        yield f"the audit: {fault}"
    else:
        yield from _untrue_end(connection, number, hash)
    yield from _untrue_seal(connection)


def _follow(connection: Connection) -> tuple[int, str, str | None]:
    """Follow the chain from its start; return the last right entry's number and hash, and the fault that follows it."""
    gaps = {gap.first: gap for gap in connection.execute(select(AuditGap.first, AuditGap.last, AuditGap.hash))}
    number, hash = 0, START
    with connection.execute(_ENTRIES.execution_options(yield_per=AT_A_TIME)) as rows:
        for row in rows:
            while (gap := gaps.get(number + 1)) and gap.last < row.number:
                number, hash = gap.last, gap.hash
            if row.number != number + 1:
                return number, hash, f"entry {number + 1} is missing"
            if row.hash != entry_hash(hash, row[:-1]):
                return (
                    number,
                    hash,
                    f"entry {row.number} is not what was written, or not where",
                )
            number, hash = row.number, row.hash
    return number, hash, None


def _untrue_end(connection: Connection, number: int, hash: str) -> Iterator[str]:
    head = connection.execute(select(AuditHead.number, AuditHead.hash)).one_or_none()
    if head is None:
        yield "the audit: its head is missing, so nothing tells whether entries were cut off its end"
    elif head.number > number:
        yield f"the audit: entry {number + 1} is missing; entries were cut off its end, which was {head.number}"
    elif (head.number, head.hash) != (number, hash):
        yield f"the audit: its head is not entry {number}"


def _untrue_seal(connection: Connection) -> Iterator[str]:
    newest = select(AuditEntry.number, AuditEntry.detail).where(AuditEntry.action == SEAL)
    seal = connection.execute(newest.order_by(AuditEntry.number.desc()).limit(1)).one_or_none()
    gaps, digest = digest_of_gaps(connection)
    if seal is None and gaps:
        yield "the audit: entries were pruned and no seal says so"
    elif seal is not None and _sealed(seal.detail) != (gaps, digest):
        yield f"the audit: what entry {seal.number} sealed is not what was pruned"


def _sealed(detail: str | None) -> tuple[Any, Any] | None:
    try:
        seal = orjson.loads(detail or "")
        return seal["gaps"], seal["digest"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
