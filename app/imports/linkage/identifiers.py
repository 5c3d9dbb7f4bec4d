"""Identifiers: the values of a candidate that name its record and no other, in tiers, the surest first."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from app.imports.candidates import Json
from app.records.base_models import fold
from app.records.publications.title_key import title_key
from app.records.vocabularies import RecordType


class Identifier(NamedTuple):
    """A folded name, with the kinds of stored names that it may match."""

    kinds: frozenset[str]
    key: str


NAME_FIELD_KINDS = frozenset({"name", "brand-name", "former-brand-name", "synonym", "us-suffix-name"})

IDENTIFIER_FIELDS: Mapping[RecordType, tuple[tuple[str, ...], ...]] = {
    "sources": (("url",),),
    "products": (("brand_names",), ("name", "us_suffix_name"), ("synonyms", "former_brand_names")),
    "indications": (("name",), ("synonyms",)),
    "publications": (("pmid",), ("doi",), ("pmcid",)),
    "studies": (("registry_ids",),),
}
"""The identifying fields of each type, in tiers.

A later tier is used only if the earlier ones match no record. Substance names do not identify a product.
"""

NAME_KINDS: Mapping[str, frozenset[str]] = {
    "url": frozenset({"url"}),
    "pmid": frozenset({"pmid"}),
    "doi": frozenset({"doi"}),
    "pmcid": frozenset({"pmcid"}),
    "registry_ids": frozenset({"registry-id"}),
}
"""The kinds of stored names that a field may match; any other field matches `NAME_FIELD_KINDS`."""


LINKAGE_FIELDS = frozenset(
    {"id", "title", "title_kind", "year", "publications", "version", "effective_date"}.union(
        *(names for tiers in IDENTIFIER_FIELDS.values() for names in tiers)
    )
)
"""The fields that record linkage reads, and those of a source that say how new it is."""


def linkage_fields(data: Json) -> Json:
    """The part of a candidate that record linkage reads, with the sources that it cites but not its quotes.

    It suffices for a candidate that refers to no other records than publications and sources.
    """
    head = {name: value for name, value in data.items() if name in LINKAGE_FIELDS}
    cited = [{"source": item["source"]} for item in data.get("provenance", ())]
    return head | {"provenance": cited} if cited else head


def texts(data: Json, field: str) -> list[str]:
    """The texts in a field, whatever its type, because a candidate's data is not validated yet."""
    value = data.get(field)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each.strip()]


def tiers(type: RecordType, data: Json) -> Iterator[list[Identifier]]:
    """Yields the identifiers of a candidate, tier by tier.

    A study's first registration is a tier of its own, because further registrations may be shared by other trials. The
    last tier of a publication is the key made from its title and year.
    """
    for fields in IDENTIFIER_FIELDS.get(type, ()):
        found = [
            Identifier(NAME_KINDS.get(name, NAME_FIELD_KINDS), fold(type, text))
            for name in fields
            for text in texts(data, name)
        ]
        if type == "studies":
            yield found[:1]  # its own registration, before those that other trials may share
        yield found
    if type == "publications":
        key = _title_key(data)
        yield [Identifier(frozenset({"title-key"}), fold(type, key))] if key else []


def _title_key(data: Json) -> str | None:
    title, year = data.get("title"), data.get("year")
    if not isinstance(title, str) or type(year) is not int or data.get("title_kind", "printed") != "printed":
        return None
    return title_key(title, year)


def reported_publications(data: Json) -> list[str]:
    """The ids of the publications that a study candidate links to."""
    value = data.get("publications")
    found = [each.get("publication") for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [id for id in found if isinstance(id, str)]


def registry_prefix(number: str) -> str:
    """The letters at the start of a folded registration number, such as `nct`; empty for EudraCT and CTIS."""
    return number[: len(number) - len(number.lstrip("abcdefghijklmnopqrstuvwxyz"))]


def pmid_of(id: str) -> str | None:
    """The PMID in an id such as `pmid-123` that is proposed for a publication."""
    number = id.removeprefix("pmid-")
    return number if number != id and number.isascii() and number.isdigit() else None
