"""Contributions: what each imported source states about a record, and merging them in order of precedence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import orjson

from app.common.page_range import page_range
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.reconciliation.precedence import GROUPS, MERGED_LISTS, NAMING, rank, worse

Json = dict[str, Any]
"""A record, or some of its fields, as JSON."""

STATE = "retraction_state"
"""The field that is merged by severity and not by precedence."""


class Contribution(NamedTuple):
    """A contribution: what one source states about a record, without values that are absent or default."""

    source: str
    format: str
    values: Json
    curator_fields: frozenset[str] = frozenset()
    """The fields that a curator had entered before this source stated the same.

    Items of merged lists, absences and retraction states are given as `FIELD/KEY`.
    """
    part: str = ""
    """Empty, or the record whose contribution this one was added to, so that a source may contribute in parts."""
    digest: str = ""
    revision: int = 0
    since: int = 0
    """The revision in which the source first contributed to the record."""

    @property
    def key(self) -> tuple[str, str]:
        """The contribution's identity within its record."""
        return self.source, self.part


@cache
def _defaults(type: RecordType) -> Json:
    fields = RESOURCES[type].entered.model_fields.items()
    return {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}


def bare(type: RecordType, record: Mapping[str, Any]) -> Json:
    """A record without its id and without values that are empty or the field's default."""
    defaults = _defaults(type)
    return {
        name: value
        for name, value in record.items()
        if name != "id" and value not in (None, [], {}) and not _is_same_default(value, defaults.get(name))
    }


def _is_same_default(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def same_in_print(one: Any, other: Any) -> bool:
    """Whether two values are equal and look equal as JSON: 40 is not 40.0, and 1 is not true."""
    return bool(one == other) and bool(_printed(one) == _printed(other))


def agree(field: str, one: Any, other: Any) -> bool:
    """Whether two values of a field are the same, if perhaps printed in another way: pages 737-8 are pages 737-738."""
    if field == "pages" and isinstance(one, str) and isinstance(other, str):
        return page_range(one) == page_range(other)
    return same_in_print(one, other)


def _printed(value: Any) -> Any:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if value is not None else None


def by_precedence(type: RecordType, layers: Iterable[Contribution]) -> list[Contribution]:
    """Sort contributions, the one with the highest precedence first."""
    return sorted(layers, key=partial(_order, type))


def _order(type: RecordType, layer: Contribution) -> tuple[int, int, str, str]:
    """The place of a contribution. Those that only name a record are in the order of their sources."""
    since = 0 if NAMING.get(type) == layer.format else layer.since
    return rank(type, layer.format), since, layer.source, layer.part


def groups(type: RecordType, *records: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The fields of some records in groups that are merged together; most groups have one field.

    Merged lists, absences and the retraction state are left out, since they are merged in other ways.
    """
    together = GROUPS.get(type, ())
    grouped = {name for group in together for name in group}
    there = dict.fromkeys(name for record in records for name in record)
    yield from (group for group in together if there.keys() & set(group))
    beside = (*grouped, *MERGED_LISTS, "absent", STATE)
    yield from ((name,) for name in there if name not in beside)


def added_up(*records: Mapping[str, Any]) -> list[str]:
    """The fields of some records that are lists merged from all contributions."""
    return [name for name in dict.fromkeys(name for record in records for name in record) if name in MERGED_LISTS]


def merged_group(group: Sequence[str], start: Mapping[str, Any], layers: Sequence[Contribution]) -> Json:
    """Merge the values of a group of fields: those of `start`, then of each contribution in order of precedence.

    A contribution that differs in any field of the group from what is there already adds nothing.
    """
    values = dict(start)
    for layer in layers:
        contributed = {name: layer.values[name] for name in group if name in layer.values}
        if all(name not in values or same_in_print(values[name], value) for name, value in contributed.items()):
            values = contributed | values
    return values


def key_of(item: Any) -> str:
    """The identity of an item in a merged list: a publication's id, a citation's place in its source, or the text."""
    if not isinstance(item, dict):
        return str(item).casefold()
    if "publication" in item:
        return str(item["publication"])
    return "\n".join(str(item.get(name) or "") for name in ("source", "section", "quote"))


def contributed_items(layers: Iterable[Contribution], field: str) -> dict[str, Any]:
    """All items that are contributed to a merged list, by key; of equal keys the first contribution's."""
    found: dict[str, Any] = {}
    for layer in layers:
        for item in layer.values.get(field, ()):
            found.setdefault(key_of(item), item)
    return found


def worst_state(layers: Iterable[Contribution]) -> Any:
    """The most severe retraction state that any contribution states."""
    state = None
    for layer in layers:
        state = worse(state, layer.values.get(STATE))
    return state


def fields_grouped_with(type: RecordType, pointers: Iterable[str], record: Mapping[str, Any]) -> frozenset[str]:
    """The fields at some JSON pointers, and all fields that are merged together with them."""
    named = {pointer.split("/")[1] for pointer in pointers if pointer.startswith("/")}
    existing = dict.fromkeys((*record, *named))
    found = {name for group in groups(type, existing) if named & set(group) for name in group}
    return frozenset(found | named)
