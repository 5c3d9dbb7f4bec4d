"""The ids that an offer refers to, exchanged for those that the records have here."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from app.records.base_schemas import RefersTo, referring
from app.records.fields import RecordType

Resolve = Callable[[RecordType, str], str | None]
"""The id that a record has here; nothing where it is to be left out."""

OPTIONAL_LINKS = {"studies": "publications"}
"""Lists of links by type whose items are left out where the record is not here."""


def with_resolved_ids(shape: type[BaseModel], data: Any, resolve: Resolve) -> Any:
    """What is offered with the ids that records have here; whatever has no such shape stays as it is."""
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


def without_missing_links(type: RecordType, data: dict[str, Any], resolve: Resolve) -> tuple[dict[str, Any], list[str]]:
    """An offered study less the links to publications that are not here, and which these are."""
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


def optional_link_fields(type: RecordType, data: dict[str, Any]) -> list[str]:
    """The fields of an offer that hold such links."""
    name = OPTIONAL_LINKS.get(type, "")
    return [name] if data.get(name) else []


def without_optional_links(type: RecordType, data: dict[str, Any]) -> dict[str, Any]:
    """An offer as it is where none of the records that its links name is here."""
    return data | {name: [] for name in optional_link_fields(type, data)}


def _distinct_links(links: list[Any], resolve: Resolve) -> list[Any]:
    """Two names of one publication are one link."""
    seen: dict[Any, Any] = {}
    for link in links:
        id = link.get("publication") if isinstance(link, dict) else None
        seen.setdefault(resolve("publications", id) if isinstance(id, str) else repr(link), link)
    return list(seen.values())
