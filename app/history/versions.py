"""The versions of one record: their list, one version in full, and the difference between two."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from jsonpatch import JsonPatch
from sqlalchemy import Connection, RowMapping, Select, func, select

from app.auth.pseudonyms import Shown, shown_actors
from app.common.problems import Invalid, Problem, invalid_parameter, not_found, parameter_fault
from app.query import name_resolution
from app.query.keyset import next_url, offset_in
from app.query.page_budget import cut
from app.query.pages import Page
from app.query.parameters import DEFAULT_LIMIT, Parameters, read_limit
from app.records.resource import Resource
from app.settings import PublicActors
from app.store.documents import Document, Revision

NO_CURSOR: str | None = None
NOT_GIVEN = 0
MOST_REASONS = 1000
MOST_BYTES = 4_000_000
"""The largest size of two compared documents together; comparing these takes about a second."""


class VersionedRecord(NamedTuple):
    """A record, which may be deleted, with the number of its versions."""

    id: str
    versions: int


def find(connection: Connection, resource: Resource, name: str) -> VersionedRecord:
    """The record with this id, or else the one that has this name now; raises a `Problem` where there is none."""
    versions = _count(connection, resource, name)
    if versions is None:
        name = name_resolution.id_of(connection, resource, name)
        versions = _count(connection, resource, name)
    if versions is None:
        raise name_resolution.documents_missing()
    return VersionedRecord(name, versions)


def _count(connection: Connection, resource: Resource, id: str) -> int | None:
    """The number of versions of a record, or None. It is the newest number, as they count from 1 without gaps."""
    newest = select(func.max(Document.version)).where(Document.type == resource.type, Document.id == id)
    return connection.scalars(newest).one()


def _versions_statement(resource: Resource, id: str, *more: Any) -> Select[Any]:
    """A statement for the versions of a record: the number, the change, and the revision with its time and author."""
    when = Revision.committed_at.label("at")
    columns = (Document.version, Document.change, Document.revision, when, Revision.actor, Revision.reason)
    of = (Document.type == resource.type, Document.id == id)
    return select(*columns, *more).where(*of, Revision.revision == Document.revision)


@dataclass(frozen=True, slots=True)
class VersionsQuery:
    """The parsed query string of a record's versions."""

    limit: int
    cursor: str | None


@lru_cache(maxsize=256)
def read_versions_query(raw: str) -> VersionsQuery:
    """Parse a raw query string; raises a `Problem` that lists every fault."""
    given = Parameters(raw, ["limit", "cursor", "format"])
    query = VersionsQuery(given.read("limit", read_limit, DEFAULT_LIMIT), given.read("cursor", str, NO_CURSOR))
    given.read_format()
    given.end()
    return query


def _with_public_actor(row: RowMapping, actors: Shown) -> dict[str, Any]:
    """A version with its actor as the public may see it."""
    return dict(row) | {"actor": actors(row["actor"])}


def versions(
    connection: Connection,
    resource: Resource,
    record: VersionedRecord,
    query: VersionsQuery,
    most_bytes: int,
    actors: PublicActors = "names",
) -> Page:
    """One page of a record's versions, the newest first. `actors` decides how the public sees their authors."""
    if not query.limit:
        return Page([], record.versions, None)
    asked = f"versions {resource.type} {record.id}"
    before = offset_in(asked, query.cursor) if query.cursor is not None else record.versions + 1
    statement = _versions_statement(resource, record.id, Document.etag).where(Document.version < before)
    path = f"{resource.path}/{record.id}/versions"
    public = shown_actors(connection, actors)
    found = connection.execute(statement.order_by(Document.version.desc()).limit(query.limit)).mappings()
    rows = (
        (_json({**_with_public_actor(row, public), "href": f"{path}/{row['version']}"}), row["version"])
        for row in found
    )
    shown = cut(rows, query.limit, most_bytes).rows
    last = shown[-1][1] if shown else 1
    following = next_url(path, [("limit", query.limit)], asked, (last,)) if last > 1 else None
    return Page([row[0] for row in shown], record.versions, following)


