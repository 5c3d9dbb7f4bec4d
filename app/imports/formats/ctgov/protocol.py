"""Maps the protocol section of a record, field by field."""

import re
from collections.abc import Iterator
from datetime import date

from app.imports.candidates import Json
from app.imports.formats.ctgov.notes import LINE, NAME, TITLE, Notes, one_line, present
from app.imports.formats.ctgov.printed import count, weeks
from app.imports.formats.ctgov.vocabularies import (
    ALLOCATIONS,
    ENROLLED_TYPES,
    INTERVENTION_MODELS,
    MASKINGS,
    NOT_APPLICABLE,
    OBSERVATIONAL_MODELS,
    PHASES,
    PURPOSES,
    STATUSES,
    TIME_PERSPECTIVES,
    design,
)
from app.records.studies.rules import IN_ORDER, after

PROTOCOL = "protocolSection"
IDENTIFICATION = (PROTOCOL, "identificationModule")
STATUS = (PROTOCOL, "statusModule")
DESIGN = (PROTOCOL, "designModule")
_REGISTRATIONS = ("REGISTRY", "EUDRACT_NUMBER", "CTIS")
_REGISTRATION = re.compile(
    r"NCT[0-9]{8}|ISRCTN[0-9]{5,}|ChiCTR[-A-Z0-9]+|DRKS[0-9]{8}|ACTRN[0-9]{14}|CTRI/[0-9/]+|NTR[0-9]+|NL[0-9]+\.[0-9.]+"
    r"|jRCT[a-z]*[0-9]+|JPRN-[A-Za-z0-9]+|UMIN[0-9]+|KCT[0-9]+|IRCT[A-Z0-9]+|PACTR[0-9]+|RBR-[a-z0-9]+|TCTR[0-9]+"
    r"|(?:EUCTR)?20[0-9]{2}-[0-9]{6}-[0-9]{2}|20[0-9]{2}-5[0-9]{5}-[0-9]{2}-[0-9]{2}"
)
"""Registration numbers whose form identifies the registry, for the registries of WHO's network."""
_CAN_BE_KEPT = re.compile(r"[!-~]{4,60}")
MOST_REGISTRATIONS = 20


def identification(module: Json, notes: Notes) -> Json:
    """Title, acronym and registration numbers."""
    brief, official = "briefTitle", "officialTitle"
    title = notes.line(module.get(brief), TITLE, *IDENTIFICATION, brief)
    return present(
        title=title or notes.line(module.get(official), TITLE, *IDENTIFICATION, official),
        acronym=notes.line(module.get("acronym"), NAME, *IDENTIFICATION, "acronym"),
        registry_ids=_registrations(module, notes),
    )


def _registrations(module: Json, notes: Notes) -> list[str]:
    found = [module["nctId"], *(module.get("nctIdAliases") or ()), *_secondary_registrations(module)]
    kept = [id for id in dict.fromkeys(found) if _CAN_BE_KEPT.fullmatch(id)]
    if len(kept) < len(set(found)) or len(kept) > MOST_REGISTRATIONS:
        left_out = [id for id in found if id not in kept[:MOST_REGISTRATIONS]]
        notes.warn("registration-left-out", (*IDENTIFICATION, "secondaryIdInfos"), ", ".join(left_out)[:200])
    return kept[:MOST_REGISTRATIONS]


def _secondary_registrations(module: Json) -> Iterator[str]:
    """Each secondary id that is a registry's number, by its stated type or by its form."""
    for info in module.get("secondaryIdInfos") or ():
        id = (info.get("id") or "").strip()
        if info.get("type") in _REGISTRATIONS or _REGISTRATION.fullmatch(id):
            yield id


DATES = {
    "status_verified_date": ("statusVerifiedDate",),
    "start_date": ("startDateStruct", "date"),
    "primary_completion_date": ("primaryCompletionDateStruct", "date"),
    "completion_date": ("completionDateStruct", "date"),
    "first_posted_date": ("studyFirstPostDateStruct", "date"),
    "results_first_posted_date": ("resultsFirstPostDateStruct", "date"),
    "last_updated_date": ("lastUpdatePostDateStruct", "date"),
}


def _is_real(day: str) -> bool:
    try:
        date.fromisoformat(day + "-01-01"[len(day) - 4 :])
    except ValueError:
        return False
    return True


def _dates(module: Json, notes: Notes) -> Json:
    found: dict[str, str] = {}
    for field, (name, *inner) in DATES.items():
        value = module.get(name)
        day = value.get(inner[0]) if inner and value else value
        if day and _is_real(day):
            found[field] = day
        elif day:
            notes.warn("inconsistent-date", (*STATUS, name, *inner), f"there is no {day}")
    return dict(_in_order(found, notes))


def last_update(module: Json) -> str | None:
    """The day on which the registry last updated the record, if it is a day that exists."""
    day = (module.get("lastUpdatePostDateStruct") or {}).get("date")
    return day if day and _is_real(day) else None


