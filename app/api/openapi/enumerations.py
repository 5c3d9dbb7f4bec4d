"""The named enumerations of OpenAPI: each vocabulary is one component, to which all its uses refer.

The words are those of `app.records.vocabularies`; what they mean is in `app.records.vocabulary_meanings`.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin

from app.api.openapi.parameters import Doc
from app.api.representations import REPRESENTATIONS, names_of
from app.common.problems import KINDS
from app.imports.registry import FORMATS
from app.jobs.vocabulary import OnError, RunState
from app.query.search_parameters import Match
from app.records import vocabularies
from app.records.vocabulary_meanings import MEANINGS
from app.store.documents import Change
from app.store.reconciliation.precedence import RULES
from app.synthesis.effects import Measure
from app.synthesis.models import Test
from app.synthesis.question import Model
from app.synthesis.schemas import Include, RandomEstimator, Scale

PUBLIC_NAMES = {
    "Category": "IndicationCategory",
    "Design": "StudyDesign",
    "Masking": "StudyMasking",
    "Phase": "StudyPhase",
    "OverallStatus": "StudyStatus",
    "Standing": "StudyStanding",
    "Relation": "PRelation",
    "Sides": "TestSides",
    "Tier": "SourceTier",
}
"""The names in OpenAPI of vocabularies whose own names say too little outside of their module."""

_OF_THE_SERVICE: dict[str, dict[str, str]] = {
    "ChangeKind": {
        "created": "Created.",
        "updated": "Updated: another value was entered.",
        "refreshed": "Refreshed: a record that this one shows has changed.",
        "deleted": "Deleted: a tombstone is left.",
        "restored": "Restored: brought back as it was last entered.",
    },
    "ConflictRule": {
        "person-first": "What a person entered stands.",
        "worst-retraction-state": "The worst that any source says of a publication stands.",
        "registry-of-the-trial": "What the trial's own registry says stands.",
        "pubmed-for-bibliography": "PubMed's bibliographic data stand.",
        "label-of-the-product": "What the product's own label says stands.",
        "first-come": "What came first stands.",
    },
    "SearchMatchMode": {
        "best": "All words, and where no record has all, those that fit best.",
        "all": "All words.",
        "any": "Any of the words.",
    },
    "EffectMeasure": {
        "risk-ratio": "The ratio of two risks.",
        "odds-ratio": "The ratio of two odds.",
        "risk-difference": "The difference between two risks.",
        "mean-difference": "The difference between two means.",
        "standardized-mean-difference": "The difference between two means in standard deviations (Hedges' g).",
        "proportion": "The share of one group that has the event.",
        "generic": "An effect with its sampling variance.",
    },
    "SynthesisModel": {
        "random": "Random effects: the true effects differ between studies.",
        "fixed": "One common effect, weighted by inverse variance.",
        "mantel-haenszel": "One common effect by Mantel and Haenszel.",
        "peto": "One common odds ratio by Peto, for rare events.",
    },
    "TauSquaredEstimator": {
        "REML": "Restricted maximum likelihood.",
        "DL": "DerSimonian and Laird.",
        "PM": "Paule and Mandel.",
        "HE": "Hedges.",
    },
    "EffectTest": {
        "z": "By the normal distribution.",
        "knha": "By Knapp and Hartung, with the t distribution.",
        "adhoc": "By Knapp and Hartung, with an interval that is never narrower than that of `z`.",
    },
    "SynthesisPart": {
        "leave-one-out": "The pooled effect without each study in turn.",
        "cumulative": "The pooled effect as studies are added.",
        "asymmetry": "Egger's test, and trim and fill.",
    },
    "EffectScale": {
        "log": "Natural logarithms.",
        "logit": "Logarithms of odds.",
        "identity": "The measure's own unit.",
    },
    "SearchMatchUsed": {"all": "All words matched.", "any": "Any of the words matched."},
    "ImportState": {
        "queued": "It waits for its turn.",
        "fetching": "Pages are fetched.",
        "reading": "Records are read.",
        "writing": "Records are written.",
        "done": "It is done, as one release.",
        "failed": "It failed; nothing was changed.",
        "interrupted": "It was interrupted, and can be resumed.",
        "cancelled": "It was cancelled; nothing was changed.",
    },
    "ImportFormat": {
        "ctgov": "ClinicalTrials.gov's JSON.",
        "pubmed": "PubMed's XML.",
        "references": "RIS, MEDLINE, BibTeX, CSL-JSON or EndNote, as citation managers write it.",
        "label": "Structured Product Labeling.",
        "mesh": "NLM's MeSH descriptors.",
    },
    "OnRefusal": {"stop": "One refusal, and nothing is changed.", "skip": "The other records are applied."},
    "PatchOperator": {"add": "A value is added.", "remove": "A value is removed.", "replace": "A value is replaced."},
    "RecordFormat": {one.name: f"`{one.media_type}`." for one in REPRESENTATIONS.values()},
    "CitationFormat": {one.name: f"`{one.media_type}`." for one in REPRESENTATIONS.values()},
    "ProblemType": {f"/problems/{kind}": f"{known.status}: {known.title}." for kind, known in KINDS.items()},
}


def _vocabularies() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, literal in vars(vocabularies).items():
        if get_origin(literal) is Literal:
            yield PUBLIC_NAMES.get(name, name), get_args(literal)
    yield "ChangeKind", get_args(Change)
    yield "ConflictRule", tuple(RULES)
    yield "SearchMatchMode", get_args(Match)
    yield "SearchMatchUsed", ("all", "any")
    yield from _of_synthesis()
    yield "ImportState", get_args(RunState)
    yield "ImportFormat", tuple(FORMATS)
    yield "OnRefusal", get_args(OnError)
    yield "PatchOperator", ("add", "remove", "replace")
    yield "ProblemType", tuple(f"/problems/{kind}" for kind in KINDS)
    yield "RecordFormat", names_of("list", "products")
    yield "CitationFormat", names_of("list", "studies")


def _of_synthesis() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "EffectMeasure", get_args(Measure)
    yield "SynthesisModel", get_args(Model)
    yield "TauSquaredEstimator", get_args(RandomEstimator)
    yield "EffectTest", get_args(Test)
    yield "SynthesisPart", get_args(Include)
    yield "EffectScale", get_args(Scale)


@cache
def enumerations() -> dict[tuple[str, ...], str]:
    """Return the name of each enumeration by its words."""
    return {words: name for name, words in _vocabularies()}


def _meanings(name: str, words: tuple[str, ...]) -> dict[str, str]:
    meanings = (_OF_THE_SERVICE | MEANINGS)[name]
    return {word: meanings[word] for word in words}


def enumeration_schemas() -> Doc:
    """Return the schemas of all enumerations, with the meaning of each word."""
    return {
        name: {"type": "string", "enum": [*words], "x-enumDescriptions": _meanings(name, words)}
        for words, name in enumerations().items()
    }


def with_named_enumerations(part: Any) -> Any:
    """Return a part of the document in which references stand in place of enumerations that have a name."""
    if isinstance(part, list):
        return [with_named_enumerations(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    words = part.get("enum")
    name = enumerations().get(tuple(words)) if isinstance(words, list) else None
    if name is None:
        return {key: with_named_enumerations(inner) for key, inner in part.items()}
    kept = {key: inner for key, inner in part.items() if key in ("description", "default")}
    return {"$ref": f"#/components/schemas/{name}", **kept}
