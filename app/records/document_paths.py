"""What the index holds of a document: its text by part, and its filters' values as the documents themselves have them.

TEXTS     part -> paths of its text; `title` and `name` weigh more, all else is searched alike
VALUES    filter -> path of its values; each of a type's filters has one
"""

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

from app.records.fields import RecordType
from app.records.filters import ascii_lower, kinds
from app.records.registry import RESOURCES

Json = Any
Paths = Mapping[str, tuple[str, ...]]

_PUBLICATION = ("publications.title", "publications.pmid", "publications.doi")

TEXTS: Mapping[RecordType, Paths] = {
    "sources": {"title": ("title",), "name": ("publisher",), "address": ("url",), "note": ("note",)},
    "products": {
        "title": ("name",),
        "name": ("brand_names", "former_brand_names", "synonyms", "us_suffix_name", "unii", "cas_number", "atc_code"),
        "manufacturer": ("manufacturer", "former_manufacturers"),
        "note": ("note", "cas_number_note"),
    },
    "indications": {
        "title": ("name",),
        "name": ("synonyms", "mesh.id", "mesh.heading"),
        "description": ("description",),
        "note": ("note",),
    },
    "publications": {
        "title": ("title",),
        "name": ("pmid", "doi", "pmcid", "registry_ids", "studies.acronym"),
        "vernacular": ("vernacular_title",),
        "author": ("authors",),
        "journal": ("journal", "journal_abbreviation"),
        "mesh": ("mesh.heading", "keywords"),
        "abstract": ("abstract", "summary"),
        "note": ("note",),
    },
    "studies": {
        "title": ("title",),
        "name": ("acronym", "registry_ids", *_PUBLICATION[1:]),
        "summary": ("summary",),
        "conclusion": ("conclusion",),
        "population": ("population",),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "condition": ("conditions.name", "conditions.mesh_heading", "keywords"),
        "intervention": ("interventions.name", "interventions.other_names"),
        "sponsor": ("sponsor", "collaborators"),
        "arm": ("arms.name", "arms.dose", "comparators"),
        "outcome": ("outcomes.measure",),
        "event": ("adverse_events.event",),
        "author": ("publication.authors",),
        "journal": ("publication.journal",),
        "mechanism": ("mechanisms.title",),
        "note": ("note", "overlaps_note"),
    },
    "mechanisms": {
        "title": ("title",),
        "name": ("toxin_uniprot", "target_uniprot", "toxin_ec_number"),
        "summary": ("summary",),
        "target": ("molecular_target", "tissue"),
        "effect": ("effect", "action_type"),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "note": ("note",),
    },
    "safety-notes": {
        "title": ("title",),
        "name": (),
        "statement": ("statement",),
        "event": ("frequencies.event",),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "note": ("note",),
    },
    "approvals": {
        "title": ("product.name", "indication.name"),
        "name": ("brand_name", "application_number", "submission"),
        "regulator": ("regulator",),
        "population": ("population",),
        "note": ("note",),
    },
    "dosing": {
        "title": ("product.name", "indication.name"),
        "name": (),
        "population": ("population",),
        "dose": ("dose", "sites", "max_dose_basis", "max_cumulative_basis"),
        "statement": ("statement", "onset", "duration"),
        "note": ("note",),
    },
    "directions": {
        "title": ("title",),
        "name": (),
        "statement": ("statement",),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "note": ("note",),
    },
}

_CITED = {
    "evidence_basis": "evidence_basis",
    "needs_primary_source": "needs_primary_source",
    "source": "provenance.source",
    "source_tier": "provenance.tier",
    "alert": "alerts.state",
    "quote": "provenance.quote",
    "quote_status": "provenance.status",
}
_ELSEWHERE: Mapping[str, str] = {
    "product": "products.id",
    "indication": "indications.id",
    "study": "studies.id",
    "publication": "publications.id",
    "mechanism": "mechanisms.id",
    "overlaps_with": "overlaps_with.id",
    "comparator": "comparators",
    "registry_id": "registry_ids",
    "arm_type": "arms.type",
    "adverse_event": "adverse_events.event",
    "outcome_role": "outcomes.role",
    "outcome_kind": "outcomes.kind",
    "effect_type": "outcomes.effect.type",
    "brand_name": "brand_names",
    "synonym": "synonyms",
    "mesh_id": "mesh.id",
    "mesh_match": "mesh.match",
    "mesh_heading": "mesh.heading",
    "language": "languages",
    "approved_by": "regulatory_status.regulator",
    "approved_product": "regulatory_status.product.id",
    "author": "authors",
    "publication_type": "publication_types",
    "event": "frequencies.event",
    "event_percent": "frequencies.percent",
    "field_of_use": "fields_of_use",
    "text": "text_length",
    **_CITED,
}
_OWN: Mapping[RecordType, Mapping[str, str]] = {
    "approvals": {"product": "product.id", "indication": "indication.id", "brand_name": "brand_name"},
    "dosing": {"product": "product.id", "indication": "indication.id"},
    "mechanisms": {"serotype": "serotypes"},
}


