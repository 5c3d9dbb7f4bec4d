"""The delivery state of webhooks: claims, so that one process at a time delivers, and the outcomes of attempts."""

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
"""How long a claim is valid: longer than an attempt and storing its outcome. After a crash, others wait this long."""

Delays = Sequence[float]

DELAYS: Delays = tuple(60.0 * minutes for minutes in (5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440))
"""The seconds to wait after each failure, as Standard Webhooks advises; one more failure disables the webhook."""
JITTER = 0.2
MOST_PATIENCE = timedelta(days=1)
"""The longest `Retry-After` of a receiver that is honoured."""

_random = SystemRandom()


class Pending(NamedTuple):
    """An enabled webhook that has not seen the newest revision."""

    id: str
    seen_revision: int
    attempts: int
    """The failed attempts since the last success."""
    not_before: datetime | None


class DeliveryState(NamedTuple):
    """The database's epoch and newest revision, the number of enabled webhooks, and those that are behind."""

    epoch: str
    revision: int
    webhooks: int
    pending: list[Pending]


class Failure(NamedTuple):
    """A failed attempt to deliver a message."""

    error: str
    status: int | None = None
    retry_after: timedelta = timedelta(0)
    final: bool = False
    """Whether the receiver answered 410 Gone, which disables the webhook at once."""


def read_state(connection: Connection) -> DeliveryState:
    """Read the delivery state of all enabled webhooks, by one statement."""
    columns = (Webhook.id, Webhook.seen_revision, Webhook.attempts, Webhook.next_attempt_at, Webhook.claimed_until)
    enabled = select(State.epoch, State.revision, *columns).outerjoin(Webhook, Webhook.disabled_at.is_(None))
    rows = connection.execute(enabled).all()
    epoch, revision = rows[0][:2]  # the outer join gives a row even where there is no webhook
    found = [
        Pending(id, seen, attempts, max(filter(None, times), default=None))
        for _, _, id, seen, attempts, *times in rows
        if id
    ]
    return DeliveryState(
        epoch, revision, len(found), [pending for pending in found if pending.seen_revision < revision]
    )


def claim(connection: Connection, id: str, seen_revision: int) -> datetime | None:
    """Claim a webhook for this process; returns the time until which it is claimed.

    Returns None where another process has claimed it or has delivered to it since `seen_revision` was read, where it
    was disabled or deleted, or where it may not be tried yet.
    """
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
    """Store that the receiver has acknowledged the message of a revision. If there is `more` to deliver, the claim is
    extended and its new end is returned; returns None otherwise, or where the claim was lost."""
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
    updated = connection.execute(update(Webhook).where(*ours).values(values)).rowcount
    return now + CLAIM if updated and more else None


def failed(connection: Connection, id: str, claimed: datetime, failure: Failure, delays: Delays) -> bool:
    """Store a failed attempt and the time of the next one; returns whether the webhook was disabled by it."""
    now = datetime.now(UTC)
    ours = (Webhook.id == id, Webhook.claimed_until == claimed)
    before = connection.scalars(select(Webhook.attempts).where(*ours)).one_or_none()
    if before is None:
        return False  # the webhook was deleted, or another process has claimed it
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
    """Release claims, given by the webhook's id and the claim's end, so that another process need not wait for it."""
    for id, claimed in claims:
        ours = (Webhook.id == id, Webhook.claimed_until == claimed)
        connection.execute(update(Webhook).where(*ours).values(claimed_until=None))
