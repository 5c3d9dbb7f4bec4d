from typing import Annotated

from pydantic import Field

from app.fields import (
    Count,
    Design,
    EffectType,
    Line,
    Masking,
    Name,
    Number,
    OutcomeKind,
    OutcomeRole,
    OverallStatus,
    PartialDate,
    Percent,
    Phase,
    Prose,
    RegistryId,
    Relation,
    Slug,
    Standing,
    StudyScope,
    Title,
    Weeks,
)
from app.filters import Tests, number, reference, text, when, word
from app.indications.schemas import IndicationRef
from app.products.schemas import ProductRef
from app.publications.schemas import Citation, PublicationRef
from app.record_filters import CitedFilter
from app.record_schemas import CitedIn, CitedOut, Embedded, Fields, Identified, RefersTo, Shape

P_VALUE = r"^(<=|>=|<|>|=)?\s?(0|1|0?\.[0-9]+|1\.0+|0\.0+)$"


class StudyRef(Embedded):
    acronym: str | None = Field(description="Short name.")
    title: str | None = Field(description="Its own title, else its first publication's.")


class MechanismRef(Embedded):
    title: str = Field(description="The mechanism in a line.")


class Arm(Shape):
    key: Slug = Field(description="Short name of the arm, unique in the study.", examples=["ona"])
    name: Name = Field(description="What the arm was given.", examples=["onabotulinumtoxinA"])
    dose: Line | None = Field(None, description="Dose as described.")
    n: Count | None = Field(None, description="Participants in the arm.")


class ArmResult(Shape):
    arm: Slug = Field(description="Key of the arm.", examples=["ona"])
    n: Count | None = Field(None, description="Participants analysed.")
    events: Count | None = Field(None, description="Participants with the outcome.")
    percent: Percent | None = Field(None, description="Percent of participants, as printed.")
    mean: Number | None = Field(None, description="Mean, in the measure's unit.")
    sd: Number | None = Field(None, ge=0, description="Standard deviation.")
    se: Number | None = Field(None, ge=0, description="Standard error.")


class Effect(Shape):
    type: EffectType = Field(description="What kind of effect estimate.")
    value: Number = Field(description="Point estimate.")
    ci_low: Number | None = Field(None, description="Lower end of its confidence interval.")
    ci_high: Number | None = Field(None, description="Upper end of its confidence interval.")


class PBound(Shape):
    relation: Relation = Field(description="`=` for an exact p value.")
    number: Number = Field(description="The number printed after it.")


class OutcomeFields(Fields):
    measure: Line = Field(description="What was measured.")
    role: OutcomeRole | None = Field(None, description="Primary, secondary or safety.")
    kind: OutcomeKind = Field(description="Which numbers it has.")
    timepoint_weeks: Weeks | None = Field(None, description="When, in weeks after baseline.")
    timepoint_label: Name | None = Field(None, description="When, as printed.")
    analysis_population: Name | None = Field(None, description="Who was analysed.")
    p_value: str | None = Field(
        None, max_length=20, pattern=P_VALUE, description="p value as printed.", examples=["<0.001"]
    )
    effect: Effect | None = Field(None, description="Effect estimate between arms.")
    results: list[ArmResult] = Field(default_factory=list, description="Results by arm.")


class OutcomeIn(OutcomeFields, Shape):
    pass


class OutcomeOut(OutcomeFields):
    p_bound: PBound | None = Field(description="The printed p value as a relation and a number.")


class AdverseEvent(Shape):
    event: Name = Field(description="What happened.", examples=["eyelid ptosis"])
    arm: Slug = Field(description="Key of the arm.")
    period: Name | None = Field(None, description="When it was counted.")
    n: Count | None = Field(None, description="Participants at risk.")
    events: Count | None = Field(None, description="Participants affected.")
    percent: Percent | None = Field(None, description="Percent affected, as printed.")


class ReportIn(Shape):
    publication: Annotated[Slug, RefersTo("publications"), Field(description="Id of the publication.")]
    reports_pooled_data: bool | None = Field(None, description="It reports this study together with others.")


class ReportOut(PublicationRef):
    reports_pooled_data: bool | None = Field(description="It reports this study together with others.")


class StudyFields(Fields):
    scope: StudyScope = Field(
        "study", description="`body-of-evidence`: many studies named as a whole, never one of them."
    )
    standing: Standing = Field("current", description="`superseded`: a later version replaces it.")
    title: Title | None = Field(None, description="Its own title, as registered.")
    acronym: Name | None = Field(None, description="Short name.", examples=["PREEMPT 1"])
    summary: Prose | None = Field(None, description="What a body of evidence is said to show.")
    design: Design | None = Field(None, description="Study design.", examples=["randomized-controlled-trial"])
    masking: Masking | None = Field(None, description="Who did not know the treatment.")
    phase: Phase | None = Field(None, description="Trial phase.", examples=["3"])
    status: OverallStatus | None = Field(None, description="Overall status in its registry.")
    registry_ids: list[RegistryId] = Field(
        default_factory=list, max_length=20, description="Trial registrations.", examples=[["NCT00156910"]]
    )
    comparators: list[Name] = Field(default_factory=list, description="What it was compared with.")
    population: Line | None = Field(None, description="Who took part.")
    enrolled: Count | None = Field(None, description="Participants enrolled.")
    included_studies: Count | None = Field(None, description="Studies a review or pooled analysis includes.")
    follow_up_weeks: Weeks | None = Field(None, description="Length of follow-up, in weeks.")
    start_date: PartialDate | None = Field(None, description="When it began.")
    completion_date: PartialDate | None = Field(None, description="When it ended.")
    arms: list[Arm] = Field(default_factory=list, max_length=500, description="Its arms.")
    adverse_events: list[AdverseEvent] = Field(default_factory=list, description="Adverse events by arm.")
    conclusion: Prose | None = Field(None, description="What it found, in our words.")
    overlaps_note: Line | None = Field(None, description="How its participants overlap with other studies'.")
    overlaps_inferred: bool | None = Field(None, description="The overlap is inferred, not stated.")


