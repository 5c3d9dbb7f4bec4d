"""Deriving the columns and rows that follow from other records' rows: evidence basis, alerts, and each type's own."""

from collections.abc import Iterable

from sqlalchemy import Connection, case, exists, update

from app.records.base_models import Provenance, Record
from app.records.registry import RESOURCES
from app.records.sources.models import Source
from app.records.vocabularies import EvidenceBasis, Tier
from app.store.alerts import derive_alerts
from app.store.versions import Key, grouped

_PRIMARY = exists().where(
    Provenance.record_type == Record.type,
    Provenance.record_id == Record.id,
    Provenance.source_id == Source.id,
    Source.tier == "primary",
)


def basis_of(tiers: Iterable[Tier], *, is_flagged: bool) -> EvidenceBasis:
    """The evidence basis of a record that is not stored yet, from the tiers of its sources; as `_BASIS` in SQL.

    `is_flagged` says that a curator flagged the record as not covered by primary sources.
    """
    return "primary" if not is_flagged and "primary" in tiers else "secondary"


_BASIS = case((~Record.needs_primary_source & _PRIMARY, "primary"), else_="secondary")


def derive_columns(connection: Connection, keys: Iterable[Key]) -> None:
    """Set the evidence basis and the alerts of records of all types but sources, and each type's derived columns."""
    for type, some in grouped(keys):
        if type != "sources":
            which = (Record.type == type, Record.id.in_(some))
            connection.execute(update(Record).where(*which).values(evidence_basis=_BASIS))
            derive_alerts(connection, type, some)
        derive = RESOURCES[type].derive
        if derive:
            derive(connection, some)
