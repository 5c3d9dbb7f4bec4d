"""Rendering: from rows to the public JSON of many records at a time, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Connection, Select, bindparam, select

from app.database import prepared
from app.records.base_schemas import ConflictOut, ProvenanceOut
from app.records.link_tables import Part
from app.records.registry import RESOURCES
from app.records.resource import EmbeddedRecords, Resource, Row, Rows, pick
from app.records.vocabularies import RecordType
from app.store.alerts import records_citing, worst_state
from app.store.rows import all_parts, batches, own_parts, read, read_shared, type_condition, with_derived_rows

_TABLES: dict[str, RecordType] = {resource.main.table.name: type for type, resource in RESOURCES.items()}


def _foreign_columns(part: Part) -> Iterator[tuple[str, RecordType]]:
    for column in part.table.columns:
        for key in column.foreign_keys:
            type = _TABLES.get(key.column.table.name)
            if type and column.name != part.owner:
                yield column.name, type


@cache
def reference_columns(resource: Resource) -> tuple[tuple[Part, str, RecordType], ...]:
    """The columns with other records' ids that a document of the type is rendered from: `(part, column, type)`."""
    parts = all_parts(resource)
    own = (part for part in resource.views if part.table.name in _TABLES)
    shown = ((part, "id", _TABLES[part.table.name]) for part in own)
    return (*((part, name, type) for part in parts for name, type in _foreign_columns(part)), *shown)


def dependents(
    connection: Connection, type: RecordType, ids: Sequence[str], *, new: bool = False
) -> Iterator[tuple[RecordType, str]]:
    """The records whose documents show any of the given ones, or show alerts about them.

    `new` says that the given records are new. No record could refer to them before, so only those that they refer to
    themselves, which may show them, are looked up.
    """
    for resource in RESOURCES.values():
        for part, column, target in reference_columns(resource):
            if target == type and (part in resource.views or not new):
                yield from ((resource.type, id) for id in _owners(connection, resource, part, column, ids))
    if type == "publications":
        yield from records_citing(connection, ids)


def referrers(connection: Connection, type: RecordType, ids: Sequence[str]) -> Iterator[tuple[str, RecordType, str]]:
    """The records that refer to the given ones by what they were entered with: `(id referred to, type, id)`, where
    type and id are the referring record's.
    """
    for resource in RESOURCES.values():
        for part in (resource.main, *own_parts(resource)):
            for column, target in _foreign_columns(part):
                if target == type:
                    yield from _referring(connection, resource, part, column, ids)


def _referring(
    connection: Connection, resource: Resource, part: Part, column: str, ids: Sequence[str]
) -> Iterator[tuple[str, RecordType, str]]:
    table = part.table
    for some in batches(ids):
        which = (table.c[column].in_(some), *type_condition(table, resource.type))
        query = select(table.c[column], table.c[part.owner]).where(*which).distinct()
        yield from ((referred, resource.type, owner) for referred, owner in connection.execute(query))


@cache
def _owners_statement(resource: Resource, part: Part, column: str) -> Select[Any]:
    table = part.table
    which = (table.c[column].in_(bindparam("ids", expanding=True)), *type_condition(table, resource.type))
    return select(table.c[part.owner]).where(*which).distinct()


def _owners(connection: Connection, resource: Resource, part: Part, column: str, ids: Sequence[str]) -> Iterable[str]:
    return [row[0] for row in prepared.rows(connection, _owners_statement(resource, part, column), {"ids": list(ids)})]


def _referenced_ids(resource: Resource, batch: Iterable[Rows]) -> Mapping[RecordType, set[str]]:
    wanted: dict[RecordType, set[str]] = defaultdict(set)
    for rows in batch:
        for part, column, type in reference_columns(resource):
            wanted[type].update(row[column] for row in rows[part.table.name] if row[column])
    return wanted


def embedded_records(connection: Connection, type: RecordType, ids: Sequence[str]) -> Mapping[str, Row]:
    """Some records of a type as other records' documents show them, by id."""
    resource = RESOURCES[type]
    found = read(connection, type, (resource.main, *resource.embed_parts), ids)
    return {id: resource.embed(rows) for id, rows in found.items()}


def _provenance(row: Row, found: EmbeddedRecords) -> Row:
    own = {"start": row["start_offset"], "end": row["end_offset"], "paths": row["paths"] or {}}
    return pick(ProvenanceOut, row) | own | found["sources"][row["source_id"]]


def _conflict(row: Row) -> Row:
    values = {name: orjson.loads(row[name]) for name in ("current", "proposed")}
    return pick(ConflictOut, row) | values | {"source": row["source_id"]}


def body_of(resource: Resource, shared: Row, rows: Rows, found: EmbeddedRecords) -> bytes:
    """Render one record's public JSON from its row in `records`, its other rows and the records that it embeds."""
    document = shared | resource.render(rows, found)
    document["absent"] = {row["field"]: row["reason"] for row in rows["absences"]}
    document["provenance"] = [_provenance(row, found) for row in rows["provenance"]]
    document["alert"] = worst_state([row["state"] for row in rows["alerts"]])
    document["alerts"] = [{"publication": row["publication_id"], "state": row["state"]} for row in rows["alerts"]]
    document["conflicts"] = [_conflict(row) for row in rows["conflicts"]]
    return bytes(resource.out.__pydantic_serializer__.to_json(resource.out.model_validate(document)))


def render(
    connection: Connection, type: RecordType, ids: Sequence[str], written: Mapping[str, Rows] | None = None
) -> dict[str, bytes]:
    """Render the public JSON of some records from their rows as they are now, by id.

    `written` holds the rows of records that were just written, which need not be read again. A record without rows is
    left out.
    """
    resource = RESOURCES[type]
    there = written or {}
    batch = read(connection, type, all_parts(resource), [id for id in ids if id not in there])
    batch |= with_derived_rows(connection, resource, {id: there[id] for id in ids if id in there})
    shared = read_shared(connection, type, ids)
    wanted = _referenced_ids(resource, batch.values())
    found = {of: embedded_records(connection, of, sorted(refs)) for of, refs in wanted.items() if refs}
    return {id: body_of(resource, shared[id], rows, found) for id, rows in batch.items()}


@cache
def shapes() -> str:
    """A digest of all public schemas. Documents that were rendered under another digest have to be rebuilt."""
    schemas = [resource.out.model_json_schema(mode="serialization") for resource in RESOURCES.values()]
    return blake2b(repr(schemas).encode(), digest_size=12).hexdigest()


def etag_of(body: bytes) -> str:
    """The strong entity tag of some bytes (RFC 9110, section 8.8.1): equal only for equal bytes."""
    return blake2b(body, digest_size=12).hexdigest()
