"""Filters as the types declare them: each once, with the column or link that it tests and its place in documents.

    "phase": word(Study.phase)
    "sponsor": text(Study.sponsor, "Allergan")
    "product": reference(STUDY_PRODUCTS, "botox", "Product studied.", path="products.id")

From that follow the SQL of lists, the queries of the index, the tests of documents for lists of the past, facets,
and the parameter in OpenAPI. A filter with the name of a field of `Out` has that field's description and path, unless
others are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import BaseModel

from app.records.base_schemas import field_at
from app.records.filters import Kind
from app.records.link_tables import Column, Linked, referred_type

Target = Column | Linked


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of the lists of a record type."""

    kind: Kind
    target: Target
    description: str = ""
    path: str = ""
    """The dotted path of its values in a document of the type."""


def _column(target: Target) -> Column:
    return target.column if isinstance(target, Linked) else target


def word(target: Target, description: str = "", *, path: str = "", words: tuple[str, ...] = ()) -> Filter:
    """A filter by the words of a vocabulary: those of the column, unless others are given."""
    return Filter(Kind.word(words or tuple(_column(target).type.enums)), target, description, path)


def text(target: Target, example: str, description: str = "", *, path: str = "") -> Filter:
    """A filter by any text."""
    return Filter(Kind.text(example), target, description, path)


def identifier(target: Target, scheme: str, example: str, description: str = "", *, path: str = "") -> Filter:
    """A filter by identifiers of a scheme of `app.common.identifiers`, whatever their spelling."""
    return Filter(Kind.identifier(scheme, example), target, description, path)


def coded(target: Target, expression: str, example: str, description: str = "", *, path: str = "") -> Filter:
    """A filter by codes of a form that was declared by `app.common.patterns.pattern`."""
    return Filter(Kind.coded(expression, example), target, description, path)


def reference(target: Target, example: str, description: str = "", *, path: str) -> Filter:
    """A filter by other records, named by their ids or other names; their type is the one that the column refers to."""
    of = referred_type(_column(target))
    assert of, f"{target} refers to no record"
    return Filter(Kind.reference(of, example), target, description, path)


def number(target: Target, example: str, description: str = "", *, path: str = "") -> Filter:
    """A filter by numbers and ranges of them."""
    return Filter(Kind.number(example), target, description, path)


def when(target: Target, example: str, description: str = "", *, path: str = "") -> Filter:
    """A filter by dates of any precision and ranges of them."""
    return Filter(Kind.when(example), target, description, path)


def boolean(target: Target, description: str = "", *, path: str = "") -> Filter:
    """A filter by `true` or `false`."""
    return Filter(Kind.boolean(), target, description, path)


def completed(filters: Mapping[str, Filter], out: type[BaseModel]) -> dict[str, Filter]:
    """The filters of a type with their paths and descriptions; raises `LookupError` where one is missing."""
    return {name: _completed(name, filter, out) for name, filter in filters.items()}


def _completed(name: str, filter: Filter, out: type[BaseModel]) -> Filter:
    path, own = filter.path or name, out.model_fields.get(name)
    field_at(out, path)
    description = filter.description or (own and own.description)
    if not description:
        raise LookupError(f"the filter {name!r} of {out.__name__} has no description")
    return replace(filter, path=path, description=description)
