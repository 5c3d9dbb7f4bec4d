"""Answers to writes with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): given again for a day.

An answer is kept in the transaction of its change, so both are there or neither is; a request sent twice at once waits
for the first one's lock and then finds its answer.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from app.auth.models import GivenAnswer
from app.common.problems import Problem
from app.database.engine import table_of

KEPT = timedelta(hours=24)


class Asked(NamedTuple):
    """Whose key, the client's name of the request, and a hash of the request itself."""

    key_id: str
    idempotency_key: str
    fingerprint: str


class Given(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def given(connection: Connection, asked: Asked) -> Given | None:
    """The answer that was given to this very request; raises a `Problem` if the name is another request's."""
    of = (GivenAnswer.key_id == asked.key_id, GivenAnswer.idempotency_key == asked.idempotency_key)
    row = connection.execute(select(table_of(GivenAnswer)).where(*of)).one_or_none()
    if row is None or row.at < datetime.now(UTC) - KEPT:
        return None
    if row.fingerprint != asked.fingerprint:
        raise Problem("idempotency-key-reused", "Another request was sent with this Idempotency-Key.")
    return Given(row.status, row.headers, row.body)


def replayed(answer: Given) -> Given:
    """An answer that says that it was given before."""
    return answer._replace(headers={**answer.headers, "idempotent-replayed": "true"})


def once(connection: Connection, asked: Asked | None, make: Callable[[], Given]) -> Given:
    """The answer that was given before, or what `make` answers now, which is kept in the same transaction."""
    before = given(connection, asked) if asked else None
    if before is not None:
        return replayed(before)
    answer = make()
    if asked:
        keep(connection, asked, answer)
    return answer


def keep(connection: Connection, asked: Asked, answer: Given) -> None:
    now = datetime.now(UTC)
    connection.execute(delete(GivenAnswer).where(GivenAnswer.at < now - KEPT))
    row = {**asked._asdict(), "at": now, **answer._asdict(), "headers": dict(answer.headers)}
    connection.execute(table_of(GivenAnswer).insert(), row)


def keep_once(connection: Connection, asked: Asked, answer: Given, at: datetime) -> None:
    """Keeps an answer that was given at a moment before now, unless it is kept already."""
    of = (GivenAnswer.key_id == asked.key_id, GivenAnswer.idempotency_key == asked.idempotency_key)
    connection.execute(delete(GivenAnswer).where(*of, GivenAnswer.at < at))
    if connection.scalars(select(GivenAnswer.at).where(*of)).first() is None:
        row = {**asked._asdict(), "at": at, **answer._asdict(), "headers": dict(answer.headers)}
        connection.execute(table_of(GivenAnswer).insert(), row)
