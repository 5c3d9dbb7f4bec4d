"""Maps one record of ClinicalTrials.gov to a source item: the registry record as a source, and the study."""

from datetime import date
from hashlib import sha256
from typing import Any

import orjson

from app.imports.candidates import Candidate, Found, Json, PartialUpdate, Rejection, SourceItem
from app.imports.formats.ctgov import linking, protocol
from app.imports.formats.ctgov.adverse_events import adverse_events
from app.imports.formats.ctgov.arms import Arms
from app.imports.formats.ctgov.flow import participant_flow
from app.imports.formats.ctgov.grammar import Malformed, check
from app.imports.formats.ctgov.notes import Notes, present
from app.imports.formats.ctgov.outcomes import outcomes
from app.imports.formats.ctgov.paths import paths_of
from app.imports.name_index import Names
from app.records.studies.rules import OVERLAPPING_MODELS, arm_counts

ADDRESS = "https://clinicaltrials.gov/study/"


def digest_of(study: Json) -> str:
    """SHA-256 of the record as canonical JSON: UTF-8, names sorted, no spaces, without the day of the whole registry's
    data (`derivedSection.miscInfoModule.versionHolder`), which changes daily whether the record does or not."""
    derived = study.get("derivedSection") or {}
    misc = {name: value for name, value in (derived.get("miscInfoModule") or {}).items() if name != "versionHolder"}
    lasting = {**study, "derivedSection": {**derived, "miscInfoModule": misc}} if derived else study
    return sha256(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)).hexdigest()


def mapped(study: Any, names: Names, *, place: str, digest: str | None = None, on: date | None = None) -> Found:
    """Maps a parsed record; returns a rejection if it cannot be read.

    `place` names the record if it has no NCT number. `on` is the day of retrieval, used if the record states none.
    """
    try:
        check(study)
        nct_id = _nct_id(study)
    except Malformed as fault:
        return Rejection(_named(study) or place, fault.pointer, fault.detail)
    try:
        digest = digest or digest_of(study)
    except (TypeError, orjson.JSONEncodeError) as error:
        return Rejection(nct_id, "", f"it cannot be written down again: {error}")
    notes = Notes()
    source = _source(study, nct_id, digest, on or date.today())  # noqa: DTZ011  # the local day
    links = linking.Links(names, source["id"], notes)
    fields, partial_updates = _study(study, nct_id, source["id"], links, notes)
    return SourceItem(
        nct_id,
        (Candidate("sources", source), *links.candidates, Candidate("studies", fields)),
        partial_updates,
        (),
        tuple(notes.warnings),
    )


def _nct_id(study: Json) -> str:
    section = study.get("protocolSection")
    if section is None:
        raise Malformed("this is no study: it has no protocolSection")
    nct_id = (section.get("identificationModule") or {}).get("nctId")
    if nct_id is None:
        fault = Malformed("the study has no NCT number")
        fault.path += ["nctId", "identificationModule", "protocolSection"]
        raise fault
    return str(nct_id)


def _named(study: Any) -> str | None:
    """The NCT number as it is printed, valid or not."""
    for name in ("protocolSection", "identificationModule", "nctId"):
        study = study.get(name) if isinstance(study, dict) else None
    return study[:40] if isinstance(study, str) and study.isprintable() else None


def _source(study: Json, nct_id: str, digest: str, on: date) -> Json:
    misc = (study.get("derivedSection") or {}).get("miscInfoModule") or {}
    updated = protocol.last_update(study["protocolSection"].get("statusModule") or {})
    return {
        "id": f"ctgov-{nct_id.lower()}",
        "kind": "registry-record",
        "tier": "primary",
        "title": f"ClinicalTrials.gov {nct_id}",
        "url": f"{ADDRESS}{nct_id}",
        "publisher": "U.S. National Library of Medicine",
        "retrieved_on": misc.get("versionHolder") or on.isoformat(),
        "sha256": digest,
        **present(effective_date=updated),
    }


