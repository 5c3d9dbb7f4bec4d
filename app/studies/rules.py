"""Domain rules of studies, and the OCEBM table from which the level of evidence is derived."""

from collections.abc import Iterator

from app.fields import Design
from app.rules import Fault, Rule, in_order, numbers_agree, unique
from app.studies.schemas import ArmResult, OutcomeIn, StudyIn

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

The row asks for control at level 3, and an open-label extension need not have any, so it stands with case series.
A pooled analysis takes selected trials together without a systematic search, so it stands with single trials; animal
and laboratory work is "mechanism-based reasoning"; what the row does not name (narrative reviews, surveys, single
cases) gets no level.
"""

MEASURED: dict[str, tuple[str, ...]] = {
    "binary": ("events", "percent"),
    "continuous": ("mean",),
    "ratio": (),
    "descriptive": (),
}
"""Which numbers an arm's result must have at least one of, by the outcome's kind."""


SINGLE = ("design", "masking", "phase", "status", "enrolled", "start_date", "completion_date", "follow_up_weeks")
SINGLE_LISTS = ("arms", "registry_ids", "outcomes", "adverse_events")


def _a_body_is_no_single_study(study: StudyIn) -> Iterator[Fault]:
    if study.scope == "study":
        return
    given = [name for name in SINGLE if getattr(study, name) is not None]
    for field in (*given, *(name for name in SINGLE_LISTS if getattr(study, name))):
        yield f"/{field}", f"a body of evidence has no {field}: it is no single study"
    if not (study.title and study.summary):
        yield "/summary", "a body of evidence needs a title and a summary"


def _can_be_told_apart(study: StudyIn) -> Iterator[Fault]:
    if not (study.title or study.publications or study.registry_ids or study.acronym):
        yield "/title", "a study needs a title, an acronym, a registration or a publication"


def _links_once(study: StudyIn) -> Iterator[Fault]:
    for field in ("products", "indications", "comparators", "registry_ids", "overlaps_with"):
        yield from unique(f"/{field}", getattr(study, field), field)
    yield from unique("/publications", [report.publication for report in study.publications], "publication")
    yield from unique("/arms", [arm.key for arm in study.arms], "arm")
    if study.id in study.overlaps_with:
        yield "/overlaps_with", "a study does not overlap with itself"


def _arms_resolve(study: StudyIn) -> Iterator[Fault]:
    known = {arm.key for arm in study.arms}
    for index, outcome in enumerate(study.outcomes):
        for row, result in enumerate(outcome.results):
            if result.arm not in known:
                yield f"/outcomes/{index}/results/{row}/arm", f"there is no arm {result.arm!r}"
    for index, event in enumerate(study.adverse_events):
        if event.arm not in known:
            yield f"/adverse_events/{index}/arm", f"there is no arm {event.arm!r}"


def _result(pointer: str, outcome: OutcomeIn, result: ArmResult) -> Iterator[Fault]:
    needed = MEASURED[outcome.kind]
    if needed and all(getattr(result, name) is None for name in needed):
        yield pointer, f"a {outcome.kind} outcome's result needs {' or '.join(needed)}"
    yield from numbers_agree(pointer, result.events, result.percent, result.n)


def _outcomes_have_their_numbers(study: StudyIn) -> Iterator[Fault]:
    for index, outcome in enumerate(study.outcomes):
        pointer = f"/outcomes/{index}"
        for row, result in enumerate(outcome.results):
            yield from _result(f"{pointer}/results/{row}", outcome, result)
        if outcome.effect:
            low, high = outcome.effect.ci_low, outcome.effect.ci_high
            yield from in_order(f"{pointer}/effect/ci_low", low, high, "confidence interval")


def _adverse_events_agree(study: StudyIn) -> Iterator[Fault]:
    for index, event in enumerate(study.adverse_events):
        if event.events is None and event.percent is None:
            yield f"/adverse_events/{index}", "an adverse event needs events or a percent"
        yield from numbers_agree(f"/adverse_events/{index}", event.events, event.percent, event.n)


def _dates_are_in_order(study: StudyIn) -> Iterator[Fault]:
    start, end = study.start_date, study.completion_date
    if start and end and start[: len(end)] > end[: len(start)]:
        yield "/start_date", f"the study starts ({start}) after its end ({end})"


RULES: tuple[Rule[StudyIn], ...] = (
    _a_body_is_no_single_study,
    _can_be_told_apart,
    _links_once,
    _arms_resolve,
    _outcomes_have_their_numbers,
    _adverse_events_agree,
    _dates_are_in_order,
)
