"""The columns that the filters shared by all cited types test, for one type."""

from app.records.base_models import Absence, Alert, Provenance, Record, RecordName
from app.records.fields import RecordType
from app.records.resource import Linked, Target
from app.records.sources.models import Source


def name_target(type: RecordType, kind: str) -> Linked:
    """The target of a filter by names of one kind, such as brands or registrations."""
    return Linked(RecordName.name, RecordName.record_id, (RecordName.record_type == type, RecordName.kind == kind))


def cited_targets(type: RecordType) -> dict[str, Target]:
    """The targets of the filters of `CitedFilter`, by their names."""
    record, provenance = (Record.type == type,), (Provenance.record_type == type,)
    cited = (*provenance, Provenance.source_id == Source.id)
    absence = (Absence.record_type == type,)
    return {
        "evidence_basis": Linked(Record.evidence_basis, Record.id, record),
        "needs_primary_source": Linked(Record.needs_primary_source, Record.id, record),
        "source": Linked(Provenance.source_id, Provenance.record_id, provenance),
        "source_tier": Linked(Source.tier, Provenance.record_id, cited),
        "alert": Linked(Alert.state, Alert.record_id, (Alert.record_type == type,)),
        "quote": Linked(Provenance.quote, Provenance.record_id, provenance),
        "quote_status": Linked(Provenance.status, Provenance.record_id, provenance),
        "absent": Linked(Absence.field, Absence.record_id, absence),
        "absence_reason": Linked(Absence.reason, Absence.record_id, absence),
    }
