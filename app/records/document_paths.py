"""Paths into documents: where the search index and as-of queries find a document's text and its filters' values.

TEXTS          part of the text -> paths; the index weighs `title` and `name` higher than the others
value_paths    filter -> path of its values
"""

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

from app.records.fields import RecordType
from app.records.filters import ascii_lower, kinds
from app.records.registry import RESOURCES

_PUBLICATION = ("publications.title", "publications.pmid", "publications.doi")

TEXTS: Mapping[RecordType, Mapping[str, tuple[str, ...]]] = {
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
assert TEXTS.keys() == RESOURCES.keys(), f"types without texts for search: {RESOURCES.keys() - TEXTS.keys()}"

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
    "indications": {"product": "regulatory_status.product.id"},
    "mechanisms": {"serotype": "serotypes"},
}


@cache
def value_paths(type: RecordType) -> Mapping[str, str]:
    """The path of each filter's values in a type's documents: the filter's own name, unless a table above differs.

    The filters of absences are left out, since absences are no list in a document (see `values`).
    """
    own = _OWN.get(type, {})
    names = kinds(RESOURCES[type].filter)
    return {name: own.get(name, _ELSEWHERE.get(name, name)) for name in names if not name.startswith("absen")}


Walk = tuple[str, tuple[str, ...]]
"""A parsed dotted path: its first name, and those below."""


@cache
def _walk(path: str) -> Walk:
    first, *below = path.split(".")
    return first, tuple(below)


def at(document: Any, path: str) -> list[Any]:
    """All values at a dotted path of a document. Lists on the way are flattened, and null values are left out."""
    return _at(document, *_walk(path))


def _at(document: Any, first: str, below: tuple[str, ...]) -> list[Any]:
    # This runs dozens of times for each record when an index is built, and most fields have no value.
    value = document.get(first)
    return [] if value is None else _below(value, below)


def _below(value: Any, below: tuple[str, ...]) -> list[Any]:
    level = value if type(value) is list else [value]
    for name in below:
        if not level:
            break
        level = _under(level, name)
    return level


def _under(level: list[Any], name: str) -> list[Any]:
    found: list[Any] = []
    for item in level:
        value = item.get(name)
        if type(value) is list:
            found += value
        elif value is not None:
            found.append(value)
    return found


@cache
def _text_plan(type: RecordType) -> tuple[tuple[str, str, str], ...]:
    """The paths of a type's text as `(part, field, name below or "")`. No path has more than two names."""
    every = ((part, path.partition(".")) for part, paths in TEXTS[type].items() for path in paths)
    return tuple((part, field, name) for part, (field, _, name) in every)


def texts(type: RecordType, document: Any) -> dict[str, list[str]]:
    """A document's searchable text by part, without duplicates. It must be fast, since it runs for every hit."""
    found: dict[str, list[str]] = {}
    for part, field, name in _text_plan(type):
        value = document.get(field)
        if value:
            some = found.setdefault(part, [])
            if value.__class__ is str:
                some.append(value)
            else:
                some += _texts_in(value, name)
    return {part: some if len(some) == 1 else list(dict.fromkeys(some)) for part, some in found.items() if some}


def _texts_in(value: Any, name: str) -> Any:
    """The texts of a list, or, below `name`, of an object or a list of objects."""
    if not name:
        return value
    found: list[Any] = []
    for item in value if value.__class__ is list else (value,):
        text = item.get(name)
        if text.__class__ is list:
            found += text
        elif text:
            found.append(text)
    return found


def first_day(date: Any) -> float:
    """The start of a date as a number that sorts as dates do: 2010-07 is 20100700."""
    return float(str(date).replace("-", "").ljust(8, "0"))


def last_day(date: Any) -> float:
    """The end of a date as a number that sorts as dates do: 2010-07 is 20100799."""
    return float(str(date).replace("-", "").ljust(8, "9"))


LONG = 200
"""Characters. Longer values become hashes in the index, since terms have a maximum length."""
LONG_TEXT = 40
"""The same for filters of kind text. They have no facets, which would need the values themselves, so it is lower."""


def term_of(value: Any, longest: int = LONG) -> str:
    """A value as one term of the index; a text longer than `longest` as its hash."""
    if type(value) is str:
        return value if len(value) <= longest else blake2b(value.encode(), digest_size=16).hexdigest()
    return str(value).lower() if type(value) is bool else str(value)


def text_term(value: Any) -> str:
    """A value of a filter of kind text as one term of the index."""
    return term_of(value, LONG_TEXT)


@cache
def text_filters(type: RecordType) -> frozenset[str]:
    """The filters of a type whose values are text."""
    return frozenset(name for name, kind in kinds(RESOURCES[type].filter).items() if kind.name == "text")


@cache
def _value_walks(type: RecordType) -> tuple[tuple[str, Walk], ...]:
    return tuple((name, _walk(path)) for name, path in value_paths(type).items())


def values(type: RecordType, document: Any) -> dict[str, list[Any]]:
    """The values of each filter that has any in a document. Text is lowered, since its case does not matter."""
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
    """All parts of text, which may stand before a colon in a search query."""
    return frozenset(part for paths in TEXTS.values() for part in paths)
