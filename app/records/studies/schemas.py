"""The JSON shapes of studies: as they are entered and as they are answered."""

from typing import Annotated, ClassVar

from pydantic import Field

from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified, RefersTo, Shape
from app.records.fields import Count, Line, Name, PartialDate, Pmid, Prose, RegistryId, Slug, Title, Weeks
from app.records.indications.schemas import IndicationRef
from app.records.products.schemas import ProductRef
from app.records.publications.schemas import Citation, PublicationRef
from app.records.studies.parts import AdverseEvent, Arm, Condition, FlowStep, Intervention, OutcomeIn, OutcomeOut
from app.records.vocabularies import (
    Allocation,
    Design,
    EnrolledType,
    InterventionModel,
    Masking,
    ObservationalModel,
    OverallStatus,
    Phase,
    PrimaryPurpose,
    RecordType,
    Standing,
    StudyScope,
    TimePerspective,
)


class StudyRef(Embedded):
    of: ClassVar[RecordType] = "studies"

    acronym: str | None = Field(description="Short name.")
    title: str | None = Field(description="Its own title, else its first publication's.")


class MechanismRef(Embedded):
    of: ClassVar[RecordType] = "mechanisms"

    title: str = Field(description="The mechanism in a line.")


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
    allocation: Allocation | None = Field(None, description="How participants came into the arms.")
    intervention_model: InterventionModel | None = Field(None, description="How the arms relate to each other.")
    observational_model: ObservationalModel | None = Field(None, description="Who was observed, beside whom.")
    time_perspective: TimePerspective | None = Field(None, description="When what was observed had happened.")
    primary_purpose: PrimaryPurpose | None = Field(None, description="What the interventions were for.")
    masking: Masking | None = Field(None, description="Who did not know the treatment.")
    phase: Phase | None = Field(None, description="Trial phase.", examples=["3"])
    status: OverallStatus | None = Field(None, description="Overall status in its registry.")
    status_verified_date: PartialDate | None = Field(None, description="When that status was last confirmed.")
    why_stopped: Line | None = Field(None, description="Why it was terminated, suspended or withdrawn.")
    sponsor: Name | None = Field(None, description="Who is responsible for it.", examples=["Allergan"])
    collaborators: list[Name] = Field(default_factory=list, description="Who else supports it.")
    registry_ids: list[RegistryId] = Field(
        default_factory=list, max_length=20, description="Trial registrations.", examples=[["NCT00156910"]]
    )
    reported_pmids: list[Pmid] = Field(
        default_factory=list,
        description="PubMed ids of reports that the registry names; each is linked when the publication is here.",
    )
    comparators: list[Name] = Field(default_factory=list, description="What it was compared with.")
    conditions: list[Condition] = Field(default_factory=list, description="Conditions, in its registry's words.")
    keywords: list[Name] = Field(default_factory=list, description="Keywords in its registry.")
    population: Line | None = Field(None, description="Who took part.")
    enrolled: Count | None = Field(None, description="Participants enrolled.")
    enrolled_type: EnrolledType | None = Field(
        None, description="`estimated`: as many are wanted; `actual`: as many took part."
    )
    included_studies: Count | None = Field(None, description="Studies a review or pooled analysis includes.")
    follow_up_weeks: Weeks | None = Field(None, description="Length of follow-up, in weeks.")
    start_date: PartialDate | None = Field(None, description="When it began.")
    primary_completion_date: PartialDate | None = Field(
        None, description="When the last data for the primary outcome were, or will be, collected."
    )
    completion_date: PartialDate | None = Field(None, description="When it ended.")
    first_posted_date: PartialDate | None = Field(None, description="When its registry first showed it.")
    results_first_posted_date: PartialDate | None = Field(
        None, description="When its registry first showed its results."
    )
    last_updated_date: PartialDate | None = Field(None, description="When its registry last showed a change.")
    arms: list[Arm] = Field(default_factory=list, max_length=500, description="Its arms, and groups reported on.")
    interventions: list[Intervention] = Field(
        default_factory=list, description="Interventions, in its registry's words."
    )
    participant_flow: list[FlowStep] = Field(
        default_factory=list, description="How many of each arm started, reached milestones, or left, and why."
    )
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
