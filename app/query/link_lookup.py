"""Lists of what one link leads to, such as an indication's studies, the newest first.

Where a list is filtered by one link, and filters and sorts by nothing but what stands beside it, a page is one range of
one narrow index: neither the records' own table nor any other link is asked. A statement is built once for each shape.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Float, Select, bindparam, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from app.database.lookup import Lookup
from app.query.keyset import SortKey
from app.query.parameters import ListQuery
from app.query.statements import PresentKeys, documents_statement
from app.records.filters import AnyOf, Between, Tests, Value
from app.records.resource import Linked, Resource


class Bound(NamedTuple):
    """An end of a range that something beside the link is to be in."""

    name: str
    is_low: bool


class LinkShape(NamedTuple):
    resource: Resource
    name: str
    """Of the filter."""
    bounds: tuple[Bound, ...]

    @property
    def target(self) -> Linked:
        return _indexed_links(self.resource)[self.name]


class Link(NamedTuple):
    shape: LinkShape
    values: tuple[Value, ...]
    """What the link leads from, then each bound's."""


@lru_cache
def _indexed_links(resource: Resource) -> Mapping[str, Linked]:
    """The filters whose links hold something beside them."""
    targets = resource.filters.items()
    return {name: target for name, target in targets if isinstance(target, Linked) and target.beside}


def link_of(resource: Resource, query: ListQuery) -> Link | None:
    """The one link that a list follows, if it does."""
    followed = _indexed_links(resource)
    name = next((name for name in query.tests if name in followed), None)
    if name is None or query.words or query.ids:
        return None
    linked_id = _only_value(query.tests[name])
    bounds = _bounds({other: tests for other, tests in query.tests.items() if other != name})
    named = {*(bound.name for bound in bounds or ()), *(key.name for key in query.sort)}
    if linked_id is None or bounds is None or not named <= {*followed[name].beside, "id"}:
        return None
    return Link(LinkShape(resource, name, tuple(bounds)), (linked_id, *bounds.values()))


def _only_value(tests: Tests) -> Value | None:
    test = tests[0]
    return test.values[0] if len(tests) == 1 and isinstance(test, AnyOf) and len(test.values) == 1 else None


def _bounds(tests: Mapping[str, Tests]) -> dict[Bound, Value] | None:
    """Each end of each range; nothing where there are other tests than one range for each name."""
    found: dict[Bound, Value] = {}
    for name, wanted in tests.items():
        test = wanted[0]
        if len(wanted) > 1 or not isinstance(test, Between):
            return None
        ends = {Bound(name, True): test.low, Bound(name, False): test.high}
        found |= {bound: end for bound, end in ends.items() if end is not None}
    return found


@lru_cache(maxsize=256)
def link_lookup(shape: LinkShape, sort: tuple[SortKey, ...], present: PresentKeys, *, sequential: bool) -> Lookup[Any]:
    """Rows of a body and its sort keys; asked with the link's values, what a position has, and a limit."""
    columns: Mapping[str, InstrumentedAttribute[Any]] = {**shape.target.beside, "id": shape.target.owner}
    keys = tuple(SortKey(key.name, columns[key.name], key.descending) for key in sort)
    statement = documents_statement(shape.resource, _records(shape), keys, present, sequential=sequential)
    after = [f"after_{index}" for index, there in enumerate(present or ()) if there]
    values = ["link", *(f"bound_{index}" for index in range(len(shape.bounds)))]
    return Lookup(statement, _row, *values, *after, "limit")


def _row(*columns: Any) -> tuple[Any, ...]:
    return columns


def _records(shape: LinkShape) -> Select[Any]:
    target = shape.target
    within = [_within(target.beside[bound.name], bound, f"bound_{index}") for index, bound in enumerate(shape.bounds)]
    return select(target.owner).where(target.column == bindparam("link"), *target.where, *within)


def _within(column: InstrumentedAttribute[Any], bound: Bound, name: str) -> ColumnElement[bool]:
    number, end = type_coerce(column, Float()), bindparam(name, type_=Float())
    return number >= end if bound.is_low else number <= end
