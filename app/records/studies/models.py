"""Tables of studies and bodies of evidence, with arms, outcomes, arm-level results and adverse events."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from app.database.engine import SOME_JSON, Base
from app.records.base_models import counted, subtype
from app.records.fields import Count, Line, Name, PartialDate, Prose, Slug, Title, Weeks, word
from app.records.link_tables import link_table
from app.records.vocabularies import (
    Allocation,
    ArmType,
    Assessment,
    Design,
    EffectType,
    EnrolledType,
    InterventionModel,
    Masking,
    ObservationalModel,
    OutcomeKind,
    OutcomeRole,
    OverallStatus,
    Phase,
    PrimaryPurpose,
    Relation,
    Standing,
    Statistic,
    StudyScope,
    TimePerspective,
)

Some = list[dict[str, Any]] | None
"""Parts of a study that are stored as JSON; NULL where there are none."""


class Study(Base):
    """A study, or a body of evidence named as a whole."""

    __tablename__ = "studies"
    __table_args__ = (
        *subtype("studies"),
        CheckConstraint("enrolled >= 0", name="enrolled"),
        CheckConstraint("scope = 'study' OR design IS NULL", name="body_has_no_design"),
        CheckConstraint("evidence_level BETWEEN 1 AND 5", name="evidence_level"),
        Index("ix_studies_year", "year", "id"),
        Index("ix_studies_year_desc", sql("year DESC"), "id"),
        Index("ix_studies_enrolled", "enrolled", "id"),
        Index("ix_studies_title", "title", "id"),
        Index("ix_studies_design", "design", "id"),
        Index("ix_studies_phase", "phase", "id"),
    )

    type: Mapped[str] = mapped_column(default="studies")
    id: Mapped[Slug] = mapped_column(primary_key=True)
    scope: Mapped[StudyScope] = mapped_column(word("scope", StudyScope))
    standing: Mapped[Standing] = mapped_column(word("standing", Standing))
    own_title: Mapped[Title | None]
    title: Mapped[Title | None] = mapped_column(comment="Derived: its own, else its first publication's")
    year: Mapped[int | None] = mapped_column(comment="Derived: first publication's, else completion's, else start's")
    acronym: Mapped[Name | None]
    summary: Mapped[Prose | None]
    design: Mapped[Design | None] = mapped_column(word("design", Design))
    evidence_level: Mapped[int | None] = mapped_column(comment="Derived: OCEBM 2011 level of the design")
    masking: Mapped[Masking | None] = mapped_column(word("masking", Masking))
    phase: Mapped[Phase | None] = mapped_column(word("phase", Phase))
    status: Mapped[OverallStatus | None] = mapped_column(word("status", OverallStatus))
    population: Mapped[Line | None]
    enrolled: Mapped[Count | None]
    included_studies: Mapped[Count | None]
    follow_up_weeks: Mapped[Weeks | None]
    start_date: Mapped[PartialDate | None]
    completion_date: Mapped[PartialDate | None]
    conclusion: Mapped[Prose | None]
    overlaps_note: Mapped[Line | None]
    overlaps_inferred: Mapped[bool | None]
    allocation: Mapped[Allocation | None] = mapped_column(word("allocation", Allocation))
    intervention_model: Mapped[InterventionModel | None] = mapped_column(word("intervention_model", InterventionModel))
    observational_model: Mapped[ObservationalModel | None] = mapped_column(
        word("observational_model", ObservationalModel)
    )
    time_perspective: Mapped[TimePerspective | None] = mapped_column(word("time_perspective", TimePerspective))
    primary_purpose: Mapped[PrimaryPurpose | None] = mapped_column(word("primary_purpose", PrimaryPurpose))
    enrolled_type: Mapped[EnrolledType | None] = mapped_column(word("enrolled_type", EnrolledType))
    status_verified_date: Mapped[PartialDate | None]
    primary_completion_date: Mapped[PartialDate | None]
    first_posted_date: Mapped[PartialDate | None]
    results_first_posted_date: Mapped[PartialDate | None]
    last_updated_date: Mapped[PartialDate | None]
    sponsor: Mapped[Name | None]
    why_stopped: Mapped[Line | None]
    collaborators: Mapped[list[str] | None] = mapped_column(SOME_JSON)
    keywords: Mapped[list[str] | None] = mapped_column(SOME_JSON)
    conditions: Mapped[Some] = mapped_column(SOME_JSON)
    interventions: Mapped[Some] = mapped_column(SOME_JSON)
    participant_flow: Mapped[Some] = mapped_column(SOME_JSON)


def _study_id() -> Mapped[str]:
    return mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True)


class Arm(Base):
    """An arm of a study, or a group that its registry reports on."""

    __tablename__ = "study_arms"
    __table_args__ = (CheckConstraint("n >= 0", name="n"),)

    study_id: Mapped[Slug] = _study_id()
    key: Mapped[Slug] = mapped_column(primary_key=True)
    position: Mapped[int]
    name: Mapped[Name]
    dose: Mapped[Line | None]
    n: Mapped[Count | None]
    type: Mapped[ArmType | None] = mapped_column(word("type", ArmType))
    description: Mapped[Prose | None]


class Outcome(Base):
    """An outcome of a study, with its effect and p value."""

    __tablename__ = "study_outcomes"
    __table_args__ = (
        CheckConstraint("(effect_type IS NULL) = (effect_value IS NULL)", name="effect_whole"),
        CheckConstraint("effect_ci_low <= effect_ci_high", name="effect_ci"),
        CheckConstraint("(p_value IS NULL) = (p_relation IS NULL)", name="p_relation_of_p"),
        CheckConstraint("p_number BETWEEN 0 AND 1", name="p_number"),
    )

    study_id: Mapped[Slug] = _study_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    measure: Mapped[Line]
    role: Mapped[OutcomeRole | None] = mapped_column(word("role", OutcomeRole))
    kind: Mapped[OutcomeKind] = mapped_column(word("kind", OutcomeKind))
    timepoint_weeks: Mapped[Weeks | None]
    timepoint_label: Mapped[Name | None]
    analysis_population: Mapped[Name | None]
    p_value: Mapped[str | None] = mapped_column(comment="As printed")
    p_relation: Mapped[Relation | None] = mapped_column(word("p_relation", Relation))
    p_number: Mapped[float | None]
    effect_type: Mapped[EffectType | None] = mapped_column(word("effect_type", EffectType))
    effect_value: Mapped[float | None]
    effect_ci_low: Mapped[float | None]
    effect_ci_high: Mapped[float | None]
    description: Mapped[Prose | None]
    statistic: Mapped[Statistic | None] = mapped_column(word("statistic", Statistic))
    dispersion_type: Mapped[Name | None]
    unit: Mapped[Name | None]
    units_analyzed: Mapped[Name | None]
    analyses: Mapped[Some] = mapped_column(SOME_JSON)


def _arm() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["study_id", "arm"], ["study_arms.study_id", "study_arms.key"], ondelete="CASCADE")


class ArmResult(Base):
    """A cell of an outcome's results: one arm, row and category."""

    __tablename__ = "study_arm_results"
    __table_args__ = (
        _arm(),
        ForeignKeyConstraint(
            ["study_id", "outcome_position"],
            ["study_outcomes.study_id", "study_outcomes.position"],
            ondelete="CASCADE",
        ),
        *counted(),
        CheckConstraint("sd >= 0", name="sd"),
        CheckConstraint("se >= 0", name="se"),
        CheckConstraint("units_n >= 0", name="units_n"),
    )

    study_id: Mapped[Slug] = mapped_column(primary_key=True)
    outcome_position: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    arm: Mapped[Slug]
    n: Mapped[Count | None]
    events: Mapped[Count | None]
    percent: Mapped[float | None]
    mean: Mapped[float | None]
    sd: Mapped[float | None]
    se: Mapped[float | None]
    row_title: Mapped[Name | None]
    category_title: Mapped[Name | None]
    units_n: Mapped[Count | None]
    median: Mapped[float | None]
    value: Mapped[float | None]
    spread: Mapped[float | None]
    lower: Mapped[float | None]
    upper: Mapped[float | None]
    printed: Mapped[Name | None]
    note: Mapped[Line | None]


