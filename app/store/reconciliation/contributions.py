"""A record as imports alone would have it: what each source offers, laid over each other in order of precedence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson

from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.store.reconciliation.precedence import ADDED_UP, GROUPS, rank, worse

Json = dict[str, Any]
STATE = "retraction_state"


class Layer(NamedTuple):
    """What a source offers of a record; values that are absent or default are not in it."""

    source: str
    format: str
    offered: Json
    theirs: frozenset[str] = frozenset()
    """What people had said of the same before: fields, and as `FIELD/KEY` items of lists and of what is no list."""
    part: str = ""
    digest: str = ""
    revision: int = 0
    since: int = 0
    """The revision in which the source first offered anything."""

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.part


@cache
def _defaults(type: RecordType) -> Json:
    fields = RESOURCES[type].entered.model_fields.items()
    return {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}


def bare(type: RecordType, record: Mapping[str, Any]) -> Json:
    """A record without its id, and without what nobody said of it."""
    defaults = _defaults(type)
    return {
        name: value
        for name, value in record.items()
        if name != "id" and value not in (None, [], {}) and not _is_same_default(value, defaults.get(name))
    }


def _is_same_default(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def same_in_print(one: Any, other: Any) -> bool:
    """Whether two values are the same in print, too: 40 is not 40.0, and 1 is not true."""
    return bool(one == other) and bool(_printed(one) == _printed(other))


def _printed(value: Any) -> Any:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if value is not None else None


def by_precedence(type: RecordType, layers: Iterable[Layer]) -> list[Layer]:
    return sorted(layers, key=lambda layer: (rank(type, layer.format), layer.since, layer.source, layer.part))


def groups(type: RecordType, *records: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The fields of some records that are taken together, most of them alone."""
    together = GROUPS.get(type, ())
    grouped = {name for group in together for name in group}
    there = dict.fromkeys(name for record in records for name in record)
    yield from (group for group in together if there.keys() & set(group))
    beside = (*grouped, *ADDED_UP, "absent", STATE)
    yield from ((name,) for name in there if name not in beside)


def added_up(*records: Mapping[str, Any]) -> list[str]:
    return [name for name in dict.fromkeys(name for record in records for name in record) if name in ADDED_UP]


def merged_group(group: Sequence[str], start: Mapping[str, Any], layers: Sequence[Layer]) -> Json:
    """A group's values: the first hand's, completed by those that differ in nothing."""
    values = dict(start)
    for layer in layers:
        said = {name: layer.offered[name] for name in group if name in layer.offered}
        if all(name not in values or same_in_print(values[name], value) for name, value in said.items()):
            values = said | values
    return values


def key_of(item: Any) -> str:
    """What an item of a list that is added up is told from others by."""
    if not isinstance(item, dict):
        return str(item).casefold()
    if "publication" in item:
        return str(item["publication"])
    return "\n".join(str(item.get(name) or "") for name in ("source", "section", "quote"))


def contributed_items(layers: Iterable[Layer], field: str) -> dict[str, Any]:
    """All that is offered of a list, by key."""
    found: dict[str, Any] = {}
    for layer in layers:
        for item in layer.offered.get(field, ()):
            found.setdefault(key_of(item), item)
    return found


def worst_state(layers: Iterable[Layer]) -> Any:
    state = None
    for layer in layers:
        state = worse(state, layer.offered.get(STATE))
    return state
