"""Integrity of reconciliation: conflicts follow from the records as entered and the contributions to them."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, exists, select

from app.records.base_models import Record
from app.records.vocabularies import RecordType
from app.store.import_models import Imported
from app.store.reconciliation.contributions import Contribution
from app.store.reconciliation.history import (
    conflict_content,
    contributions_to,
    expected_conflicts,
    last_entered,
    stored_conflicts,
)
from app.store.versions import Key


def conflict_faults(connection: Connection, type: RecordType, ids: Sequence[str]) -> Iterator[str]:
    """Faults of records whose stored conflicts differ from those that follow."""
    keys: list[Key] = [(type, id) for id in ids]
    layers, stored = contributions_to(connection, keys), stored_conflicts(connection, keys)
    entered = last_entered(connection, [key for key in keys if key in layers or key in stored])
    for key in entered:
        offered: tuple[Contribution, ...] = layers[key].layers if key in layers else ()
        now = [conflict_content(row) for row in expected_conflicts(key, entered[key], offered, 0)]
        if sorted(map(repr, now)) != sorted(repr(conflict_content(row)) for row in stored.get(key, ())):
            yield f"{type}/{key[1]}: the conflicts are not what was entered and imported"


def contribution_faults(connection: Connection) -> Iterator[str]:
    """Faults of contributions whose source never existed."""
    there = exists().where(Record.type == "sources", Record.id == Imported.source_id)
    of = (Imported.record_type, Imported.record_id, Imported.source_id)
    for type, id, source in connection.execute(select(*of).where(~there, Imported.digest != "").distinct()):
        yield f"{type}/{id}: it was imported from {source}, which is no source"
