"""Row changes: which of a record's stored rows differ from those that it is entered with now.

Only tables with other rows are written. If what other records take from a record is the same as before, their
documents need not be rendered again:

    its embedded form        documents that refer to it
    its rows in `_SEEN`      documents that show them, names of publications and citations that raise alerts
    its main row             other records' derived columns and alerts, for types in `_DERIVED_FROM`
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import Connection

from app.records.base_models import Absence, Provenance, Record, RecordName
from app.records.link_tables import Part
from app.records.registry import RESOURCES
from app.records.resource import Resource, Row, Rows
from app.records.vocabularies import RecordType
from app.store.rendering import etag_of
from app.store.rows import own_parts, read, read_shared
from app.store.versions import Key

RECORDS, ABSENCES, PROVENANCE, NAMES = (model.__tablename__ for model in (Record, Absence, Provenance, RecordName))

_BY_ITSELF = frozenset({RECORDS, ABSENCES, PROVENANCE})
"""Tables from which nothing is derived but by the sources cited and the flag of a curator."""

_DERIVED_FROM: frozenset[RecordType] = frozenset({"publications", "sources"})
"""The types whose main rows decide on derived columns and alerts of records that refer to them."""


class RowChange(NamedTuple):
    """What differs between a record's stored rows and those that it is entered with."""

    tables: frozenset[str]
    """The tables with other rows than before, and those whose rows are deleted with theirs."""
    is_derived: bool
    """Whether columns and alerts of the record itself may follow differently."""
    is_seen: bool
    """Whether other records' documents may show it differently, whatever its embedded form is."""
    embedded: str | None
    """The digest of how others embedded it before, if its rows that are embedded differ."""


def row_changes(connection: Connection, resource: Resource, entered: Mapping[str, Rows]) -> dict[Key, RowChange]:
    """Compare the rows of stored records of a type, by id, with those that they are entered with now."""
    type, ids = resource.type, list(entered)
    stored = read(connection, type, (resource.main, *own_parts(resource)), ids)
    shared = read_shared(connection, type, ids)
    return {(type, id): _change(resource, stored[id] | {RECORDS: [shared[id]]}, entered[id]) for id in ids}


def _change(resource: Resource, before: Rows, after: Rows) -> RowChange:
    differing = _kept_once(frozenset(_differing(resource, before, after)))
    is_flagged = [rows[RECORDS][0]["needs_primary_source"] for rows in (before, after)]
    cited = [[row["source_id"] for row in rows[PROVENANCE]] for rows in (before, after)]
    # of its citations only the sources count, not where a quote is and when it was found again
    is_cited_otherwise = cited[0] != cited[1]
    return RowChange(
        differing,
        is_derived=bool(differing - _BY_ITSELF) or is_cited_otherwise or is_flagged[0] != is_flagged[1],
        is_seen=bool(differing & _seen(resource)) or is_cited_otherwise,
        embedded=embedded_digest(resource.embed(before)) if differing & _embedded(resource) else None,
    )


@lru_cache(maxsize=1000)
def _kept_once(tables: frozenset[str]) -> frozenset[str]:
    """The same set for equal sets, since a large change has one for each record."""
    return tables


def embedded_digest(embedded: Row) -> str:
    """A digest of how a record is embedded in others."""
    return etag_of(orjson.dumps(embedded))


def _differing(resource: Resource, before: Rows, after: Rows) -> Iterator[str]:
    """The tables whose rows differ, and those with rows that would be deleted with rows of a table that differs."""
    yield RECORDS
    found: set[str] = set()
    for part in (*own_parts(resource), resource.main):
        name = part.table.name
        if not _equal(before[name], after[name], resource.derived) or not found.isdisjoint(_referred(part)):
            found.add(name)
    yield from found


@cache
def _referred(part: Part) -> frozenset[str]:
    """The tables that rows of a part refer to."""
    return frozenset(key.column.table.name for key in part.table.foreign_keys)


@cache
def _embedded(resource: Resource) -> frozenset[str]:
    """The tables from which a record is embedded in others."""
    return frozenset(part.table.name for part in (resource.main, *resource.embed_parts))


@cache
def _seen(resource: Resource) -> frozenset[str]:
    """The tables of a type whose rows other records' documents, derived columns and alerts may show."""
    views = {part.table.name for other in RESOURCES.values() for part in other.views}
    main = {resource.main.table.name} if resource.type in _DERIVED_FROM else set()
    return frozenset(views | main | {NAMES})


def _equal(before: list[Row], after: list[Row], derived: frozenset[str]) -> bool:
    """Whether rows are equal in all columns that are entered, and equal in print: 40 is not 40.0."""
    names = [name for name in (after[0] if after else ()) if name not in derived]
    return len(before) == len(after) and _printed(before, names) == _printed(after, names)


def _printed(rows: Iterable[Row], names: list[str]) -> list[bytes]:
    """The rows as JSON, in an order of their own: each says its place itself."""
    return sorted(orjson.dumps([row[name] for name in names]) for row in rows)
