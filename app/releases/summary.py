"""Summaries of releases, derived from the document versions that they made."""

from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import aliased

from app.common.strict_json import Json
from app.releases.differences import differences
from app.releases.models import Release
from app.store.documents import Document, Revision
from app.store.versions import Key, entered_before

MOST_RECORDS, MOST_FIELDS, LONGEST_VALUE = 1000, 50, 500
MOST_FIELDS_IN_ALL = 5000

_UNDONE = aliased(Release)
_RELEASES = (
    select(
        Release.name,
        Release.revision,
        Revision.committed_at.label("at"),
        Revision.actor,
        Revision.reason,
        Release.reverts,
        select(_UNDONE.name).where(_UNDONE.reverts == Release.name).scalar_subquery().label("reverted_by"),
        Release.summary.label("counts"),
    )
    .join(Revision, Revision.revision == Release.revision)
    .order_by(Release.revision.desc())
)


def count(connection: Connection) -> int:
    """Return the number of releases."""
    return connection.scalars(select(func.count()).select_from(Release)).one()


def list_releases(connection: Connection, *, before: int | None = None, limit: int | None = None) -> list[Json]:
    """Return the releases, the newest first; only those with a revision below `before`, and at most `limit`."""
    query = _RELEASES if before is None else _RELEASES.where(Release.revision < before)
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]


def find_release(connection: Connection, name: str) -> Json | None:
    """Return the release with a name, or None."""
    row = connection.execute(_RELEASES.where(Release.name == name)).mappings().one_or_none()
    return dict(row) if row else None


def names(connection: Connection) -> list[str]:
    """Return the names of at most 10,000 releases, for suggestions."""
    return list(connection.scalars(select(Release.name).limit(10_000)))


def entered_or_deleted(connection: Connection, revision: int) -> list[Row[Any]]:
    """Return the records that a revision changed and not only refreshed, as rows of `type, id, change`."""
    query = select(Document.type, Document.id, Document.change).where(Document.revision == revision)
    query = query.where(Document.change != "refreshed").order_by(Document.type, Document.id)
    return [*connection.execute(query)]


def changed_records(connection: Connection, revision: int) -> tuple[list[Json], int]:
    """Return the first 1,000 records of a revision with the differences in what was entered, and their total number.

    The number of differences is bounded for each record and in all, and long values are shortened.
    """
    total = connection.scalars(select(func.count()).where(Document.revision == revision)).one()
    of = (Document.type, Document.id, Document.change, Document.entered)
    first = select(*of).where(Document.revision == revision).order_by(Document.type, Document.id).limit(MOST_RECORDS)
    rows: list[Row[Any]] = [*connection.execute(first)]
    updated: list[Key] = [(row.type, row.id) for row in rows if row.change == "updated"]
    before = entered_before(connection, updated, revision)
    left, records = MOST_FIELDS_IN_ALL, []
    for row in rows:
        records.append(_record(row, before.get((row.type, row.id)), left))
        left -= len(records[-1].get("fields", ()))
    return records, total


def _record(row: Row[Any], before: bytes | None, most: int) -> Json:
    record: Json = {"type": row.type, "id": row.id, "change": row.change}
    if row.change != "updated" or before is None:
        return record
    every = list(differences(orjson.loads(before), orjson.loads(row.entered)))
    shown = [_short(difference) for difference in every[: min(most, MOST_FIELDS)]]
    return record | {"fields": shown, "fields_total": len(every)}


def _short(difference: Json) -> Json:
    return {name: _shortened(value) for name, value in difference.items()}


def _shortened(value: Any) -> Any:
    """Cut a long text, and show only the beginning of the JSON of a long list or object."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return value if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ..."
