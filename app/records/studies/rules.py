"""Domain rules of studies, and the OCEBM table from which the evidence level is derived."""

from collections.abc import Iterable, Iterator

from app.common.problems import Fault
from app.common.suggestions import nearest
from app.records.rules import Rule, in_order, numbers_agree, unique
from app.records.studies.parts import ArmResult, OutcomeIn
from app.records.studies.schemas import StudyIn
from app.records.vocabularies import Design

EVIDENCE_LEVELS: dict[Design, int | None] = {
    "systematic-review": 1,
    "meta-analysis": 1,
    "pooled-analysis": 2,
    "randomized-controlled-trial": 2,
    "crossover-trial": 2,
    "non-randomized-trial": 3,
    "open-label-extension": 4,
    "cohort": 3,
    "case-control": 4,
    "cross-sectional": None,
    "case-series": 4,
    "case-report": None,
    "narrative-review": None,
    "animal": 5,
    "in-vitro": 5,
}
"""OCEBM Levels of Evidence Working Group, "The Oxford 2011 Levels of Evidence", row "Does this intervention help?".

Level 3 requires a control, which an open-label extension need not have, so it ranks with case series. A pooled analysis
combines selected trials without a systematic search, so it ranks with single trials. Animal and laboratory work is
"mechanism-based reasoning". Designs that the row does not name (narrative reviews, surveys, single cases) get no level.
"""

MEASURED: dict[str, tuple[str, ...]] = {
    "binary": ("events", "percent"),
    "continuous": ("mean",),
    "ratio": (),
    "descriptive": (),
}
"""By an outcome's kind, the numbers of which each result without a `printed` value must have at least one."""


SINGLE = (
    "design",
    "allocation",
    "intervention_model",
    "observational_model",
    "time_perspective",
    "primary_purpose",
    "masking",
    "phase",
    "status",
    "status_verified_date",
    "why_stopped",
    "sponsor",
    "enrolled",
    "enrolled_type",
    "start_date",
    "primary_completion_date",
    "completion_date",
    "first_posted_date",
    "results_first_posted_date",
    "last_updated_date",
    "follow_up_weeks",
)
"""Fields that only a single study may have, and no body of evidence; so are the lists below."""
SINGLE_LISTS = ("arms", "registry_ids", "outcomes", "adverse_events", "participant_flow", "collaborators")


def _body_has_no_study_fields(study: StudyIn) -> Iterator[Fault]:
    if study.scope == "study":
        return
    given = [name for name in SINGLE if getattr(study, name) is not None]
    for field in (*given, *(name for name in SINGLE_LISTS if getattr(study, name))):
        yield Fault(f"a body of evidence has no {field}: it is no single study", f"/{field}")
    if not (study.title and study.summary):
        yield Fault("a body of evidence needs a title and a summary", "/summary")


def _is_identifiable(study: StudyIn) -> Iterator[Fault]:
    if not (study.title or study.publications or study.registry_ids or study.acronym):
        yield Fault("a study needs a title, an acronym, a registration or a publication", "/title")


def _links_are_unique(study: StudyIn) -> Iterator[Fault]:
    for field in ("comparators", "registry_ids", "reported_pmids"):
        yield from unique(f"/{field}", getattr(study, field), field)
    yield from unique("/publications", [report.publication for report in study.publications], "publication")
    yield from unique("/arms", [arm.key for arm in study.arms], "arm")
    if study.id in study.overlaps_with:
        yield Fault("a study does not overlap with itself", "/overlaps_with")


def _arms_named(study: StudyIn) -> Iterator[tuple[str, str]]:
    """Every reference to an arm: `(JSON pointer, key of the arm)`."""
    for index, outcome in enumerate(study.outcomes):
        for row, result in enumerate(outcome.results):
            yield f"/outcomes/{index}/results/{row}/arm", result.arm
        for row, analysis in enumerate(outcome.analyses):
            yield from ((f"/outcomes/{index}/analyses/{row}/arms/{at}", arm) for at, arm in enumerate(analysis.arms))
    for index, intervention in enumerate(study.interventions):
        yield from ((f"/interventions/{index}/arms/{at}", arm) for at, arm in enumerate(intervention.arms))
    for field in ("adverse_events", "participant_flow"):
        yield from ((f"/{field}/{index}/arm", row.arm) for index, row in enumerate(getattr(study, field)))


def _arms_resolve(study: StudyIn) -> Iterator[Fault]:
    known = [arm.key for arm in study.arms]
    for pointer, arm in _arms_named(study):
        if arm not in known:
            yield Fault(f"there is no arm {arm!r}", pointer, nearest=tuple(nearest(arm, known) or known[:5]))


