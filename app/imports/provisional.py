"""Provisional records: products and indications that an import makes of the names in registry records.

They cite the registry records that name them, say so in their note, and are marked as in need of a primary source, so
that a person looks at them (`needs_primary_source=true` finds them). They give way: whatever a label or a person states
of the record replaces what registry records contributed, whichever came first.
"""

from collections.abc import Iterable

from app.imports.candidates import Json
from app.records.vocabularies import RecordType
from app.store.reconciliation.contributions import Contribution
from app.store.reconciliation.precedence import NAMING
from app.store.reconciliation.survivorship import CurrentRecord

FORMAT = "ctgov"
"""The format whose contributions to products and indications are provisional."""
TYPES = frozenset(type for type, format in NAMING.items() if format == FORMAT)
NOTE = "Made by an import from the names in registry records; it waits for a person's review."


def _provisional(id: str, name: str, source: str) -> Json:
    return {
        "id": id,
        "name": name,
        "note": NOTE,
        "needs_primary_source": True,
        "provenance": [{"source": source}],
    }


def provisional_product(id: str, name: str, source: str) -> Json:
    """A product that is named by an intervention of the registry record `source`."""
    return _provisional(id, name, source)


def provisional_indication(id: str, heading: str, mesh_id: str, source: str) -> Json:
    """An indication that is the MeSH heading of a condition of the registry record `source`."""
    mesh = {"id": mesh_id, "heading": heading, "match": "exact"}
    return _provisional(id, heading, source) | {"mesh": mesh}


def is_provisional(type: RecordType, layers: Iterable[Contribution]) -> bool:
    """Whether only registry records contributed to a record, and at least one did."""
    formats = {layer.format for layer in layers}
    return type in TYPES and formats == {FORMAT}


def go_apart(standing: CurrentRecord, format: str, *, is_new: bool) -> bool:
    """Whether what a format states of a record and what is stored of it do not go together: one is provisional only."""
    if standing.type not in TYPES or (is_new and format == FORMAT):
        return False
    provisional = is_provisional(standing.type, standing.layers) and not standing.is_touched()
    return provisional is not (format == FORMAT)