class StudyIn(StudyFields, CitedIn):
    products: list[Annotated[Slug, RefersTo("products")]] = Field(
        default_factory=list, description="Products studied, by id."
    )
    indications: list[Annotated[Slug, RefersTo("indications")]] = Field(
        default_factory=list, description="Conditions studied, by id."
    )
    outcomes: list[OutcomeIn] = Field(default_factory=list, description="Outcomes with their results.")
    publications: list[ReportIn] = Field(default_factory=list, description="Reports; the first is the main one.")
    overlaps_with: list[Annotated[Slug, RefersTo("studies")]] = Field(
        default_factory=list, description="Studies that share participants with it: never pool both."
    )


class StudyOut(CitedOut, StudyFields, Identified):
    """A study, or a body of evidence named as a whole."""

    year: int | None = Field(description="First publication's year, else completion's, else start's.")
    evidence_level: int | None = Field(
        ge=1, le=5, description="OCEBM 2011 level of the design for questions of benefit, 1 (highest) to 5."
    )
    products: list[ProductRef] = Field(description="Products studied.")
    indications: list[IndicationRef] = Field(description="Conditions studied.")
    outcomes: list[OutcomeOut] = Field(description="Outcomes with their results.")
    publication: Citation | None = Field(description="Its first publication.")
    publications: list[ReportOut] = Field(description="Its publications.")
    overlaps_with: list[StudyRef] = Field(description="Studies that share participants: never pool both.")
    mechanisms: list[MechanismRef] = Field(description="Mechanisms that it supports.")


class StudyFilter(CitedFilter):
    scope: Annotated[Tests, word(StudyScope), Field(description="A study or a body of evidence.")] = ()
    standing: Annotated[Tests, word(Standing), Field(description="Current or superseded.")] = ()
    design: Annotated[Tests, word(Design), Field(description="Study design.")] = ()
    evidence_level: Annotated[Tests, number("1..2"), Field(description="OCEBM 2011 level, 1 to 5.")] = ()
    masking: Annotated[Tests, word(Masking), Field(description="Who did not know the treatment.")] = ()
    phase: Annotated[Tests, word(Phase), Field(description="Trial phase.")] = ()
    status: Annotated[Tests, word(OverallStatus), Field(description="Overall status in its registry.")] = ()
    title: Annotated[Tests, text("present"), Field(description="Exact title.")] = ()
    acronym: Annotated[Tests, text("COMPEL"), Field(description="Short name.")] = ()
    registry_id: Annotated[Tests, text("NCT01516892"), Field(description="Trial registration.")] = ()
    product: Annotated[Tests, reference("products", "botox"), Field(description="Product studied.")] = ()
    indication: Annotated[
        Tests, reference("indications", "chronic-migraine"), Field(description="Condition studied.")
    ] = ()
    comparator: Annotated[Tests, text("placebo"), Field(description="What it was compared with.")] = ()
    publication: Annotated[Tests, reference("publications", "20647170"), Field(description="A publication of it.")] = ()
    mechanism: Annotated[
        Tests, reference("mechanisms", "snap25-cleavage"), Field(description="Mechanism it supports.")
    ] = ()
    overlaps_with: Annotated[
        Tests, reference("studies", "compel"), Field(description="Shares participants with this study.")
    ] = ()
    adverse_event: Annotated[Tests, text("dysphagia"), Field(description="Adverse event counted.")] = ()
    outcome_role: Annotated[Tests, word(OutcomeRole), Field(description="Role of an outcome.")] = ()
    outcome_kind: Annotated[Tests, word(OutcomeKind), Field(description="Kind of an outcome.")] = ()
    effect_type: Annotated[Tests, word(EffectType), Field(description="Kind of an effect estimate.")] = ()
    enrolled: Annotated[Tests, number("100.."), Field(description="Participants enrolled.")] = ()
    included_studies: Annotated[Tests, number("2.."), Field(description="Studies included.")] = ()
    follow_up_weeks: Annotated[Tests, number("24.."), Field(description="Length of follow-up in weeks.")] = ()
    year: Annotated[
        Tests,
        number("2005..2015"),
        Field(description="First publication's year, else completion's, else start's."),
    ] = ()
    start_date: Annotated[Tests, when("2010.."), Field(description="When it began.")] = ()
    completion_date: Annotated[Tests, when("..2012-06"), Field(description="When it ended.")] = ()
    conclusion: Annotated[Tests, text("present"), Field(description="`present` or `missing`.")] = ()
