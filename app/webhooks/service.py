"""Administration of webhooks: create, list, enable and delete. Each change is written to the audit trail with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from app.auth.audit import Event, Who, note
from app.common.problems import Problem
from app.database.engine import table_of
from app.store.documents import State
from app.webhooks.messages import missing
from app.webhooks.models import Webhook
from app.webhooks.schemas import WebhookCreated, WebhookIn, WebhookOut
from app.webhooks.signing import new_secret

MOST = 100
"""The largest number of webhooks; each one is checked after every revision."""

_SHOWN = select(*[table_of(Webhook).c[name] for name in WebhookOut.model_fields])


def listed(connection: Connection) -> Sequence[WebhookOut]:
    """All webhooks, the oldest first."""
    rows = connection.execute(_SHOWN.order_by(Webhook.created_at, Webhook.id)).mappings()
    return [WebhookOut.model_validate(dict(row)) for row in rows]


def one(connection: Connection, id: str) -> WebhookOut:
    """One webhook; raises a `Problem` where there is none."""
    row = connection.execute(_SHOWN.where(Webhook.id == id)).mappings().one_or_none()
    if row is None:
        raise missing(id)
    return WebhookOut.model_validate(dict(row))


def create(connection: Connection, entered: WebhookIn, who: Who) -> WebhookCreated:
    """Create a webhook, which gets messages of all later revisions; raises a `Problem` where there are 100 already."""
    if connection.scalars(select(func.count()).select_from(Webhook)).one() >= MOST:
        raise Problem("conflict", f"There are {MOST} webhooks already; delete one that is not used.")
    row: dict[str, Any] = {
        "id": token_hex(6),
        "url": entered.url,
        "types": entered.types,
        "secret": entered.secret or new_secret(),
        "created_at": datetime.now(UTC),
        "created_by": who.actor,
        "seen_revision": connection.scalars(select(State.revision)).one(),
        "attempts": 0,
    }
    row |= dict.fromkeys(("next_attempt_at", "delivered_at", "last_status", "last_error", "disabled_at"))
    connection.execute(table_of(Webhook).insert(), row)
    note(connection, [_event(who, "create webhook", row["id"], 201)])
    return WebhookCreated.model_validate(row)


def secret_of(connection: Connection, id: str) -> str:
    """The secret of a webhook that an earlier request created; raises a `Problem` where it was deleted since."""
    secret = connection.scalars(select(Webhook.secret).where(Webhook.id == id)).one_or_none()
    if secret is None:
        raise Problem("conflict", f"This request made the webhook {id!r}, which was deleted since.")
    return secret


def remove(connection: Connection, id: str, who: Who) -> None:
    """Delete a webhook; raises a `Problem` where there is none."""
    if not connection.execute(delete(Webhook).where(Webhook.id == id)).rowcount:
        raise missing(id)
    note(connection, [_event(who, "delete webhook", id, 204)])


def enable(connection: Connection, id: str, who: Who) -> WebhookOut:
    """Enable a webhook again. Delivery continues at once after the last acknowledged message, with no failures counted.

    Raises a `Problem` where there is none.
    """
    values = {"disabled_at": None, "attempts": 0, "next_attempt_at": None}
    if not connection.execute(update(Webhook).where(Webhook.id == id).values(values)).rowcount:
        raise missing(id)
    note(connection, [_event(who, "enable webhook", id, 200)])
    return one(connection, id)


def _event(who: Who, action: str, id: str, status: int) -> Event:
    return Event(who, action, status, detail=id)
