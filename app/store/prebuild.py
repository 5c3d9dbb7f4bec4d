"""Prebuild: the rows and the document of a new record, made in the process that reads an import.

The process that writes then inserts them as they are (`app.store.prebuilt`). This is possible only for a record that
shows no other records than sources that come with it, since then its document depends on nothing that is stored.
"""

from collections.abc import Iterator
from functools import cache

from app.records.base_schemas import RecordIn, references
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.records.resource import Resource, Row, Rows
from app.records.sources.schemas import SourceIn
from app.store import bulk_insert as bulk
from app.store.derived import basis_of
from app.store.documents import compress
from app.store.entry import Entry, PrebuiltRecord, rows_of
from app.store.quotes.citations import provenance_rows
from app.store.rendering import body_of, etag_of
from app.store.rows import all_parts, main_tables, part_tables


class Prebuilder:
    """Prebuilds the records of one source item. Each comes after those that it refers to, and all were validated."""

    def __init__(self) -> None:
        self._sources: dict[str, Row] = {}
        """The sources that came before, as they are embedded in the records that cite them."""
        self._publications: set[str] = set()
        """Those of the sources that are publications."""

    def ready(self, type: RecordType, record: RecordIn) -> PrebuiltRecord | None:
        """Prebuild a record; return nothing if that cannot be done.

        It cannot if the record quotes, refers to anything but sources that came before it, or is a source with text.
        """
        cited, wrong = provenance_rows(record, {})
        if wrong or not self._can_build(record):
            return None
        entry = Entry.of(type, record, cited)
        rows = rows_of(entry)
        self._add(record, rows)
        body = self._body(type, rows)
        return PrebuiltRecord(
            id=record.id,
            kept=compress(entry.entered),
            digest=entry.digest,
            claims=tuple((row["key"], row["name"]) for row in rows["names"] if row["exclusive"]),
            sources=tuple(row["source_id"] for row in cited),
            may_be_alerted=any(row["source_id"] in self._publications for row in cited),
            blocks=dict(_blocks(type, rows)),
            etag=etag_of(body),
            body=body,
        )

    def _can_build(self, record: RecordIn) -> bool:
        if isinstance(record, SourceIn) and record.text is not None:
            return False
        return all(of == "sources" and id in self._sources for _, of, id in references(record))

    def _add(self, record: RecordIn, rows: Rows) -> None:
        if isinstance(record, SourceIn):
            self._sources[record.id] = RESOURCES["sources"].embed(rows)
            self._publications |= {record.id} if rows["sources"][0]["identifier"] else set()

    def _body(self, type: RecordType, rows: Rows) -> bytes:
        resource, shared = RESOURCES[type], rows["records"][0]
        if type != "sources":
            tiers = (self._sources[row["source_id"]]["tier"] for row in rows["provenance"])
            shared["evidence_basis"] = basis_of(tiers, is_flagged=shared["needs_primary_source"])
        return body_of(resource, shared, _no_rows(resource) | rows, {"sources": self._sources})


@cache
def _no_rows(resource: Resource) -> Rows:
    """An empty list of rows for each table that a document is rendered from."""
    return {part.table.name: [] for part in all_parts(resource)}


def _blocks(type: RecordType, rows: Rows) -> Iterator[tuple[str, bulk.Block]]:
    resource = RESOURCES[type]
    for table in (*main_tables(resource), *part_tables(resource)):
        if rows[table.name]:
            yield table.name, bulk.block(table, rows[table.name])