def _unknown(resource: Resource, record: VersionedRecord, version: object) -> Problem:
    detail = f"There is no version {version} of the {resource.singular} {record.id!r}; it has 1 to {record.versions}."
    near = f"{resource.path}/{record.id}/versions"
    return not_found(detail, [near])


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def _fragment(body: bytes | None) -> orjson.Fragment | None:
    return None if body is None else orjson.Fragment(body)


def version(
    connection: Connection, resource: Resource, record: VersionedRecord, number: str, actors: PublicActors = "names"
) -> bytes:
    """One version as JSON, with its document and the record as it was entered.

    `number` is the last segment of the address; raises a `Problem` where there is no such version.
    """
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= record.versions):
        raise _unknown(resource, record, number)
    statement = _versions_statement(resource, record.id, Document.body, Document.entered).where(
        Document.version == int(number)
    )
    row = _with_public_actor(connection.execute(statement).mappings().one(), shown_actors(connection, actors))
    body, entered = row.pop("body"), row.pop("entered")
    shown = None if row["change"] == "deleted" else body
    return _json(row | {"document": _fragment(shown), "entered": _fragment(entered)})


class DiffQuery(NamedTuple):
    """The numbers of two versions that are compared; the first may be the newer one."""

    first: int
    last: int


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < len(value) <= 7 and int(value) > 0):
        raise Invalid(f"{value!r} is not the number of a version")
    return int(value)


@lru_cache(maxsize=256)
def read_diff_query(raw: str) -> DiffQuery:
    """Parse `from=` and `to=`; raises a `Problem` that lists every fault."""
    given = Parameters(raw, ["from", "to"])
    first, last = (given.read(name, _number, NOT_GIVEN) for name in ("from", "to"))
    for name in ("from", "to"):
        if not given.all(name):
            given.faults.append(parameter_fault(name, f"{name} is needed: the number of a version."))
    if abs(first - last) > MOST_REASONS:
        given.faults.append(parameter_fault("from", f"from and to are more than {MOST_REASONS} versions apart."))
    given.end()
    return DiffQuery(first, last)


def diff(
    connection: Connection,
    resource: Resource,
    record: VersionedRecord,
    wanted: DiffQuery,
    actors: PublicActors = "names",
) -> bytes:
    """The JSON Patch (RFC 6902) that turns one version's document into another's, and the changes between the two.

    Raises a `Problem` where a version does not exist or the documents are too long to compare.
    """
    for number in wanted:
        if number > record.versions:
            raise _unknown(resource, record, number)
    low, high = sorted(wanted)
    between = _versions_statement(resource, record.id).where(Document.version > low, Document.version <= high)
    reasons = connection.execute(between.order_by(Document.version)).mappings().all()
    shown = shown_actors(connection, actors)
    patch = patch_between(*(_documents(connection, resource, record, wanted)))
    answer = {
        "from": wanted.first,
        "to": wanted.last,
        "patch": patch,
        "reasons": [_with_public_actor(row, shown) for row in reasons],
    }
    return _json(answer)


def _documents(connection: Connection, resource: Resource, record: VersionedRecord, wanted: DiffQuery) -> list[bytes]:
    of = (Document.type == resource.type, Document.id == record.id, Document.version.in_(wanted))
    rows = connection.execute(select(Document.version, Document.change, Document.body).where(*of))
    bodies = {row.version: b"null" if row.change == "deleted" else row.body for row in rows}
    return [bodies[number] for number in wanted]


def patch_between(before: bytes, after: bytes) -> Sequence[Any]:
    """The JSON Patch from one document to another; raises a `Problem` where they are too long.

    It has no `move` operations: two fields with the same value do not mean that the value was moved between them.
    """
    if len(before) + len(after) > MOST_BYTES:
        detail = "These two versions are too long to be compared here; get each of them."
        raise invalid_parameter("from", detail)
    patch: list[Any] = JsonPatch.from_diff(orjson.loads(before), orjson.loads(after), optimization=False).patch
    return patch