def _in_order(found: dict[str, str], notes: Notes) -> dict[str, str]:
    """Leaves out both of two dates that contradict each other, with a warning."""
    wrong = [pair for pair in IN_ORDER if after(found.get(pair[0]), found.get(pair[1]))]
    for first, last in wrong:
        both = f"{first} {found[first]} is after {last} {found[last]}"
        notes.warn("inconsistent-dates", (*STATUS, *DATES[first]), both)
    return {field: day for field, day in found.items() if not any(field in pair for pair in wrong)}


def status(module: Json, notes: Notes) -> Json:
    """Status and dates."""
    return present(
        status=notes.words(module.get("overallStatus"), STATUSES, *STATUS, "overallStatus"),
        why_stopped=notes.line(module.get("whyStopped"), LINE, *STATUS, "whyStopped"),
        **_dates(module, notes),
    )


def sponsors(module: Json, notes: Notes) -> Json:
    """Sponsor and collaborators."""
    place = (PROTOCOL, "sponsorCollaboratorsModule")
    lead = module.get("leadSponsor") or {}
    others = [item.get("name") or "" for item in module.get("collaborators") or ()]
    return present(
        sponsor=notes.line(lead.get("name"), NAME, *place, "leadSponsor", "name"),
        collaborators=notes.names(others, *place, "collaborators"),
    )


def design_fields(module: Json, notes: Notes) -> Json:
    """Design, phase, enrolment and follow-up."""
    info = module.get("designInfo") or {}
    place = (*DESIGN, "designInfo")
    allocation = None if info.get("allocation") == NOT_APPLICABLE else info.get("allocation")
    words: dict[str, str | None] = {
        "allocation": notes.words(allocation, ALLOCATIONS, *place, "allocation"),
        "intervention_model": notes.words(
            info.get("interventionModel"), INTERVENTION_MODELS, *place, "interventionModel"
        ),
        "observational_model": notes.words(
            info.get("observationalModel"), OBSERVATIONAL_MODELS, *place, "observationalModel"
        ),
        "time_perspective": notes.words(info.get("timePerspective"), TIME_PERSPECTIVES, *place, "timePerspective"),
        "primary_purpose": notes.words(info.get("primaryPurpose"), PURPOSES, *place, "primaryPurpose"),
        "masking": notes.words((info.get("maskingInfo") or {}).get("masking"), MASKINGS, *place, "maskingInfo"),
    }
    kind = design(
        module.get("studyType"),
        words["allocation"],
        words["intervention_model"],
        words["observational_model"],
        words["time_perspective"],
        bool(module.get("patientRegistry")),
    )
    lasting = present(follow_up_weeks=weeks(module.get("targetDuration")))
    return present(design=kind, **words) | _phase(module, notes) | _enrolled(module, notes) | lasting


def not_applicable(module: Json) -> dict[str, str]:
    """The fields that the record declares not applicable to its study."""
    info = module.get("designInfo") or {}
    found = {"allocation": info.get("allocation") == NOT_APPLICABLE, "phase": module.get("phases") == [NOT_APPLICABLE]}
    return {field: "not-applicable" for field, is_so in found.items() if is_so}


def _phase(module: Json, notes: Notes) -> Json:
    phases = tuple(module.get("phases") or ())
    if not phases or phases == (NOT_APPLICABLE,):
        return {}
    if phases not in PHASES:
        notes.warn("unknown-word", (*DESIGN, "phases"), ", ".join(phases)[:80])
        return {}
    return {"phase": PHASES[phases]}


def _enrolled(module: Json, notes: Notes) -> Json:
    info = module.get("enrollmentInfo") or {}
    place = (*DESIGN, "enrollmentInfo")
    printed_number = info.get("count")
    number = count(printed_number)
    if number is None and printed_number is not None:
        notes.warn("number-left-out", (*place, "count"), str(printed_number)[:40])
    return present(enrolled=number, enrolled_type=notes.words(info.get("type"), ENROLLED_TYPES, *place, "type"))


_SEXES = {"ALL": "all sexes", "FEMALE": "female", "MALE": "male"}
_HEALTHY = {True: "healthy volunteers accepted", False: "no healthy volunteers"}


def population(module: Json) -> str | None:
    """Sex, age and health of the participants, from the structured fields only."""
    parts = (
        _SEXES.get(module.get("sex") or ""),
        _ages(module),
        _HEALTHY.get(module.get("healthyVolunteers")),  # type: ignore[arg-type]  # `None` is not in the dictionary
    )
    words = ", ".join(part for part in parts if part)
    return words[:1].upper() + words[1:900] if words else None


def _ages(module: Json) -> str | None:
    low, high = (one_line(module.get(f"{end}imumAge") or "").lower() for end in ("min", "max"))
    if low and high:
        return f"aged {low} to {high}"
    if low:
        return f"aged {low} or older"
    return f"aged up to {high}" if high else None
