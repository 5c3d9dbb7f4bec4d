"""Writing prebuilt records: their rows and documents are inserted as `app.store.prebuild` made them."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, Table, select

from app.database.engine import table_of
from app.records.base_models import Alert
from app.records.base_schemas import references
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.store.alerts import derive_alerts, records_citing
from app.store.bulk_insert import Block, checks_deferred, insert_blocks
from app.store.documents import Document
from app.store.entry import Entry, PrebuiltRecord
from app.store.rows import main_tables, part_tables
from app.store.versions import Key, grouped, store

_DOCUMENTS = table_of(Document)
_VERSION = ("type", "id", "version", "change", "revision", "etag", "body", "entered")


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
