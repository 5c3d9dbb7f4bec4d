"""Types of fields that several models share: each declares the table column, the JSON schema and the description.

SQLAlchemy reads the `mapped_column` of an alias; Pydantic and OpenAPI read its `Field`. The vocabularies follow NLM
(publication types, MeSH), ClinicalTrials.gov (phase, masking, status), FDA label sections and OCEBM designs.
"""

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema
from sqlalchemy import Enum
from sqlalchemy.orm import mapped_column

from app.database.engine import text

SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
PMID = r"^[1-9][0-9]{0,8}$"
DOI = r"^10\.[0-9]{4,9}/\S+$"
PMCID = r"^PMC[1-9][0-9]{0,9}$"
ISSN = r"^[0-9]{4}-[0-9]{3}[0-9X]$"
MESH_ID = r"^D[0-9]{6,9}$"

RecordType = Literal[
    "sources",
    "products",
    "indications",
    "publications",
    "studies",
    "mechanisms",
    "safety-notes",
    "approvals",
    "dosing",
    "directions",
]
"""All record types, in the order in which rows can be written: each after the types that it refers to."""


def word(name: str, literal: Any) -> Enum:
    """The column type of a vocabulary: VARCHAR with a named CHECK, so that the database enforces it too."""
    return Enum(*get_args(literal), name=name, native_enum=False, create_constraint=True, length=40)


def _real_date(value: str) -> str:
    date.fromisoformat(value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value)
    return value


Slug = Annotated[
    str,
    mapped_column(text(120)),
    Field(pattern=SLUG, max_length=120, description="Permanent id, unique in its type.", examples=["preempt-1"]),
]
Name = Annotated[str, mapped_column(text(300)), Field(min_length=1, max_length=300, pattern=r"\S")]
Title = Annotated[str, mapped_column(text(600)), Field(min_length=1, max_length=600, pattern=r"\S")]
"""A title, short enough for an index of every database, whatever its script."""
Line = Annotated[str, mapped_column(text(1000)), Field(min_length=1, max_length=1000, pattern=r"\S")]
Prose = Annotated[str, mapped_column(text()), Field(min_length=1, max_length=20_000, pattern=r"\S")]
RegistryId = Annotated[str, Field(pattern=r"^[!-~]{4,60}$", description="A trial registration.")]
MeshId = Annotated[str, Field(pattern=MESH_ID, description="MeSH descriptor.", examples=["D008881"])]
PartialDate = Annotated[
    str,
    mapped_column(text(10)),
    AfterValidator(_real_date),
    Field(
        pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$",
        description="ISO 8601 date, as precise as its source: `2010`, `2010-07` or `2010-07-30`.",
        examples=["2010-07-30"],
    ),
]
Year = Annotated[int, Field(ge=1800, le=2100, description="Calendar year.", examples=[2010])]
Count = Annotated[int, Field(ge=0, le=10**9, description="A number of people or things.", examples=[341])]


def _printable(value: int | float) -> int | float:
    """Refuse numbers that not both databases store with all digits, and turn negative zero into zero."""
    if abs(value) > 1e15:
        raise ValueError("this number is too large to be kept as it is printed")
    return value if value else abs(value)


Number = Annotated[
    int | float,
    AfterValidator(_printable),
    Field(allow_inf_nan=False, description="As printed: 40 and 40.0 differ."),
    WithJsonSchema({"type": "number", "description": "As printed by the source.", "examples": [88.2]}),
]
Percent = Annotated[
    int | float,
    Field(ge=0, le=100, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100, "examples": [88.2]}),
]
Weeks = Annotated[int, Field(ge=0, le=5200, description="Weeks.", examples=[24])]

