"""Filters tested on parsed documents, for lists of the past: the same tests as `sql_filters` compiles to SQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.query.sql_filters import AFTER_ANY_DATE
from app.records.document_paths import value_paths, values_of
from app.records.filters import AnyOf, Between, Kind, Missing, NoneOf, Present, Test, Tests, Value, ascii_lower
from app.records.resource import Resource
from app.records.vocabularies import RecordType

Json = Any


def _within(value: Any, low: Value | None, high: Value | None) -> bool:
    """Whether a stored date is in a range; it counts as the first day that it can mean (see `sql_filters`)."""
    return (low is None or value >= low) and (high is None or value <= f"{high}{AFTER_ANY_DATE}")


def _any_date(found: Sequence[Any], wanted: Sequence[Value]) -> bool:
    return any(_within(value, date, date) for value in found for date in wanted)


def _any_text(found: Sequence[Any], wanted: Sequence[Value]) -> bool:
    return not {ascii_lower(str(value)) for value in wanted}.isdisjoint(found)


def _any(found: Sequence[Any], wanted: Sequence[Value]) -> bool:
    return not set(wanted).isdisjoint(found)


_EQUAL: Mapping[str, Callable[[Sequence[Any], Sequence[Value]], bool]] = {"date": _any_date, "text": _any_text}


def _between(kind: Kind, found: Sequence[Any], low: Any, high: Any) -> bool:
    if kind.name == "date":
        return any(_within(value, low, high) for value in found)
    return any((low is None or value >= low) and (high is None or value <= high) for value in found)


def _passes(kind: Kind, test: Test, found: Sequence[Any]) -> bool:
    if isinstance(test, Missing | Present):
        return bool(found) == isinstance(test, Present)
    if isinstance(test, Between):
        return _between(kind, found, test.low, test.high)
    assert isinstance(test, AnyOf | NoneOf)
    return _EQUAL.get(kind.name, _any)(found, test.values) == isinstance(test, AnyOf)


def _found(type: RecordType, name: str, kind: Kind, document: Json) -> Sequence[Any]:
    """The values that one filter tests. Only that filter's are read: reading all, as the index does, is too slow."""
    found = values_of(type, name, document)
    return [ascii_lower(str(value)) for value in found] if kind.name == "text" else found


def holds(resource: Resource, tests: Mapping[str, Tests], document: Json) -> bool:
    """Whether a parsed document passes all tests of all filters."""
    for name, wanted in tests.items():
        kind = resource.kinds[name]
        found = _found(resource.type, name, kind, document)
        if not all(_passes(kind, test, found) for test in wanted):
            return False
    return True


def sort_path(type: RecordType, name: str) -> str:
    """The path of a sort key's value in a type's documents: that of the filter with this name, or else the name."""
    return value_paths(type).get(name, name)