def _study(
    study: Json, nct_id: str, source: str, links: linking.Links, notes: Notes
) -> tuple[Json, tuple[PartialUpdate, ...]]:
    registered, results = study["protocolSection"], study.get("resultsSection") or {}
    derived = study.get("derivedSection") or {}
    arms = Arms(notes)
    fields = _registered(registered, derived, arms, links, notes)
    flow = participant_flow(results.get("participantFlowModule") or {}, arms, notes)
    measured = results.get("outcomeMeasuresModule") or {}
    fields |= present(
        outcomes=outcomes(registered.get("outcomesModule") or {}, measured, arms, notes),
        adverse_events=adverse_events(results.get("adverseEventsModule") or {}, arms, notes),
        participant_flow=flow,
        arms=list(arms.by_key.values()),
    )
    _leave_out_contradictory_counts(fields, notes)
    references = registered.get("referencesModule") or {}
    pmids = _reported_pmids(references)
    fields |= present(publications=[{"publication": f"pmid-{pmid}"} for pmid in pmids], reported_pmids=pmids)
    cited = {"source": source, "paths": paths_of(fields, registered)}
    absent = protocol.not_applicable(registered.get("designModule") or {})
    return {"id": nct_id.lower(), **fields, "absent": absent, "provenance": [cited]}, _retractions(references)


def _leave_out_contradictory_counts(fields: Json, notes: Notes) -> None:
    """Leaves out the participants of arms that together are more than the study enrolled, unless arms share people."""
    listed, enrolled = fields.get("arms") or (), fields.get("enrolled")
    counts = arm_counts((arm.get("type"), arm.get("n")) for arm in listed)
    shared = fields.get("intervention_model") in OVERLAPPING_MODELS
    if enrolled is None or not counts or (max(counts) if shared else sum(counts)) <= enrolled:
        return
    place = ("resultsSection", "participantFlowModule")
    notes.warn("number-left-out", place, f"{sum(counts)} participants of the arms, {enrolled} enrolled")
    for arm in listed:
        arm.pop("n", None)


def _registered(section: Json, derived: Json, arms: Arms, links: linking.Links, notes: Notes) -> Json:
    arms_module = section.get("armsInterventionsModule") or {}
    groups = arms_module.get("armGroups") or []
    arms.register(groups, "protocolSection", "armsInterventionsModule", "armGroups")
    module = section.get("conditionsModule") or {}
    browse = derived.get("conditionBrowseModule") or {}
    conditions, indications = linking.conditions(module, browse, links)
    interventions, products = linking.interventions(arms_module.get("interventions") or [], arms, links)
    return (
        protocol.identification(section["identificationModule"], notes)
        | protocol.status(section.get("statusModule") or {}, notes)
        | protocol.sponsors(section.get("sponsorCollaboratorsModule") or {}, notes)
        | protocol.design_fields(section.get("designModule") or {}, notes)
        | present(
            conditions=conditions,
            keywords=notes.names(module.get("keywords"), "protocolSection", "conditionsModule", "keywords"),
            indications=indications,
            interventions=interventions,
            products=products,
            comparators=linking.comparators(groups, arms),
            population=protocol.population(section.get("eligibilityModule") or {}),
        )
    )


def _reported_pmids(module: Json) -> list[str]:
    """The PMIDs of publications of results and then of derived ones. Background references report other studies."""
    kinds = ("RESULT", "DERIVED")
    references = [item for item in module.get("references") or () if item.get("type") in kinds]
    references.sort(key=lambda item: kinds.index(item["type"]))
    return list(dict.fromkeys(pmid for item in references if (pmid := _pmid(item))))


def _retractions(module: Json) -> tuple[PartialUpdate, ...]:
    """The publications, of any type of reference, that the record says were retracted."""
    retracted = [item for item in module.get("references") or () if item.get("retractions")]
    pmids = dict.fromkeys(pmid for item in retracted if (pmid := _pmid(item)))
    return tuple(PartialUpdate("publications", pmid, {"retraction_state": "retracted"}) for pmid in pmids)


def _pmid(reference: Json) -> str | None:
    pmid = (reference.get("pmid") or "").strip().lstrip("0")
    return pmid if pmid.isascii() and pmid.isdigit() and len(pmid) <= 9 else None
