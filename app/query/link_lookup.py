"""The fast path of lists that follow one link, such as the studies of an indication, the newest first.

A link table can repeat columns of its record, such as the year of a study (`Linked.beside`). If a list is filtered by
one value of such a link, and filters and sorts by these columns only, then a page is one range of one narrow index:
neither the records' own table nor any other link table is read. A statement is built once for each shape.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Float, Select, bindparam, select, type_coerce

from app.database.lookup import Lookup
from app.query.keyset import SortKey
from app.query.record_queries import ListQuery
from app.query.statements import PresentKeys, documents_statement
from app.records.filters import AnyOf, Between, Tests, Value
from app.records.link_tables import Column, Linked
from app.records.resource import Resource


class Bound(NamedTuple):
    """One end of a range filter on a column of the link table."""

    name: str
    """The name of the filter."""
    is_low: bool


class LinkShape(NamedTuple):
    """A list that follows one link, without the values of its filters; it is the key of the statement cache."""

    resource: Resource
    name: str
    """The name of the filter that the link belongs to, such as `indication`."""
    bounds: tuple[Bound, ...]

    @property
    def target(self) -> Linked:
        """The link's columns."""
        return _indexed_links(self.resource)[self.name]


class Link(NamedTuple):
    """A list that follows one link, with the values of its filters."""

    shape: LinkShape
    values: tuple[Value, ...]
    """The id that the link starts from, then the value of each bound."""


@lru_cache
def _indexed_links(resource: Resource) -> Mapping[str, Linked]:
    """The filters whose link tables repeat columns of the record."""
    targets = ((name, filter.target) for name, filter in resource.filters.items())
    return {name: target for name, target in targets if isinstance(target, Linked) and target.beside}


def link_of(resource: Resource, query: ListQuery) -> Link | None:
    """The link that a list follows if it can be read by this fast path, else None."""
    followed = _indexed_links(resource)
    name = None if query.words or query.ids else next((name for name in query.tests if name in followed), None)
    if name is None:
        return None
    linked_id = _only_value(query.tests[name])
    bounds = _bounds(query.tests, name)
    if linked_id is None or bounds is None or not _named(bounds, query) <= {*followed[name].beside, "id"}:
        return None
    return Link(LinkShape(resource, name, tuple(bounds)), (linked_id, *bounds.values()))


def _named(bounds: Mapping[Bound, Value], query: ListQuery) -> set[str]:
    """The fields that the ranges and the sort of a list name."""
    return {*(bound.name for bound in bounds), *(key.name for key in query.sort)}


def _only_value(tests: Tests) -> Value | None:
    test = tests[0]
    return test.values[0] if len(tests) == 1 and isinstance(test, AnyOf) and len(test.values) == 1 else None


def _bounds(tests: Mapping[str, Tests], link: str) -> dict[Bound, Value] | None:
    """The ends of the ranges with their values; None where a filter but `link` has a test that is not one range."""
    found: dict[Bound, Value] = {}
    for name, wanted in tests.items():
        if name == link:
            continue
        test = wanted[0]
        if len(wanted) > 1 or not isinstance(test, Between):
            return None
        ends = {Bound(name, True): test.low, Bound(name, False): test.high}
        found |= {bound: end for bound, end in ends.items() if end is not None}
    return found


@lru_cache(maxsize=256)
def link_lookup(shape: LinkShape, sort: tuple[SortKey, ...], present: PresentKeys, *, sequential: bool) -> Lookup[Any]:
    """A look-up of rows of a body and its sort keys.

    Its values are those of the link, then those keys of the position that have a value, then the limit.
    """
    columns: Mapping[str, Column] = {**shape.target.beside, "id": shape.target.owner}
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


def _within(column: Column, bound: Bound, name: str) -> ColumnElement[bool]:
    number, end = type_coerce(column, Float()), bindparam(name, type_=Float())
    return number >= end if bound.is_low else number <= end
