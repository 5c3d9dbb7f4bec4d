"""The messages of webhooks: thin events, which say that there are changes and where to read them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import orjson
from sqlalchemy import Connection, exists, func, select

from app.auth.pseudonyms import shown_actors
from app.common.problems import Problem
from app.database.engine import table_of
from app.settings import PublicActors
from app.store.documents import Document, Revision, State
from app.webhooks.models import Webhook


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiver of a webhook's messages."""

    id: str
    url: str
    secret: str = field(repr=False)
    """The secret that signs its messages."""
    types: Sequence[str]
    """The record types that it is told of; empty for all."""
    seen_revision: int
    """The revision of the last message that it has acknowledged."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, whose `id` and `body` are the same however often it is sent, so that repetitions can be recognised."""

    id: str
    body: bytes
    revision: int


def missing(id: str) -> Problem:
    """The 404 for a webhook that does not exist."""
    return Problem("not-found", f"There is no webhook {id[:100]!r}.")


def receiver(connection: Connection, id: str) -> Receiver:
    """The receiver of a webhook; raises a `Problem` where there is none."""
    columns = [table_of(Webhook).c[name] for name in Receiver.__dataclass_fields__]
    row = connection.execute(select(*columns).where(Webhook.id == id)).mappings().one_or_none()
    if row is None:
        raise missing(id)
    return Receiver(**row)


def next_message(connection: Connection, to: Receiver, after: int, actors: PublicActors = "names") -> Message | None:
    """The message of the first revision after `after` that changed a type of the receiver, or None.

    Its actor is shown as the public may see it, because receivers may belong to anybody.
    """
    found = select(Revision.revision).where(Revision.revision > after).order_by(Revision.revision).limit(1)
    if to.types:
        of_them = exists().where(Document.revision == Revision.revision, Document.type.in_(to.types))
        found = found.where(of_them)
    revision = connection.scalars(found).one_or_none()
    return None if revision is None else _message(connection, to, revision, actors)


def _message(connection: Connection, to: Receiver, revision: int, actors: PublicActors) -> Message:
    row = connection.execute(select(table_of(Revision)).where(Revision.revision == revision)).one()
    epoch = connection.scalars(select(State.epoch)).one()
    data = {
        "revision": revision,
        "at": row.committed_at,
        "actor": shown_actors(connection, actors)(row.actor),
        "reason": row.reason,
        "counts": _counts(connection, to, revision),
        "changes": f"/v1/changes?since={revision - 1}",
    }
    return Message(f"msg_{epoch}_{revision}_{to.id}", _body("revision.committed", row.committed_at, data), revision)


def _counts(connection: Connection, to: Receiver, revision: int) -> dict[str, dict[str, int]]:
    """The number of changed records of a revision, by type and kind of change."""
    of = [Document.revision == revision, *([Document.type.in_(to.types)] if to.types else [])]
    query = select(Document.type, Document.change, func.count()).where(*of).group_by(Document.type, Document.change)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for type, change, number in connection.execute(query.order_by(Document.type, Document.change)):
        counts[type][change] = number
    return counts


def test_message(to: Receiver) -> Message:
    """A message that reports no revision, for testing a receiver."""
    now = datetime.now(UTC)
    return Message(f"msg_test_{token_hex(8)}_{to.id}", _body("webhook.test", now, {"webhook": to.id}), 0)


def _body(type: str, at: datetime, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": type, "timestamp": at, "data": data}, option=orjson.OPT_UTC_Z)
