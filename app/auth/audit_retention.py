"""How long the audit is kept: pruning, which leaves the chain verifiable.

    before   1 create   2 refused   3 key used   4 update   5 refused   6 create key
    after    1 create   (2-3, hash of 3)         4 update   (5, hash)   6 create key   7 prune audit

Only entries that changed nothing go (`PASSING`, without a revision); what tells of a change, of a key, a release, an
import or a webhook is kept for ever. Each run of numbers that goes becomes one row of `audit_gaps`: its first and last
number, and the hash of the last, to which the entry after it is chained. One entry, the seal, says how many went, up to
which number and with which hash, and holds a digest of all gaps there are. So gaps can no more be added or altered
without a trace than entries can, and the newest seal vouches for those before it, which later prunings may take away.

What remains is bounded: there is at most one gap for each entry that is kept and one for each pruning. What was pruned
cannot be proven any more, only that it was pruned, by whom and when. So nothing is pruned before the whole audit was
proven (`refuse_untrue`): a pruning must not take the traces of tampering away, or put its seal under them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, and_, delete, func, select

from app.auth.audit import Event, Who, lock_head, note
from app.auth.audit_chain import SEAL, digest_of_gaps, untrue_audit
from app.auth.models import PASSING, AuditEntry, AuditGap
from app.database.engine import reading, table_of

AT_ONCE = 100_000
"""Entries that one transaction prunes: others wait for it to end."""

_PRUNABLE = and_(AuditEntry.revision.is_(None), AuditEntry.action.in_(PASSING))


class NotWhole(Exception):
    """The audit is not what was written; the message says where."""


def refuse_untrue(engine: Engine) -> None:
    """Raises `NotWhole` where the audit's proof fails. Keeps no writer waiting."""
    with reading(engine) as connection:
        fault = next(untrue_audit(connection), None)
    if fault is not None:
        raise NotWhole(fault)


def prunable(connection: Connection, before: datetime) -> int:
    """How many entries a pruning would take."""
    return connection.scalars(select(func.count()).where(_PRUNABLE, AuditEntry.at < before)).one()


def prune(connection: Connection, before: datetime, who: Who, most: int = AT_ONCE) -> int:
    """Prunes the oldest entries from before a moment, and returns how many; fewer than `most` were the last.

    Where nothing is left but the seals of earlier prunings, nothing is done: each pruning would make another.
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
    said = {"pruned": len(rows), "before": before, **last, "gaps": gaps, "digest": digest}
    note(connection, [Event(who, SEAL, detail=orjson.dumps(said, option=orjson.OPT_UTC_Z).decode())])
    return len(rows)


def _runs(rows: Sequence[Row[Any]]) -> Iterator[dict[str, Any]]:
    """Gaps: one for each run of numbers without a number left out."""
    first = rows[0].number
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if following is None or following.number != row.number + 1:
            yield {"first": first, "last": row.number, "hash": row.hash}
            first = following.number if following is not None else 0
