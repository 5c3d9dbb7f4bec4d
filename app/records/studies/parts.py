"""The parts of a study: its arms, what they were given, outcomes with their tables and analyses, harms, and the flow.

A table's cells are `results`: one a group, row and category, in the statistic that the outcome names.
"""

from typing import Annotated

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_schemas import Fields, RefersTo, Shape
from app.records.fields import Count, Line, MeshId, Name, NonNegative, Number, Percent, Prose, Slug, Weeks
from app.records.vocabularies import (
    ArmType,
    Assessment,
    EffectType,
    Hypothesis,
    InterventionType,
    OutcomeKind,
    OutcomeRole,
    Relation,
    Sides,
    Statistic,
)

P_VALUE = r"^(<=|>=|<|>|=)?\s?(0|1|0?\.[0-9]+|1\.0+|0\.0+)$"


class Arm(Shape):
    key: Slug = Field(description="Short name of the arm, unique in the study.", examples=["ona"])
    name: Name = Field(description="What the arm was given.", examples=["onabotulinumtoxinA"])
    type: ArmType | None = Field(None, description="The arm's role; null too for a group that was only reported on.")
    description: Prose | None = Field(None, description="The arm in its registry's words.")
    dose: Line | None = Field(None, description="Dose as described.")
    n: Count | None = Field(None, description="Participants in the arm.")


class Condition(Shape):
    name: Name = Field(description="As its registry names it; where only NLM's index does, the MeSH heading.")
    mesh_id: MeshId | None = Field(None, description="MeSH descriptor of that very name.")
    mesh_heading: Name | None = Field(None, description="Its MeSH heading.")


class Intervention(Shape):
    type: InterventionType | None = Field(None, description="What kind of intervention.")
    name: Name = Field(description="As its registry names it.")
    other_names: list[Name] = Field(default_factory=list, description="Its other names in the registry.")
    description: Prose | None = Field(None, description="The intervention in its registry's words.")
    product: Annotated[
        Slug | None, RefersTo("products"), Field(description="The product that it is, one of the study's products.")
    ] = None
    arms: list[Slug] = Field(default_factory=list, description="Keys of the arms that were given it.")


class ArmResult(Shape):
    arm: Slug = Field(description="Key of the arm.", examples=["ona"])
    row_title: Name | None = Field(None, description="Row of the outcome's table, such as a visit or a subscale.")
    category_title: Name | None = Field(None, description="Category within the row, such as a grade.")
    n: Count | None = Field(None, description="Participants analysed.")
    units_n: Count | None = Field(None, description="Units analysed, where the outcome counts others than people.")
    events: Count | None = Field(None, description="Participants with the outcome.")
    percent: Percent | None = Field(None, description="Percent of participants, as printed.")
    mean: Number | None = Field(None, description="Mean, in the measure's unit.")
    median: Number | None = Field(None, description="Median, in the measure's unit.")
    value: Number | None = Field(None, description="Any other statistic: the outcome's `statistic`, in its unit.")
    sd: NonNegative | None = Field(None, description="Standard deviation.")
    se: NonNegative | None = Field(None, description="Standard error.")
    spread: Number | None = Field(None, description="Any other spread: the outcome's `dispersion_type`.")
    lower: Number | None = Field(None, description="Lower limit of the outcome's `dispersion_type`.")
    upper: Number | None = Field(None, description="Upper limit of the outcome's `dispersion_type`.")
    printed: Name | None = Field(None, description="What is printed in place of a number: `NA`, `<0.1`.")
    note: Line | None = Field(None, description="A remark on this value.")


class Effect(Shape):
    type: EffectType = Field(description="What kind of effect estimate.")
    value: Number = Field(description="Point estimate.")
    ci_low: Number | None = Field(None, description="Lower end of its confidence interval.")
    ci_high: Number | None = Field(None, description="Upper end of its confidence interval.")


