"""Writing what was made ready: its rows and its documents are put in as they are, where they are what they would be."""

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
from app.store.entry import Entry, Ready
from app.store.rows import main_tables, part_tables
from app.store.versions import Key, grouped, store

_DOCUMENTS = table_of(Document)
_VERSION = ("type", "id", "version", "change", "revision", "etag", "body", "entered")


def insertable(found: Mapping[Key, Ready], entries: Iterable[Entry]) -> dict[Key, Ready]:
    """New ones that can be put in as they are: their sources are new too, and no other entry shows in them."""
    shown = set(_shown_in_documents(entry for entry in entries if entry.key not in found)) if found else set()
    return {key: ready for key, ready in found.items() if key not in shown and _cites_new_sources_only(ready, found)}


def _shown_in_documents(entries: Iterable[Entry]) -> Iterator[Key]:
    """Records that others refer to and whose documents may say so."""
    for entry in entries:
        yield from ((type, id) for _, type, id in references(entry.record) if RESOURCES[type].views)


def _cites_new_sources_only(ready: Ready, found: Mapping[Key, Ready]) -> bool:
    return all(("sources", id) in found for id in ready.sources)


def _blocks(ready: Mapping[Key, Ready], table: str) -> Iterator[Block]:
    return (each.blocks[table] for each in ready.values() if table in each.blocks)


def _resources(ready: Iterable[Key]) -> list[Resource]:
    types = {type for type, _ in ready}
    return [resource for type, resource in RESOURCES.items() if type in types]


def insert_prebuilt_main(connection: Connection, ready: Mapping[Key, Ready]) -> None:
    """Before any row that refers to them."""
    _insert(connection, main_tables(*_resources(ready)), ready)


def insert_prebuilt_parts(connection: Connection, ready: Mapping[Key, Ready]) -> None:
    _insert(connection, part_tables(*_resources(ready)), ready)


def _insert(connection: Connection, tables: Iterable[Table], ready: Mapping[Key, Ready]) -> None:
    if ready:
        with checks_deferred(connection):
            for table in tables:
                insert_blocks(connection, table, _blocks(ready, table.name))


def store_prebuilt(connection: Connection, ready: Mapping[Key, Ready], revision: int) -> set[Key]:
    """Their documents as first versions; returns who shows that any of them is retracted."""
    alerted = _with_alerts(connection, [key for key, each in ready.items() if each.may_be_alerted])
    kept = ((key, each) for key, each in ready.items() if key not in alerted)
    rows = [(*key, 1, "created", revision, each.etag, each.body, each.kept) for key, each in kept]
    insert_blocks(connection, _DOCUMENTS, [Block(_VERSION, rows)] if rows else [])
    store(connection, sorted(alerted), revision, {key: ready[key].kept for key in alerted})
    publications = [key for key in ready if key[0] == "publications"]
    return {key for _, ids in grouped(publications) for key in records_citing(connection, ids)}


def _with_alerts(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    found: set[Key] = set()
    for type, ids in grouped(keys):
        derive_alerts(connection, type, ids)
        query = select(Alert.record_id).where(Alert.record_type == type, Alert.record_id.in_(ids))
        found.update((type, id) for id in connection.scalars(query))
    return found
