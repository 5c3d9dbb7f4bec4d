"""Reference remapping: replaces the ids in a candidate's references by the ids of stored records."""

from collections.abc import Callable, Container
from typing import Any

from pydantic import BaseModel

from app.imports.candidates import Json
from app.records.base_schemas import RefersTo, referring
from app.records.vocabularies import RecordType

Resolve = Callable[[RecordType, str], str | None]
"""Returns the id of the stored record for a type and a proposed id; `None` if the record is left out."""

OPTIONAL_LINKS = {"studies": "publications"}
"""For a type, the field with links that are dropped if the linked record is not stored."""


def with_resolved_ids(shape: type[BaseModel], data: Any, resolve: Resolve) -> Any:
    """The data with the ids of stored records in its references; a value of an unexpected shape stays as it is."""
    if isinstance(data, list):
        return [with_resolved_ids(shape, item, resolve) for item in data]
    if not isinstance(data, dict):
        return data
    marks = referring(shape)
    return {
        name: _resolved_value(marks[name], value, resolve) if name in marks else value for name, value in data.items()
    }


def _resolved_value(mark: RefersTo | type[BaseModel], value: Any, resolve: Resolve) -> Any:
    if not isinstance(mark, RefersTo):
        return with_resolved_ids(mark, value, resolve)
    if isinstance(value, list):
        return list(dict.fromkeys(_resolved_value(mark, each, resolve) for each in value if isinstance(each, str)))
    return resolve(mark.type, value) or value if isinstance(value, str) else value


def without_missing_links(type: RecordType, data: Json, resolve: Resolve) -> tuple[Json, list[str]]:
    """The data without links to publications that are not stored, and the ids of those publications."""
    links = data.get(OPTIONAL_LINKS.get(type, ""))
    if not isinstance(links, list):
        return data, []
    kept: list[Any] = []
    missing: list[Any] = []
    for link in links:
        id = link.get("publication") if isinstance(link, dict) else None
        there = resolve("publications", id) if isinstance(id, str) else ""
        (missing if there is None else kept).append(id if there is None else link)
    return data | {OPTIONAL_LINKS[type]: _distinct_links(kept, resolve)}, [str(id) for id in missing]


def without_left_out(data: Json, left_out: Container[tuple[RecordType, str]]) -> Json:
    """A study's data without links to products and indications that are left out themselves."""
    lists: tuple[RecordType, ...] = ("products", "indications")
    kept = {name: [id for id in data[name] if (name, id) not in left_out] for name in lists if name in data}
    items = data.get("interventions", ())
    linked = [_without_product(item) if ("products", item.get("product")) in left_out else item for item in items]
    return data | kept | ({"interventions": linked} if linked else {})


def _without_product(item: Json) -> Json:
    return {name: value for name, value in item.items() if name != "product"}


def optional_link_fields(type: RecordType, data: Json) -> list[str]:
    """The names of the fields in the data that hold such links."""
    name = OPTIONAL_LINKS.get(type, "")
    return [name] if data.get(name) else []


def without_optional_links(type: RecordType, data: Json) -> Json:
    """The data with those fields emptied."""
    return data | {name: [] for name in optional_link_fields(type, data)}


def _distinct_links(links: list[Any], resolve: Resolve) -> list[Any]:
    """Keeps one link for each publication, which links may name by different ids."""
    seen: dict[Any, Any] = {}
    for link in links:
        id = link.get("publication") if isinstance(link, dict) else None
        seen.setdefault(resolve("publications", id) if isinstance(id, str) else repr(link), link)
    return list(seen.values())