Tier = Literal["primary", "manufacturer", "aggregator", "other"]
EvidenceBasis = Literal["primary", "secondary"]
AbsenceReason = Literal["not-reported", "not-applicable", "not-seen"]
QuoteStatus = Literal["ok", "moved", "gone", "unquoted"]
SourceKind = Literal[
    "article",
    "bibliographic-record",
    "compilation",
    "label",
    "registry-record",
    "regulator-document",
    "web-page",
]
ProductKind = Literal["product", "class"]
Category = Literal["therapeutic", "aesthetic"]
MeshMatch = Literal["exact", "close", "broader", "narrower"]
StudyScope = Literal["study", "body-of-evidence"]
Design = Literal[
    "systematic-review",
    "meta-analysis",
    "pooled-analysis",
    "randomized-controlled-trial",
    "crossover-trial",
    "non-randomized-trial",
    "open-label-extension",
    "cohort",
    "case-control",
    "cross-sectional",
    "case-series",
    "case-report",
    "narrative-review",
    "animal",
    "in-vitro",
]
Masking = Literal["none", "single-blind", "double-blind", "triple-blind", "quadruple-blind"]
Phase = Literal["early-1", "1", "1-2", "2", "2-3", "3", "4"]
OverallStatus = Literal[
    "not-yet-recruiting",
    "recruiting",
    "enrolling-by-invitation",
    "active-not-recruiting",
    "suspended",
    "terminated",
    "completed",
    "withdrawn",
    "available",
    "no-longer-available",
    "temporarily-not-available",
    "approved-for-marketing",
    "withheld",
    "unknown",
]
"""ClinicalTrials.gov's overall statuses. The five before the last are those of expanded access."""
Allocation = Literal["randomized", "non-randomized"]
InterventionModel = Literal["single-group", "parallel", "crossover", "factorial", "sequential"]
ObservationalModel = Literal[
    "cohort",
    "case-control",
    "case-only",
    "case-crossover",
    "ecologic-or-community",
    "family-based",
    "defined-population",
    "natural-history",
    "other",
]
TimePerspective = Literal["retrospective", "prospective", "cross-sectional", "other"]
PrimaryPurpose = Literal[
    "treatment",
    "prevention",
    "diagnostic",
    "ect",
    "supportive-care",
    "screening",
    "health-services-research",
    "basic-science",
    "device-feasibility",
    "other",
]
"""ClinicalTrials.gov's primary purposes; `ect` stands for education, counselling and training."""
EnrolledType = Literal["actual", "estimated"]
ArmType = Literal[
    "experimental", "active-comparator", "placebo-comparator", "sham-comparator", "no-intervention", "other"
]
InterventionType = Literal[
    "behavioral",
    "biological",
    "combination-product",
    "device",
    "diagnostic-test",
    "dietary-supplement",
    "drug",
    "genetic",
    "procedure",
    "radiation",
    "other",
]
Statistic = Literal[
    "mean",
    "least-squares-mean",
    "geometric-mean",
    "geometric-least-squares-mean",
    "log-mean",
    "median",
    "number",
    "count-of-participants",
    "count-of-units",
]
Hypothesis = Literal[
    "superiority",
    "non-inferiority",
    "equivalence",
    "other",
    "non-inferiority-or-equivalence",
    "superiority-or-other",
    "non-inferiority-or-equivalence-legacy",
    "superiority-or-other-legacy",
]
Sides = Literal["one-sided", "two-sided"]
Assessment = Literal["systematic", "non-systematic"]
Standing = Literal["current", "superseded"]
OutcomeRole = Literal["primary", "secondary", "safety", "other", "post-hoc"]
"""`other`: planned beforehand, neither primary nor secondary; `post-hoc`: planned when data were known."""
OutcomeKind = Literal["binary", "continuous", "ratio", "descriptive"]
EffectType = Literal[
    "mean-difference",
    "standardized-mean-difference",
    "risk-ratio",
    "odds-ratio",
    "hazard-ratio",
    "risk-difference",
]
Relation = Literal["<", "<=", "=", ">=", ">"]
SafetyKind = Literal[
    "boxed-warning",
    "contraindication",
    "warning",
    "adverse-reaction",
    "interaction",
    "special-population",
    "immunogenicity",
    "tolerability",
]
PublicationScope = Literal["publication", "body-of-literature"]
TitleKind = Literal["printed", "truncated", "descriptive", "registry-record"]
RetractionState = Literal["none", "corrected", "expression-of-concern", "retracted"]
NoticeKind = Literal[
    "comment-in",
    "comment-on",
    "corrected-and-republished-from",
    "corrected-and-republished-in",
    "erratum-for",
    "erratum-in",
    "expression-of-concern-for",
    "expression-of-concern-in",
    "original-report-in",
    "partial-retraction-in",
    "partial-retraction-of",
    "reprint-in",
    "reprint-of",
    "republished-from",
    "republished-in",
    "retracted-and-republished-from",
    "retracted-and-republished-in",
    "retraction-in",
    "retraction-of",
    "summary-for-patients-in",
    "update-in",
    "update-of",
]
"""NLM's kinds of relation between two publications (`CommentsCorrectionsList` of PubMed's XML)."""
AlertState = Literal["corrected", "expression-of-concern", "retracted"]
DirectionKind = Literal["refining", "exploring"]
UseField = Literal["medical", "cosmetic"]
Serotype = Literal["A", "B", "C", "D", "E", "F", "G"]
