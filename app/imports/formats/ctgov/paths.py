"""The places in a registry record from which a study's fields were mapped, as JSON pointers (RFC 6901)."""

from app.imports.candidates import Json

_IDENTIFICATION = "/protocolSection/identificationModule"
_STATUS = "/protocolSection/statusModule"
_SPONSORS = "/protocolSection/sponsorCollaboratorsModule"
_CONDITIONS = "/protocolSection/conditionsModule"
_DESIGN = "/protocolSection/designModule"
_INFO = f"{_DESIGN}/designInfo"
_ARMS = "/protocolSection/armsInterventionsModule"
PATHS: dict[str, str] = {
    "title": f"{_IDENTIFICATION}/briefTitle",
    "acronym": f"{_IDENTIFICATION}/acronym",
    "registry_ids": _IDENTIFICATION,
    "status": f"{_STATUS}/overallStatus",
    "status_verified_date": f"{_STATUS}/statusVerifiedDate",
    "why_stopped": f"{_STATUS}/whyStopped",
    "start_date": f"{_STATUS}/startDateStruct/date",
    "primary_completion_date": f"{_STATUS}/primaryCompletionDateStruct/date",
    "completion_date": f"{_STATUS}/completionDateStruct/date",
    "first_posted_date": f"{_STATUS}/studyFirstPostDateStruct/date",
    "results_first_posted_date": f"{_STATUS}/resultsFirstPostDateStruct/date",
    "last_updated_date": f"{_STATUS}/lastUpdatePostDateStruct/date",
    "sponsor": f"{_SPONSORS}/leadSponsor/name",
    "collaborators": f"{_SPONSORS}/collaborators",
    "conditions": f"{_CONDITIONS}/conditions",
    "keywords": f"{_CONDITIONS}/keywords",
    "indications": _CONDITIONS,
    "design": _DESIGN,
    "allocation": f"{_INFO}/allocation",
    "intervention_model": f"{_INFO}/interventionModel",
    "observational_model": f"{_INFO}/observationalModel",
    "time_perspective": f"{_INFO}/timePerspective",
    "primary_purpose": f"{_INFO}/primaryPurpose",
    "masking": f"{_INFO}/maskingInfo/masking",
    "phase": f"{_DESIGN}/phases",
    "enrolled": f"{_DESIGN}/enrollmentInfo/count",
    "enrolled_type": f"{_DESIGN}/enrollmentInfo/type",
    "follow_up_weeks": f"{_DESIGN}/targetDuration",
    "arms": f"{_ARMS}/armGroups",
    "interventions": f"{_ARMS}/interventions",
    "products": f"{_ARMS}/interventions",
    "comparators": f"{_ARMS}/armGroups",
    "population": "/protocolSection/eligibilityModule",
    "outcomes": "/protocolSection/outcomesModule",
    "adverse_events": "/resultsSection/adverseEventsModule",
    "participant_flow": "/resultsSection/participantFlowModule",
    "publications": "/protocolSection/referencesModule/references",
    "reported_pmids": "/protocolSection/referencesModule/references",
}
MEASURES = "/resultsSection/outcomeMeasuresModule/outcomeMeasures"


def paths_of(fields: Json, registered: Json) -> dict[str, str]:
    """The place of each field. A field made from several parts has the place of their common parent."""
    found = {field: PATHS[field] for field in fields}
    if "title" in fields and not (registered["identificationModule"].get("briefTitle") or "").strip():
        found["title"] = f"{_IDENTIFICATION}/officialTitle"
    if any("results" in outcome for outcome in fields.get("outcomes", ())):
        found["outcomes"] = MEASURES
    if "arms" in fields and not (registered.get("armsInterventionsModule") or {}).get("armGroups"):
        found["arms"] = "/resultsSection"
    return found
