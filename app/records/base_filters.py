"""The filters that all record types but sources have, since their records cite sources; and filters by names."""

from typing import get_args

from app.records.base_models import Absence, Alert, Provenance, Record, RecordName
from app.records.filter_declarations import Filter, boolean, reference, text, word
from app.records.link_tables import Linked
from app.records.sources.models import Source
from app.records.vocabularies import AlertState, RecordType


def name_target(type: RecordType, kind: str) -> Linked:
    """The target of a filter by names of one kind, such as brands or registrations."""
    return Linked(RecordName.name, RecordName.record_id, (RecordName.record_type == type, RecordName.kind == kind))


def cited_filters(type: RecordType) -> dict[str, Filter]:
    """The filters of a type whose records cite sources, by their names."""
    record, provenance = (Record.type == type,), (Provenance.record_type == type,)
    cited, absence = (*provenance, Provenance.source_id == Source.id), (Absence.record_type == type,)
    alert = Linked(Alert.state, Alert.record_id, (Alert.record_type == type,))
    return {
        "evidence_basis": word(Linked(Record.evidence_basis, Record.id, record)),
        "needs_primary_source": boolean(
            Linked(Record.needs_primary_source, Record.id, record),
            "A curator flagged that primary sources do not cover the record.",
        ),
        "source": reference(
            Linked(Provenance.source_id, Provenance.record_id, provenance),
            "article",
            "Source cited.",
            path="provenance.source",
        ),
        "source_tier": word(
            Linked(Source.tier, Provenance.record_id, cited), "Tier of a source cited.", path="provenance.tier"
        ),
        "alert": word(
            alert,
            "What became of a publication it rests on; `missing`: nothing known.",
            path="alerts.state",
            words=get_args(AlertState),
        ),
        "quote": text(
            Linked(Provenance.quote, Provenance.record_id, provenance),
            "present",
            "An exact quote given as proof; `present` or `missing`.",
            path="provenance.quote",
        ),
        "quote_status": word(
            Linked(Provenance.status, Provenance.record_id, provenance),
            "What became of a quote when its source's text was replaced.",
            path="provenance.status",
        ),
        "absent": text(
            Linked(Absence.field, Absence.record_id, absence), "title", "A field whose absence the source explains."
        ),
        "absence_reason": word(
            Linked(Absence.reason, Absence.record_id, absence), "Why a field is missing.", path="absent"
        ),
    }