class AdverseEvent(Base):
    """How often an adverse event occurred in an arm."""

    __tablename__ = "study_adverse_events"
    __table_args__ = (
        _arm(),
        *counted(),
        CheckConstraint("occurrences >= 0", name="occurrences"),
        Index("ix_study_adverse_events_event", "event", "study_id"),
    )

    study_id: Mapped[Slug] = _study_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[Name]
    arm: Mapped[Slug]
    period: Mapped[Name | None]
    n: Mapped[Count | None]
    events: Mapped[Count | None]
    percent: Mapped[float | None]
    serious: Mapped[bool | None]
    organ_system: Mapped[Name | None]
    assessment: Mapped[Assessment | None] = mapped_column(word("assessment", Assessment))
    occurrences: Mapped[Count | None]


class Comparator(Base):
    """Something that a study compares with."""

    __tablename__ = "study_comparators"
    __table_args__ = (Index("ix_study_comparators_name", "name", "study_id"),)

    study_id: Mapped[Slug] = _study_id()
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Name]


class StudyPublication(Base):
    """A publication that reports a study; the one at position 0 is the main one."""

    __tablename__ = "study_publications"
    __table_args__ = (Index("ix_study_publications_publication_id", "publication_id", "study_id"),)

    study_id: Mapped[Slug] = _study_id()
    publication_id: Mapped[Slug] = mapped_column(ForeignKey("publications.id"), primary_key=True)
    position: Mapped[int]
    reports_pooled_data: Mapped[bool | None]


def _year() -> MappedColumn[Any]:
    return mapped_column(Integer, comment="Derived: the study's")


STUDY_PRODUCTS = link_table("study_products", study_id="studies", product_id="products", beside={"year": _year()})
STUDY_INDICATIONS = link_table(
    "study_indications", study_id="studies", indication_id="indications", beside={"year": _year()}
)
STUDY_OVERLAPS = link_table(
    "study_overlaps",
    CheckConstraint("study_id <> other_id", name="two_studies"),
    study_id="studies",
    other_id="studies",
)
"""Other studies that share participants with a study."""