def _interventions_are_of_its_products(study: StudyIn) -> Iterator[Fault]:
    for index, intervention in enumerate(study.interventions):
        if intervention.product and intervention.product not in study.products:
            yield Fault(f"{intervention.product!r} is none of the study's products", f"/interventions/{index}/product")


def _mesh_is_whole(study: StudyIn) -> Iterator[Fault]:
    for index, condition in enumerate(study.conditions):
        if (condition.mesh_id is None) != (condition.mesh_heading is None):
            yield Fault("a MeSH descriptor has an id and a heading", f"/conditions/{index}")


def _result(pointer: str, outcome: OutcomeIn, result: ArmResult) -> Iterator[Fault]:
    needed = MEASURED[outcome.kind]
    if needed and result.printed is None and all(getattr(result, name) is None for name in needed):
        yield Fault(f"a {outcome.kind} outcome's result needs {' or '.join(needed)}", pointer)
    yield from numbers_agree(pointer, result.events, result.percent, result.n)
    yield from in_order(f"{pointer}/lower", result.lower, result.upper, "limits")


def _outcomes_have_their_numbers(study: StudyIn) -> Iterator[Fault]:
    for index, outcome in enumerate(study.outcomes):
        pointer = f"/outcomes/{index}"
        for row, result in enumerate(outcome.results):
            yield from _result(f"{pointer}/results/{row}", outcome, result)
        if outcome.effect:
            low, high = outcome.effect.ci_low, outcome.effect.ci_high
            yield from in_order(f"{pointer}/effect/ci_low", low, high, "confidence interval")
        for row, analysis in enumerate(outcome.analyses):
            low, high = analysis.ci_low, analysis.ci_high
            yield from in_order(f"{pointer}/analyses/{row}/ci_low", low, high, "confidence interval")


def _adverse_events_agree(study: StudyIn) -> Iterator[Fault]:
    for index, event in enumerate(study.adverse_events):
        if event.events is None and event.percent is None:
            yield Fault("an adverse event needs events or a percent", f"/adverse_events/{index}")
        yield from numbers_agree(f"/adverse_events/{index}", event.events, event.percent, event.n)


OVERLAPPING_MODELS = ("crossover", "within-person")
OVERLAPPING_DESIGNS = ("crossover-trial", "systematic-review", "meta-analysis", "pooled-analysis")
"""Where arms share participants: those of a crossover or of two sides of the same people, and subgroups of a pool."""


def arm_counts(arms: Iterable[tuple[str | None, int | None]]) -> list[int]:
    """Participants of arms, given as `(type, n)`; groups without a type, which were only reported on, count if no arm
    has one."""
    counted = [(type, n) for type, n in arms if n is not None]
    return [n for type, n in counted if type is not None] or [n for _, n in counted]


def _arms_are_of_the_enrolled(study: StudyIn) -> Iterator[Fault]:
    """The arms together have no more participants than the study; where arms share them, each arm has no more."""
    counts = arm_counts((arm.type, arm.n) for arm in study.arms)
    if study.enrolled is None or not counts:
        return
    shared = study.intervention_model in OVERLAPPING_MODELS or study.design in OVERLAPPING_DESIGNS
    if shared and max(counts) > study.enrolled:
        yield Fault(f"an arm has {max(counts)} participants, the study {study.enrolled}", "/enrolled")
    if not shared and sum(counts) > study.enrolled:
        detail = f"the arms have {sum(counts)} participants together, the study {study.enrolled}"
        detail = f"{detail}; where arms share people, intervention_model is crossover or within-person"
        yield Fault(detail, "/enrolled")


IN_ORDER = (
    ("start_date", "primary_completion_date"),
    ("start_date", "completion_date"),
    ("primary_completion_date", "completion_date"),
    ("first_posted_date", "results_first_posted_date"),
    ("first_posted_date", "last_updated_date"),
    ("results_first_posted_date", "last_updated_date"),
)
"""Pairs of dates of which the first is never after the second."""


def after(one: str | None, other: str | None) -> bool:
    """Whether a date is later than another, compared at the precision of the less precise one."""
    return bool(one and other and one[: len(other)] > other[: len(one)])


def _dates_are_in_order(study: StudyIn) -> Iterator[Fault]:
    for first, last in IN_ORDER:
        start, end = getattr(study, first), getattr(study, last)
        if after(start, end):
            yield Fault(f"{first.replace('_', ' ')} {start} is after {last.replace('_', ' ')} {end}", f"/{first}")


RULES: tuple[Rule[StudyIn], ...] = (
    _body_has_no_study_fields,
    _is_identifiable,
    _links_are_unique,
    _arms_resolve,
    _interventions_are_of_its_products,
    _mesh_is_whole,
    _outcomes_have_their_numbers,
    _adverse_events_agree,
    _arms_are_of_the_enrolled,
    _dates_are_in_order,
)