class Analysis(Shape):
    arms: list[Slug] = Field(default_factory=list, description="Keys of the arms compared.")
    method: Name | None = Field(None, description="Statistical test, as printed.", examples=["ANCOVA"])
    estimate_type: Name | None = Field(
        None, description="What was estimated, as printed.", examples=["Hazard Ratio (HR)"]
    )
    value: Number | None = Field(None, description="Point estimate.")
    ci_percent: Percent | None = Field(None, description="Level of its confidence interval, in percent.")
    ci_sides: Sides | None = Field(None, description="Sides of its confidence interval.")
    ci_low: Number | None = Field(None, description="Lower end of its confidence interval.")
    ci_high: Number | None = Field(None, description="Upper end of its confidence interval.")
    sd: Number | None = Field(None, description="Standard deviation of the estimate, as printed.")
    se: Number | None = Field(None, description="Standard error of the estimate, as printed.")
    p_value: Name | None = Field(None, description="p value as printed.", examples=["<0.001"])
    hypothesis: Hypothesis | None = Field(None, description="What was tested.")
    note: Prose | None = Field(None, description="What the source says about it.")


class PBound(Shape):
    relation: Relation = Field(description="`=` for an exact p value.")
    number: Number = Field(description="The number printed after it.")


class OutcomeFields(Fields):
    measure: Line = Field(description="What was measured.")
    description: Prose | None = Field(None, description="How, in its registry's words.")
    role: OutcomeRole | None = Field(None, description="Primary, secondary, safety, other or post hoc.")
    kind: OutcomeKind = Field(description="Which numbers it has.")
    statistic: Statistic | None = Field(None, description="What is told of each group, as its source names it.")
    dispersion_type: Name | None = Field(
        None, description="What `spread`, `lower` and `upper` are, as printed.", examples=["95% Confidence Interval"]
    )
    unit: Name | None = Field(None, description="Unit of measure, as printed.", examples=["score on a scale"])
    units_analyzed: Name | None = Field(None, description="What was counted, where not people.", examples=["Eyes"])
    timepoint_weeks: Weeks | None = Field(None, description="When, in weeks after baseline.")
    timepoint_label: Name | None = Field(None, description="When, as printed.")
    analysis_population: Name | None = Field(None, description="Who was analysed.")
    p_value: str | None = Field(
        None,
        max_length=20,
        pattern=pattern(P_VALUE, "a p value as printed, such as <0.001 or 0.04"),
        description="p value as printed.",
        examples=["<0.001"],
    )
    effect: Effect | None = Field(None, description="Effect estimate between arms.")
    results: list[ArmResult] = Field(
        default_factory=list, description="Results by arm; several an arm where there are rows or categories."
    )
    analyses: list[Analysis] = Field(default_factory=list, description="All statistical analyses that were reported.")


class OutcomeIn(OutcomeFields, Shape):
    pass


class OutcomeOut(OutcomeFields):
    p_bound: PBound | None = Field(description="The printed p value as a relation and a number.")


class AdverseEvent(Shape):
    event: Name = Field(description="What happened.", examples=["eyelid ptosis"])
    arm: Slug = Field(description="Key of the arm.")
    period: Name | None = Field(None, description="When it was counted.")
    serious: bool | None = Field(None, description="Whether it was counted as serious.")
    organ_system: Name | None = Field(
        None, description="Organ system; `Total` in a row of all events.", examples=["Eye disorders"]
    )
    assessment: Assessment | None = Field(None, description="Whether it was asked for in all, or told unasked.")
    n: Count | None = Field(None, description="Participants at risk.")
    events: Count | None = Field(None, description="Participants affected.")
    percent: Percent | None = Field(None, description="Percent affected, as printed.")
    occurrences: Count | None = Field(None, description="How often it happened, in all of them together.")


class FlowStep(Shape):
    period: Name | None = Field(None, description="Part of the study.", examples=["Overall Study"])
    milestone: Name = Field(description="What they reached, as printed.", examples=["STARTED", "NOT COMPLETED"])
    reason: Name | None = Field(None, description="Why they did not complete.", examples=["Lost to Follow-up"])
    arm: Slug = Field(description="Key of the arm.")
    n: Count | None = Field(None, description="Participants.")
    units_n: Count | None = Field(None, description="Units, where others than people were assigned.")
    note: Line | None = Field(None, description="A remark on this number.")
