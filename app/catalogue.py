"""The ten record types, each after those it refers to; the one list that everything else goes by."""

from app.approvals.service import APPROVALS
from app.directions.service import DIRECTIONS
from app.dosing.service import DOSING
from app.fields import RecordType
from app.indications.service import INDICATIONS
from app.mechanisms.service import MECHANISMS
from app.products.service import PRODUCTS
from app.publications.service import PUBLICATIONS
from app.resources import Resource
from app.safety_notes.service import SAFETY_NOTES
from app.sources.service import SOURCES
from app.studies.service import STUDIES

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
