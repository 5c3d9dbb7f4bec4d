"""Retention of the audit: pruning old entries, which leaves the chain verifiable.

    before   1 create   2 refused   3 key used   4 update   5 refused   6 create key
    after    1 create   (2-3, hash of 3)         4 update   (5, hash)   6 create key   7 prune audit

Only entries about actions that changed nothing are pruned (`PASSING`, without a revision). Entries about changes, keys,
releases, imports and webhooks are kept for ever. Each run of consecutive numbers that is pruned becomes one row of
`audit_gaps`: its first and last number, and the hash of the last, to which the next entry is chained. One entry, the
seal, records how many entries were pruned, the last one's number and hash, and a digest of all gaps. So a gap can no
more be added or altered without a trace than an entry can. The newest seal also covers the gaps of earlier prunings,
whose seals may themselves be pruned.

The number of gaps is bounded: there is at most one for each entry that is kept and one for each pruning. Of pruned
entries nothing can be verified but that they were pruned, by whom and when. So the whole audit is verified before a
pruning (`refuse_untrue`), which must not remove traces of tampering or seal them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, and_, delete, func, select

from app.auth.audit import Event, Who, lock_head, note
from app.auth.audit_chain import SEAL, audit_faults, digest_of_gaps
from app.auth.models import PASSING, AuditEntry, AuditGap
from app.database.engine import reading, table_of

AT_ONCE = 100_000
"""Entries that one transaction prunes at most, since other writers wait for it to end."""

_PRUNABLE = and_(AuditEntry.revision.is_(None), AuditEntry.action.in_(PASSING))


class NotWhole(Exception):
    """The audit is not as it was written; the message names the first fault."""


def refuse_untrue(engine: Engine) -> None:
    """Raise `NotWhole` if the audit has a fault. This only reads, so no writer waits for it."""
    with reading(engine) as connection:
        fault = next(audit_faults(connection), None)
    if fault is not None:
        raise NotWhole(fault)


def prunable(connection: Connection, before: datetime) -> int:
    """The number of entries that a pruning would remove."""
    return connection.scalars(select(func.count()).where(_PRUNABLE, AuditEntry.at < before)).one()


def prune(connection: Connection, before: datetime, who: Who, most: int = AT_ONCE) -> int:
    """Prune at most `most` of the oldest entries from before a moment, and return how many were pruned.

    If fewer than `most` were, none are left. If only seals of earlier prunings are left, nothing is pruned, since that
    would append another seal each time.
    """
    lock_head(connection)
    of = (AuditEntry.number, AuditEntry.hash, AuditEntry.action)
    oldest = select(*of).where(_PRUNABLE, AuditEntry.at < before).order_by(AuditEntry.number).limit(most)
    rows: list[Row[Any]] = [*connection.execute(oldest)]
    if all(row.action == SEAL for row in rows):
        return 0
    connection.execute(table_of(AuditGap).insert(), [*_runs(rows)])
    gone = delete(AuditEntry).where(_PRUNABLE, AuditEntry.at < before, AuditEntry.number <= rows[-1].number)
    connection.execute(gone)
    gaps, digest = digest_of_gaps(connection)
    last = {"last": rows[-1].number, "hash": rows[-1].hash}
    seal = {"pruned": len(rows), "before": before, **last, "gaps": gaps, "digest": digest}
    note(connection, [Event(who, SEAL, detail=orjson.dumps(seal, option=orjson.OPT_UTC_Z).decode())])
    return len(rows)


def _runs(rows: Sequence[Row[Any]]) -> Iterator[dict[str, Any]]:
    """The rows of gaps: one for each run of consecutive numbers."""
    first = rows[0].number
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if following is None or following.number != row.number + 1:
            yield {"first": first, "last": row.number, "hash": row.hash}
            first = following.number if following is not None else 0
