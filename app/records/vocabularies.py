"""The vocabularies of fields, as types: record types, and the words of NLM, ClinicalTrials.gov, FDA and OCEBM.

NLM: publication types, MeSH and the kinds of notices. ClinicalTrials.gov: phases, masking, statuses, models. FDA: the
sections of labels. OCEBM: study designs. A word is stored, served and filtered by as it stands here.
"""

from typing import Literal

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
InterventionModel = Literal["single-group", "parallel", "crossover", "factorial", "sequential", "within-person"]
"""ClinicalTrials.gov's intervention models, and `within-person`: the sides or sites of one person are compared."""
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
