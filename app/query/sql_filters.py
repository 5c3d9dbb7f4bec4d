"""Filters compiled to SQL conditions. The grammar of their values is in `records.filters`.

`document_filters` tests parsed documents and `search.query_compiler` builds index queries by the same rules.
"""

from collections.abc import Callable, Iterator, Mapping

from sqlalchemy import ColumnElement, Float, and_, func, not_, or_, select, type_coerce

from app.records.filter_declarations import Target
from app.records.filters import AnyOf, Between, Kind, Missing, NoneOf, Test, Tests, Value, ascii_lower
from app.records.link_tables import Column, Linked
from app.records.resource import Resource

AFTER_ANY_DATE = "~"
"""This character sorts after every digit and hyphen, so `2010~` is an upper bound of all dates in 2010."""


def _within(column: Column, low: Value | None, high: Value | None) -> ColumnElement[bool]:
    """A stored date counts as the first day that it can mean: 2010 is in `2010..` and in `..2010-06`."""
    ends = []
    if low is not None:
        ends.append(column >= low)
    if high is not None:
        ends.append(column <= f"{high}{AFTER_ANY_DATE}")
    return and_(*ends)


def _dates(column: Column, values: tuple[Value, ...]) -> ColumnElement[bool]:
    return or_(*(_within(column, value, value) for value in values))


def _numbers(column: Column, values: tuple[Value, ...]) -> ColumnElement[bool]:
    # Without the coercion, the type of the first value would decide the type of all parameters.
    return type_coerce(column, Float()).in_([float(value) for value in values])


def _texts(column: Column, values: tuple[Value, ...]) -> ColumnElement[bool]:
    return func.lower(column).in_([ascii_lower(str(value)) for value in values])


def _equals(column: Column, values: tuple[Value, ...]) -> ColumnElement[bool]:
    return column.in_(values)


_EQUAL: Mapping[str, Callable[[Column, tuple[Value, ...]], ColumnElement[bool]]] = {
    "date": _dates,
    "number": _numbers,
    "text": _texts,
}


def _between(column: Column, kind: Kind, test: Between) -> ColumnElement[bool]:
    if kind.name == "date":
        return _within(column, test.low, test.high)
    number = type_coerce(column, Float())
    ends: list[ColumnElement[bool]] = [number >= test.low] if test.low is not None else []
    return and_(*ends, *([number <= test.high] if test.high is not None else []))


def _value_condition(column: Column, kind: Kind, test: Test) -> ColumnElement[bool]:
    """The condition on one value. For `NoneOf` and `Missing` it is the opposite, which `condition` negates."""
    if isinstance(test, AnyOf | NoneOf):
        return _EQUAL.get(kind.name, _equals)(column, test.values)
    if isinstance(test, Between):
        return _between(column, kind, test)
    return column.is_not(None)


def condition(main_id: Column, target: Target, kind: Kind, test: Test, *, many: bool = False) -> ColumnElement[bool]:
    """The condition of one test. A record passes if any of its values passes; `not:` and `missing` if none does.

    If `many` records pass, it is fastest to read the records in sort order and to test each one (EXISTS). If few pass,
    it is fastest to look these up first (IN). Each form is about a hundred times slower in the place of the other.
    """
    opposite = isinstance(test, NoneOf | Missing)
    holds: ColumnElement[bool]
    if isinstance(target, Linked):
        passing = select(target.owner).where(*target.where, _value_condition(target.column, kind, test))
        holds = passing.where(target.owner == main_id).exists() if many else main_id.in_(passing)
        return not_(holds) if opposite else holds
    holds = _value_condition(target, kind, test)
    return or_(target.is_(None), not_(holds)) if opposite else holds


def conditions(resource: Resource, tests: Mapping[str, Tests], *, many: bool = False) -> Iterator[ColumnElement[bool]]:
    """The conditions of all filters of a list; a record must pass every one of them."""
    for name, wanted in tests.items():
        filter = resource.filters[name]
        for test in wanted:
            yield condition(resource.sorts["id"], filter.target, filter.kind, test, many=many)
