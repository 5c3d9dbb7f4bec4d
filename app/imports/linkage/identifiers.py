"""What a record is found by: which of its values name it and nothing else, the surest first."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.imports.candidates import Json
from app.records.base_models import fold
from app.records.fields import RecordType
from app.records.publications.title_key import title_key


class Identifier(NamedTuple):
    kinds: frozenset[str]
    """The kinds of names that it may stand under."""
    key: str


NAME_FIELD_KINDS = frozenset({"name", "brand-name", "former-brand-name", "synonym", "us-suffix-name"})

IDENTIFIER_FIELDS: Mapping[RecordType, tuple[tuple[str, ...], ...]] = {
    "sources": (("url",),),
    "products": (("brand_names",), ("name", "us_suffix_name"), ("synonyms", "former_brand_names")),
    "indications": (("name",), ("synonyms",)),
    "publications": (("pmid",), ("doi",), ("pmcid",)),
    "studies": (("registry_ids",),),
}
"""Fields by type; those of a later tier are looked at where the earlier find nobody. A substance is no product."""

NAME_KINDS: Mapping[str, frozenset[str]] = {
    "url": frozenset({"url"}),
    "pmid": frozenset({"pmid"}),
    "doi": frozenset({"doi"}),
    "pmcid": frozenset({"pmcid"}),
    "registry_ids": frozenset({"registry-id"}),
}


LINKAGE_FIELDS = frozenset(
    {"id", "title", "title_kind", "year", "publications"}.union(
        *(names for tiers in IDENTIFIER_FIELDS.values() for names in tiers)
    )
)


def linkage_fields(data: Json) -> dict[str, Any]:
    """What a record is found by and whom it refers to, if it refers to no more than publications and sources."""
    head = {name: value for name, value in data.items() if name in LINKAGE_FIELDS}
    cited = [{"source": item["source"]} for item in data.get("provenance", ())]
    return head | {"provenance": cited} if cited else head


def texts(data: Json, field: str) -> list[str]:
    """A field's values, whatever stands there: what is offered was not checked yet."""
    value = data.get(field)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each.strip()]


def tiers(type: RecordType, data: Json) -> Iterator[list[Identifier]]:
    for fields in IDENTIFIER_FIELDS.get(type, ()):
        found = [
            Identifier(NAME_KINDS.get(name, NAME_FIELD_KINDS), fold(type, text))
            for name in fields
            for text in texts(data, name)
        ]
        if type == "studies":
            yield found[:1]  # the registration it is offered under, before those that other trials may share
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
    """The publications that an offered study names."""
    value = data.get("publications")
    found = [each.get("publication") for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [id for id in found if isinstance(id, str)]


def registry_prefix(number: str) -> str:
    """By what a folded registration begins with: `nct`, `isrctn`; those of EudraCT and CTIS with digits."""
    return number[: len(number) - len(number.lstrip("abcdefghijklmnopqrstuvwxyz"))]


def pmid_of(id: str) -> str | None:
    """The PMID in the id that is proposed for a publication."""
    number = id.removeprefix("pmid-")
    return number if number != id and number.isascii() and number.isdigit() else None
