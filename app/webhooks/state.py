"""How far each receiver has been told: claims, so that one process at a time delivers, and what came of attempts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from secrets import SystemRandom
from typing import NamedTuple

from sqlalchemy import Connection, or_, select, update

from app.auth.audit import Event, Who, note
from app.store.documents import State
from app.webhooks.models import Webhook

SERVICE = Who("service")
CLAIM = timedelta(seconds=30)
"""Longer than an attempt and the writing down of what came of it; after a crash others wait so long."""

Delays = Sequence[float]

DELAYS: Delays = tuple(60.0 * minutes for minutes in (5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440))
"""Seconds after each failure, as Standard Webhooks advises; after as many and one more the webhook is disabled."""
JITTER = 0.2
MOST_PATIENCE = timedelta(days=1)
"""No receiver's `Retry-After` is heeded beyond this."""

_random = SystemRandom()


class Pending(NamedTuple):
    """A webhook that has not seen the newest revision, and when it may be tried."""

    id: str
    seen_revision: int
    attempts: int
    not_before: datetime | None


class DeliveryState(NamedTuple):
    epoch: str
    revision: int
    webhooks: int
    pending: list[Pending]


class Failure(NamedTuple):
    error: str
    status: int | None = None
    retry_after: timedelta = timedelta(0)
    final: bool = False
    """The receiver is gone for good."""


def read_state(connection: Connection) -> DeliveryState:
    columns = (Webhook.id, Webhook.seen_revision, Webhook.attempts, Webhook.next_attempt_at, Webhook.claimed_until)
    enabled = select(State.epoch, State.revision, *columns).outerjoin(Webhook, Webhook.disabled_at.is_(None))
    rows = connection.execute(enabled).all()
    epoch, revision = rows[0][:2]  # there without any webhook too
    found = [
        Pending(id, seen, attempts, max(filter(None, times), default=None))
        for _, _, id, seen, attempts, *times in rows
        if id
    ]
    return DeliveryState(
        epoch, revision, len(found), [pending for pending in found if pending.seen_revision < revision]
    )


def claim(connection: Connection, id: str, seen_revision: int) -> datetime | None:
    """Until when this webhook is ours alone; nothing where another has it, or it has been told meanwhile."""
    now = datetime.now(UTC)
    free = (
        Webhook.id == id,
        Webhook.seen_revision == seen_revision,
        Webhook.disabled_at.is_(None),
        or_(Webhook.claimed_until.is_(None), Webhook.claimed_until < now),
        or_(Webhook.next_attempt_at.is_(None), Webhook.next_attempt_at <= now),
    )
    taken = connection.execute(update(Webhook).where(*free).values(claimed_until=now + CLAIM)).rowcount
    return now + CLAIM if taken else None


def delivered(
    connection: Connection, id: str, claimed: datetime, revision: int, status: int, *, more: bool
) -> datetime | None:
    """The receiver has taken it. The claim goes on if there is more to deliver."""
    now = datetime.now(UTC)
    values = {
        "seen_revision": revision,
        "attempts": 0,
        "next_attempt_at": None,
        "claimed_until": now + CLAIM if more else None,
        "delivered_at": now,
        "last_status": status,
        "last_error": None,
    }
    ours = (Webhook.id == id, Webhook.claimed_until == claimed)
    kept = connection.execute(update(Webhook).where(*ours).values(values)).rowcount
    return now + CLAIM if kept and more else None


def failed(connection: Connection, id: str, claimed: datetime, failure: Failure, delays: Delays) -> bool:
    """Notes a failure, and when to try again; says whether the webhook is disabled now."""
    now = datetime.now(UTC)
    ours = (Webhook.id == id, Webhook.claimed_until == claimed)
    before = connection.scalars(select(Webhook.attempts).where(*ours)).one_or_none()
    if before is None:
        return False  # deleted meanwhile, or another's
    attempts = before + 1
    disabled = failure.final or attempts > len(delays)
    values = {
        "attempts": attempts,
        "next_attempt_at": None if disabled else now + _wait(attempts, failure, delays),
        "claimed_until": None,
        "last_status": failure.status,
        "last_error": failure.error[:300],
        "disabled_at": now if disabled else None,
    }
    connection.execute(update(Webhook).where(*ours).values(values))
    if disabled:
        note(connection, [Event(SERVICE, "disable webhook", failure.status, detail=f"{id}: {failure.error}")])
    return disabled


def _wait(attempts: int, failure: Failure, delays: Delays) -> timedelta:
    delay = timedelta(seconds=delays[attempts - 1] * _random.uniform(1, 1 + JITTER))
    return max(delay, min(failure.retry_after, MOST_PATIENCE))


def release(connection: Connection, claims: Sequence[tuple[str, datetime]]) -> None:
    for id, claimed in claims:
        ours = (Webhook.id == id, Webhook.claimed_until == claimed)
        connection.execute(update(Webhook).where(*ours).values(claimed_until=None))
