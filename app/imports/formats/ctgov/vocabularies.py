"""Maps ClinicalTrials.gov's enum values to those here, which are the same in lower case and with hyphens."""

from typing import Any, get_args

from app.records.vocabularies import (
    Allocation,
    ArmType,
    EnrolledType,
    Hypothesis,
    InterventionModel,
    InterventionType,
    ObservationalModel,
    OverallStatus,
    PrimaryPurpose,
    Sides,
    Statistic,
    TimePerspective,
)

Words = dict[str, str]


def _registry_values(vocabulary: Any) -> Words:
    return {word.upper().replace("-", "_"): word for word in get_args(vocabulary)}


ALLOCATIONS = _registry_values(Allocation)
INTERVENTION_MODELS = _registry_values(InterventionModel)
OBSERVATIONAL_MODELS = _registry_values(ObservationalModel)
TIME_PERSPECTIVES = _registry_values(TimePerspective)
PURPOSES = _registry_values(PrimaryPurpose)
STATUSES = _registry_values(OverallStatus)
ENROLLED_TYPES = _registry_values(EnrolledType)
ARM_TYPES = _registry_values(ArmType)
INTERVENTION_TYPES = _registry_values(InterventionType)
STATISTICS = _registry_values(Statistic)
HYPOTHESES = _registry_values(Hypothesis)
SIDES = _registry_values(Sides)
MASKINGS: Words = {
    "NONE": "none",
    "SINGLE": "single-blind",
    "DOUBLE": "double-blind",
    "TRIPLE": "triple-blind",
    "QUADRUPLE": "quadruple-blind",
}
PHASES: dict[tuple[str, ...], str] = {
    ("EARLY_PHASE1",): "early-1",
    ("PHASE1",): "1",
    ("PHASE1", "PHASE2"): "1-2",
    ("PHASE2",): "2",
    ("PHASE2", "PHASE3"): "2-3",
    ("PHASE3",): "3",
    ("PHASE4",): "4",
}
ROLES: Words = {
    "PRIMARY": "primary",
    "SECONDARY": "secondary",
    "OTHER_PRE_SPECIFIED": "other",
    "POST_HOC": "post-hoc",
}
ASSESSMENTS: Words = {"SYSTEMATIC_ASSESSMENT": "systematic", "NON_SYSTEMATIC_ASSESSMENT": "non-systematic"}
NOT_APPLICABLE = "NA"


def design(
    study_type: str | None,
    allocation: str | None,
    model: str | None,
    observed: str | None,
    perspective: str | None,
    registry: bool,
) -> str | None:
    """The design that the registry's values determine; `None` if they contradict each other or leave it open."""
    if study_type == "INTERVENTIONAL":
        return _of_trial(allocation, model)
    return _of_observation(observed, perspective, registry) if study_type == "OBSERVATIONAL" else None


def _of_trial(allocation: str | None, model: str | None) -> str | None:
    if allocation == "randomized":
        by_model = {"single-group": None, "crossover": "crossover-trial"}
        return by_model.get(model or "", "randomized-controlled-trial")
    return "non-randomized-trial" if allocation == "non-randomized" or model == "single-group" else None


def _of_observation(model: str | None, perspective: str | None, registry: bool) -> str | None:
    """The design of an observational study. A patient registry is a cohort, whatever its model is called."""
    if registry:
        return "cohort"
    if perspective == "cross-sectional" and model != "case-control":
        return "cross-sectional"
    known = {"cohort": "cohort", "case-control": "case-control", "case-only": "case-series"}
    return known.get(model or "")
