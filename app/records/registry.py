"""The registry of the record types, each after those that it refers to, so that records can be written in order."""

from typing import get_args

from app.records.approvals.resource import APPROVALS
from app.records.directions.resource import DIRECTIONS
from app.records.dosing.resource import DOSING
from app.records.indications.resource import INDICATIONS
from app.records.mechanisms.resource import MECHANISMS
from app.records.products.resource import PRODUCTS
from app.records.publications.resource import PUBLICATIONS
from app.records.resource import Resource
from app.records.safety_notes.resource import SAFETY_NOTES
from app.records.sources.resource import SOURCES
from app.records.studies.resource import STUDIES
from app.records.vocabularies import RecordType

RESOURCES: dict[RecordType, Resource] = {
    resource.type: resource
    for resource in (
        SOURCES,
        PRODUCTS,
        INDICATIONS,
        PUBLICATIONS,
        STUDIES,
        MECHANISMS,
        SAFETY_NOTES,
        APPROVALS,
        DOSING,
        DIRECTIONS,
    )
}
assert [*RESOURCES] == [*get_args(RecordType)], f"RecordType names others, or in another order: {[*RESOURCES]}"
