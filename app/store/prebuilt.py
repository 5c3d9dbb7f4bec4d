"""Prebuilt records: the bulk path of imports, from the process that reads to the one that writes.

    reading process:  record --Prebuilder--> PrebuiltRecord, its rows and its document
    writing process:  PrebuiltRecord --> inserted as it is, if the record is new and nothing stored shows it

Only a record that shows no other records than sources that come with it can be prebuilt, since then its document
depends on nothing that is stored.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from sqlalchemy import Connection, Table, select

from app.database.engine import table_of
from app.records.base_models import Alert
from app.records.base_schemas import RecordIn, references
from app.records.registry import RESOURCES
from app.records.resource import Resource, Row, Rows
from app.records.sources.schemas import SourceIn
from app.records.vocabularies import RecordType
from app.store.alerts import derive_alerts, records_citing
from app.store.bulk_insert import Block, block, checks_deferred, insert_blocks
from app.store.derived import basis_of
from app.store.documents import Document, compress
from app.store.entry import Entry, PrebuiltRecord, rows_of
from app.store.quotes.citations import provenance_rows
from app.store.rendering import body_of, etag_of
from app.store.rows import all_parts, main_tables, part_tables
from app.store.versions import Key, grouped, store

_DOCUMENTS = table_of(Document)
_VERSION = ("type", "id", "version", "change", "revision", "etag", "body", "entered")


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


def _blocks(type: RecordType, rows: Rows) -> Iterator[tuple[str, Block]]:
    resource = RESOURCES[type]
    for table in (*main_tables(resource), *part_tables(resource)):
        if rows[table.name]:
            yield table.name, block(table, rows[table.name])


def insertable(prebuilt: Mapping[Key, PrebuiltRecord], entries: Iterable[Entry]) -> dict[Key, PrebuiltRecord]:
    """The prebuilt records whose documents are right as they are.

    Their sources are new and prebuilt too, and no other entry of the change refers to them and is shown by them.
    """
    shown = set(_shown_in_documents(entry for entry in entries if entry.key not in prebuilt)) if prebuilt else set()
    return {
        key: ready
        for key, ready in prebuilt.items()
        if key not in shown and all(("sources", id) in prebuilt for id in ready.sources)
    }


def _shown_in_documents(entries: Iterable[Entry]) -> Iterator[Key]:
    """The records that the entries refer to and whose documents may show the entries."""
    for entry in entries:
        yield from ((type, id) for _, type, id in references(entry.record) if RESOURCES[type].views)


def _resources(keys: Iterable[Key]) -> list[Resource]:
    types = {type for type, _ in keys}
    return [resource for type, resource in RESOURCES.items() if type in types]


def insert_prebuilt_main(connection: Connection, prebuilt: Mapping[Key, PrebuiltRecord]) -> None:
    """Insert the main rows of prebuilt records, before any row that refers to them."""
    _insert(connection, main_tables(*_resources(prebuilt)), prebuilt)


def insert_prebuilt_parts(connection: Connection, prebuilt: Mapping[Key, PrebuiltRecord]) -> None:
    """Insert all other rows of prebuilt records, after all main rows of the change."""
    _insert(connection, part_tables(*_resources(prebuilt)), prebuilt)


def _insert(connection: Connection, tables: Iterable[Table], prebuilt: Mapping[Key, PrebuiltRecord]) -> None:
    if prebuilt:
        with checks_deferred(connection):
            for table in tables:
                blocks = (ready.blocks[table.name] for ready in prebuilt.values() if table.name in ready.blocks)
                insert_blocks(connection, table, blocks)


def store_prebuilt(connection: Connection, prebuilt: Mapping[Key, PrebuiltRecord], revision: int) -> set[Key]:
    """Store the documents of prebuilt records as first versions; return the records that show alerts about them.

    A record that rests on a publication with an alert is rendered again, since its prebuilt document does not show it.
    """
    alerted = _with_alerts(connection, [key for key, ready in prebuilt.items() if ready.may_be_alerted])
    _insert_documents(connection, {key: ready for key, ready in prebuilt.items() if key not in alerted}, revision)
    store(connection, sorted(alerted), revision, {key: prebuilt[key].kept for key in alerted})
    publications = [key for key in prebuilt if key[0] == "publications"]
    return {key for _, ids in grouped(publications) for key in records_citing(connection, ids)}


def _insert_documents(connection: Connection, prebuilt: Mapping[Key, PrebuiltRecord], revision: int) -> None:
    rows = [(*key, 1, "created", revision, ready.etag, ready.body, ready.kept) for key, ready in prebuilt.items()]
    insert_blocks(connection, _DOCUMENTS, [Block(_VERSION, rows)] if rows else [])


def _with_alerts(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Derive the alerts of some records, and return those that have any."""
    found: set[Key] = set()
    for type, ids in grouped(keys):
        derive_alerts(connection, type, ids)
        query = select(Alert.record_id).where(Alert.record_type == type, Alert.record_id.in_(ids))
        found.update((type, id) for id in connection.scalars(query))
    return found
