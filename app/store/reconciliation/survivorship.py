"""Survivorship: which values of a record are a curator's, and what a contribution changes.

No import changes what a curator entered or restores what a curator removed; everything else is merged from the
contributions by precedence. Curators do not mark their values: these are inferred from the record as it is and the
contributions to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

from app.records.vocabularies import RecordType
from app.store.reconciliation.contributions import (
    STATE,
    Contribution,
    Json,
    added_up,
    by_precedence,
    contributed_items,
    groups,
    key_of,
    merged_group,
    same_in_print,
    worst_state,
)
from app.store.reconciliation.precedence import (
    MERGED_LISTS,
    PERSON_FIRST,
    WITHOUT_CONFLICT,
    WORST_STATE,
    rule_between,
    worse,
)


def _subsets_by_size(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All subsets of some names, the smallest first. A group has at most four names, so these are few."""
    for number in range(len(names) + 1):
        yield from combinations(names, number)


class Difference(NamedTuple):
    """A field for which a source states another value than the record has, and the rule that keeps the record's."""

    field: str
    source: str
    current: Any
    current_source: str | None
    proposed: Any
    rule: str


@dataclass(frozen=True)
class CurrentRecord:
    """A record without absent values (`contributions.bare`), and the contributions of imports to it."""

    type: RecordType
    record: Mapping[str, Any]
    layers: tuple[Contribution, ...] = ()

    @cached_property
    def _by_precedence(self) -> list[Contribution]:
        return by_precedence(self.type, self.layers)

    def _with_layer(self, layer: Contribution) -> "CurrentRecord":
        """The same record with a contribution, which replaces the one that the source made before."""
        others = [other for other in self.layers if other.key != layer.key]
        before = [other.since for other in self.layers if other.key == layer.key]
        return CurrentRecord(self.type, self.record, (*others, layer._replace(since=min([layer.since, *before]))))

    # Which values are the curator's

    def _stated_before_import(self, name: str) -> bool:
        return any(
            name in layer.curator_fields
            and name in layer.values
            and same_in_print(layer.values[name], self.record.get(name))
            for layer in self.layers
        )

    def entered(self, group: Sequence[str]) -> Json:
        """The values of a group that a curator entered: the fewest from which, merged with the contributions, the
        record's other values follow.
        """
        there = [name for name in group if name in self.record]
        before = [name for name in there if self._stated_before_import(name)]
        others = [name for name in there if name not in before]
        for names in _subsets_by_size(others):
            theirs = {name: self.record[name] for name in (*before, *names)}
            if self._explains_rest(theirs, group, others):
                break
        return theirs

    def _explains_rest(self, theirs: Json, group: Sequence[str], wanted: Sequence[str]) -> bool:
        made = merged_group(group, theirs, self._by_precedence)
        return all(name in made and same_in_print(made[name], self.record[name]) for name in wanted)

    def removed_fields(self, group: Sequence[str]) -> set[str]:
        """The fields of a group that contributions would fill, but that a curator emptied or explained as absent."""
        there = merged_group(group, self.entered(group), self._by_precedence)
        return {name for name in group if name not in self.record and (name in there or name in self.curator_absences)}

    def _stated_items(self, field: str) -> set[str]:
        """The keys of a field's content that a curator had entered before a source stated the same."""
        marked = (name for layer in self.layers for name in layer.curator_fields)
        return {name.removeprefix(f"{field}/") for name in marked if name.startswith(f"{field}/")}

    @property
    def curator_state(self) -> Any:
        """The retraction state that a curator entered, even if a source stated a worse one later."""
        own, before = self.record.get(STATE), None
        for state in self._stated_items(STATE):
            before = worse(before, state)
        if own != worst_state(self.layers):
            return own
        return before if worse(own, before) == own else None

    @cached_property
    def curator_absences(self) -> Json:
        """The reasons for absent values that a curator entered, by field."""
        offered, theirs = self._contributed_absences, self._stated_items("absent")
        stated = self.record.get("absent", {}).items()
        return {name: why for name, why in stated if offered.get(name) != why or name in theirs}

    @cached_property
    def _contributed_absences(self) -> Json:
        found: Json = {}
        for layer in self._by_precedence:
            found = layer.values.get("absent", {}) | found
        return found

    def curator_items(self, field: str) -> dict[str, Any]:
        """The items of a merged list that a curator entered, by key: those that no source states, and those that a
        curator had entered before a source stated them.
        """
        theirs = self._stated_items(field)
        offered = [item for layer in self.layers for item in layer.values.get(field, ())]
        there = {key_of(item): item for item in self.record.get(field, ())}
        return {
            key: item
            for key, item in there.items()
            if key in theirs or not any(same_in_print(item, o) for o in offered)
        }

    def removed_items(self, field: str) -> set[str]:
        """The keys of the items of a merged list that sources state and a curator removed."""
        return contributed_items(self.layers, field).keys() - {key_of(item) for item in self.record.get(field, ())}

    def is_touched(self) -> bool:
        """Whether a curator entered or removed anything in the record."""
        fields = groups(self.type, self.record, *(layer.values for layer in self.layers))
        if self.curator_absences or self.curator_state:
            return True
        if any(self.entered(group) or self.removed_fields(group) for group in fields):
            return True
        lists = added_up(self.record, *(layer.values for layer in self.layers))
        return any(self.curator_items(name) or self.removed_items(name) for name in lists)

    # What a contribution changes

    def with_contribution(self, layer: Contribution) -> "CurrentRecord":
        """The record as it is after a contribution was merged into it."""
        after = self._with_layer(layer)
        record: Json = {}
        for group in groups(self.type, self.record, *(each.values for each in (*self.layers, layer))):
            out = self.removed_fields(group)
            values = merged_group(group, self.entered(group), after._by_precedence)
            record |= {name: value for name, value in values.items() if name not in out}
        for name in added_up(self.record, *(each.values for each in (*self.layers, layer))):
            record[name] = self._merged_list(name, after)
        record[STATE] = worse(self.curator_state, worst_state(after.layers))
        absences = after._contributed_absences | self.curator_absences
        record["absent"] = {name: why for name, why in absences.items() if not record.get(name)}
        return CurrentRecord(self.type, _stated(record), after._with_layer(self._with_curator_marks(layer)).layers)

    def _with_curator_marks(self, layer: Contribution) -> Contribution:
        """The contribution with its `curator_fields`."""
        theirs = self._agreeing_fields(layer)
        for field in added_up(layer.values):
            offered = {key_of(item) for item in layer.values[field]}
            theirs.update(f"{field}/{key}" for key in self.curator_items(field).keys() & offered)
        theirs.update(f"absent/{name}" for name in self.curator_absences if name in layer.values.get("absent", {}))
        if self.curator_state:
            theirs.add(f"{STATE}/{self.curator_state}")
        return layer._replace(curator_fields=frozenset(theirs))

    def _agreeing_fields(self, layer: Contribution) -> set[str]:
        """The fields of which a contribution says the same as a curator."""
        return {
            name
            for group in groups(self.type, layer.values)
            for name, value in self.entered(group).items()
            if name in layer.values and same_in_print(layer.values[name], value)
        }

    def _merged_list(self, field: str, after: "CurrentRecord") -> list[Any]:
        entered, out = self.curator_items(field), self.removed_items(field)
        there = {key_of(item): item for item in self.record.get(field, ())}
        known = entered | {
            key: item for key, item in contributed_items(after._by_precedence, field).items() if key not in out
        }
        known |= entered
        if list(there) == self._default_order(field, entered):
            return list(known.values())
        return [known[key] for key in dict.fromkeys((*there, *known)) if key in known]

    def _default_order(self, field: str, entered: Mapping[str, Any]) -> list[str]:
        """The keys of a merged list in its default order: the curator's items first, then by precedence."""
        out = self.removed_items(field)
        return list(
            dict.fromkeys([*entered, *(key for key in contributed_items(self._by_precedence, field) if key not in out)])
        )

    # Where sources and record differ

    def differing(self) -> Iterator[Difference]:
        """Yield the fields for which a source states another value than the record has. Source records have none,
        since they only say where statements come from.
        """
        if self.type == "sources":
            return
        for layer in self._by_precedence:
            for name in layer.values if not layer.part else ():
                if name not in WITHOUT_CONFLICT and not self._agrees(name, layer.values[name]):
                    winner = self._current_contribution(name)
                    rule = self._rule(name, layer, winner)
                    source = winner.source if winner else None
                    yield Difference(name, layer.source, self.record.get(name), source, layer.values[name], rule)

    def _agrees(self, name: str, offered: Any) -> bool:
        if name in MERGED_LISTS:
            return {key_of(item) for item in offered} <= {key_of(item) for item in self.record.get(name, ())}
        return name in self.record and bool(self.record[name] == offered)

    def _current_contribution(self, name: str) -> Contribution | None:
        """The contribution that the value of a field comes from, or that rules another value out by its group.

        It is nothing where a curator decided, and for merged lists.
        """
        if name in MERGED_LISTS:
            return None
        if name == STATE:
            return self._first(lambda layer: layer.values.get(name) == self.record.get(name))
        group = next(group for group in groups(self.type, self.record, {name: None}) if name in group)
        if self.entered(group) or name in self.removed_fields(group):
            return None
        return self._first(lambda layer: not layer.values.keys().isdisjoint(group))

    def _first(self, test: Callable[[Contribution], bool]) -> Contribution | None:
        """The contribution that comes first among those that pass a test."""
        return next(filter(test, self._by_precedence), None)

    def _rule(self, name: str, layer: Contribution, winner: Contribution | None) -> str:
        if name == STATE and worse(self.record.get(name), layer.values[name]) == self.record.get(name):
            return WORST_STATE
        return rule_between(self.type, winner.format, layer.format) if winner else PERSON_FIRST


def _stated(record: Json) -> Json:
    """A record without the fields that hold nothing."""
    return {name: value for name, value in record.items() if value not in (None, [], {})}
