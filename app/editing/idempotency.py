"""Answers to writes with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), which are kept for a day.

An answer is stored in the transaction of its change, so either both are there or neither is. If a request is sent twice
at once, the second one waits for the writers' lock of the first one and then finds its answer.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, select

from app.auth.models import GivenAnswer
from app.common.problems import Problem
from app.database.engine import table_of

KEPT = timedelta(hours=24)
REPLAYED = "idempotent-replayed"
"""The header which says that an answer was sent before."""


class Asked(NamedTuple):
    """The identity of a request with an `Idempotency-Key`."""

    key_id: str
    """The id of the API key that sent it."""
    idempotency_key: str
    """The value of the header, which the client chose."""
    fingerprint: str
    """A hash of the request, which shows whether another request is sent with the same header."""


class Given(NamedTuple):
    """An answer that can be sent again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def given(connection: Connection, asked: Asked) -> Given | None:
    """The stored answer to a request, or None; raises a `Problem` if another request had the same `Idempotency-Key`."""
    row = connection.execute(select(table_of(GivenAnswer)).where(*_is_of(asked))).one_or_none()
    if row is None or row.at < datetime.now(UTC) - KEPT:
        return None
    if row.fingerprint != asked.fingerprint:
        raise Problem("idempotency-key-reused", "Another request was sent with this Idempotency-Key.")
    return Given(row.status, row.headers, row.body)


def replayed(answer: Given) -> Given:
    """Mark an answer as one that was sent before."""
    return answer._replace(headers={**answer.headers, REPLAYED: "true"})


def once(connection: Connection, asked: Asked | None, make: Callable[[], Given]) -> Given:
    """The stored answer to a request, or else the answer of `make`, which is stored in the same transaction.

    Without `asked`, nothing is looked up or stored.
    """
    before = given(connection, asked) if asked else None
    if before is not None:
        return replayed(before)
    answer = make()
    if asked:
        keep(connection, asked, answer)
    return answer


def keep(connection: Connection, asked: Asked, answer: Given) -> None:
    """Store the answer to a request, and delete the answers that are older than a day."""
    now = datetime.now(UTC)
    connection.execute(delete(GivenAnswer).where(GivenAnswer.at < now - KEPT))
    _insert(connection, asked, answer, now)


def keep_once(connection: Connection, asked: Asked, answer: Given, at: datetime) -> None:
    """Store an answer that was given at an earlier moment `at`, unless the same or a later one is stored already."""
    of = _is_of(asked)
    connection.execute(delete(GivenAnswer).where(*of, GivenAnswer.at < at))
    if connection.scalars(select(GivenAnswer.at).where(*of)).first() is None:
        _insert(connection, asked, answer, at)


def _is_of(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return GivenAnswer.key_id == asked.key_id, GivenAnswer.idempotency_key == asked.idempotency_key


def _insert(connection: Connection, asked: Asked, answer: Given, at: datetime) -> None:
    row = {**asked._asdict(), "at": at, **answer._asdict(), "headers": dict(answer.headers)}
    connection.execute(table_of(GivenAnswer).insert(), row)