@cache
def value_paths(type: RecordType) -> Mapping[str, str]:
    """Where in a type's documents the values of each filter are; a filter's own name, unless said otherwise."""
    own = _OWN.get(type, {})
    names = kinds(RESOURCES[type].filter)
    return {name: own.get(name, _ELSEWHERE.get(name, name)) for name in names if not name.startswith("absen")}


Walk = tuple[str, tuple[str, ...]]
"""A dotted path: its first name, and those below."""


@cache
def _walk(path: str) -> Walk:
    first, *below = path.split(".")
    return first, tuple(below)


def at(document: Json, path: str) -> list[Json]:
    """All values at a dotted path; lists are gone through, what is null is left out."""
    return _at(document, *_walk(path))


def _at(document: Json, first: str, below: tuple[str, ...]) -> list[Json]:
    """Every record goes through this dozens of times when an index is built, and most of its fields have no value."""
    value = document.get(first)
    return [] if value is None else _below(value, below)


def _below(value: Json, below: tuple[str, ...]) -> list[Json]:
    level = value if type(value) is list else [value]
    for name in below:
        if not level:
            break
        level = _under(level, name)
    return level


def _under(level: list[Json], name: str) -> list[Json]:
    found: list[Json] = []
    for item in level:
        value = item.get(name)
        if type(value) is list:
            found += value
        elif value is not None:
            found.append(value)
    return found


@cache
def _text_plan(type: RecordType) -> tuple[tuple[str, str, str], ...]:
    """Each part with a field and what is read of it, nothing for all of it: no path is longer."""
    every = ((part, path.partition(".")) for part, paths in TEXTS[type].items() for path in paths)
    return tuple((part, field, name) for part, (field, _, name) in every)


def texts(type: RecordType, document: Json) -> dict[str, list[str]]:
    """A document's searchable text by part, nothing twice; every hit goes through this, not only every entry."""
    found: dict[str, list[str]] = {}
    for part, field, name in _text_plan(type):
        value = document.get(field)
        if value:
            some = found.setdefault(part, [])
            if value.__class__ is str:
                some.append(value)
            else:
                some += _said(value, name)
    return {part: some if len(some) == 1 else list(dict.fromkeys(some)) for part, some in found.items() if some}


def _said(value: Json, name: str) -> Json:
    """Texts that are a list, or are in a record or in a list of them."""
    if not name:
        return value
    found: list[Json] = []
    for item in value if value.__class__ is list else (value,):
        text = item.get(name)
        if text.__class__ is list:
            found += text
        elif text:
            found.append(text)
    return found


def first_day(date: Any) -> float:
    """A date as a number that sorts alike, at the first moment it can mean: 2010-07 is 20100700."""
    return float(str(date).replace("-", "").ljust(8, "0"))


def last_day(date: Any) -> float:
    """The end of all that a date contains: 2010-07 ends at 20100799."""
    return float(str(date).replace("-", "").ljust(8, "9"))


LONG = 200
LONG_TEXT = 40
"""Characters above which a text is compared by its hash; no counts of texts are ever told, so few are needed."""


def term_of(value: Json, longest: int = LONG) -> str:
    """A value as one term; a long text as its hash, since terms have a bound."""
    if type(value) is str:
        return value if len(value) <= longest else blake2b(value.encode(), digest_size=16).hexdigest()
    return str(value).lower() if type(value) is bool else str(value)


def text_term(value: Json) -> str:
    return term_of(value, LONG_TEXT)


@cache
def text_filters(type: RecordType) -> frozenset[str]:
    return frozenset(name for name, kind in kinds(RESOURCES[type].filter).items() if kind.name == "text")


@cache
def _value_walks(type: RecordType) -> tuple[tuple[str, Walk], ...]:
    return tuple((name, _walk(path)) for name, path in value_paths(type).items())


def values(type: RecordType, document: Json) -> dict[str, list[Json]]:
    """The values of each filter that has any; text is compared A-Z like a-z."""
    found = {name: some for name, walk in _value_walks(type) if (some := _at(document, *walk))}
    if document["absent"]:
        known = kinds(RESOURCES[type].filter)
        absent = {"absent": list(document["absent"]), "absence_reason": list(document["absent"].values())}
        found |= {name: some for name, some in absent.items() if name in known}
    for name in text_filters(type).intersection(found):
        found[name] = [value.lower() if value.isascii() else ascii_lower(value) for value in found[name]]
    return found


@cache
def parts() -> frozenset[str]:
    """Every name that may stand before a colon in a query."""
    return frozenset(part for paths in TEXTS.values() for part in paths)
