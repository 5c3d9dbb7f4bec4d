"""Query strings parsed into typed values: filters, sort, paging, search words, facets and projection.

An unknown parameter or value is never ignored: all faults of a query string are reported in one `Problem`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl

from app.common.problems import Invalid, Problem, parameter_fault
from app.common.suggestions import nearest
from app.query.as_of import read_as_of
from app.query.export_formats import formats_of
from app.query.keyset import Position, SortKey, next_url, offset_in, position_in
from app.query.projection import Tree, read_fields, read_include
from app.query.search_parameters import (
    DEFAULT_FACET_LIMIT,
    Facet,
    Match,
    Words,
    read_facet_limit,
    read_facets,
    read_match,
)
from app.query.search_syntax import parse
from app.records.document_paths import parts
from app.records.fields import RecordType
from app.records.filters import Kind, Test, Tests, kinds, read_test, split_values
from app.records.registry import RESOURCES
from app.records.resource import Resource

T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 25, 1000
MAX_PARAMETERS = 200
SELECTION_NAMES = ("fields", "include", "format", "raw", "as_of")
PAGING_NAMES = ("sort", "limit", "cursor", "ids")
SEARCH_NAMES = ("q", "match", "expand")
FACET_NAMES = ("facets", "facet_limit")
NO_VALUES: tuple[str, ...] = ()
NO_FACETS: tuple[Facet, ...] = ()
NO_MOMENT: datetime | None = None
NOT_GIVEN: bool | None = None


@dataclass(frozen=True, eq=False)
class RecordQuery:
    """The parsed query string of one record."""

    fields: Tree | None
    """The fields named by `fields=`; None where the parameter is not given, which means all fields."""
    include: tuple[str, ...]
    format: str | None
    """A key of `export_formats.FORMATS`; None where `format=` is not given."""
    as_of: datetime | None = field(default=None, kw_only=True)
    revision: int | None = field(default=None, kw_only=True)
    """The revision that `as_of` resolves to, set after it was looked up; None means the newest revision."""
    raw: bool | None = field(default=None, kw_only=True)
    """Whether text in csv is left as it is; None where `raw=` is not given."""

    @property
    def is_plain(self) -> bool:
        """Whether stored documents can be sent unchanged, without projection or embedding."""
        return self.fields is None and not self.include


@dataclass(frozen=True, eq=False)
class ListQuery(RecordQuery):
    """The parsed query string of a list of records."""

    tests: Mapping[str, Tests]
    """The tests of each filter, by the filter's name."""
    ids: tuple[str, ...]
    sort: tuple[SortKey, ...]
    """The sort keys, the id last; empty where the list is sorted by relevance."""
    limit: int
    position: Position | None
    """The sort keys of the last record before the page, from the cursor; None on the first page."""
    words: Words | None
    facets: tuple[Facet, ...]
    facet_limit: int
    asked: str
    """A canonical text of type, filters, ids, sort, words and `as_of`. Cached totals are keyed by it, and a cursor is
    bound to it."""
    parameters: tuple[tuple[str, str], ...]
    """The parameters as they were given, without `cursor`."""

    def next_url(self, resource: Resource, position: Position) -> str:
        """The URL of the page that follows a position."""
        return next_url(resource.path, self.parameters, self.asked, position)


class Parameters:
    """The parameters of a query string, read one by one. Faults are collected and raised together by `end`."""

    def __init__(self, raw: str, known: list[str]) -> None:
        """`raw` is the query string; `known` are the names that are allowed. Any other name is a fault."""
        self.faults: list[Mapping[str, Any]] = []
        if raw.count("&") >= MAX_PARAMETERS:
            detail = f"There are {raw.count('&') + 1} parameters; at most {MAX_PARAMETERS} are read."
            raise Problem("invalid-parameter", detail)
        self.pairs = parse_qsl(raw, keep_blank_values=True)
        for name in dict.fromkeys(name for name, _ in self.pairs):
            if name not in known:
                self.faults.append(parameter_fault(name, f"There is no parameter {name!r} here.", nearest(name, known)))

    def all(self, name: str) -> list[str]:
        """All values of a parameter, in the order in which they were given."""
        return [value for key, value in self.pairs if key == name]

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """All pairs of a name and a value, except those of some parameters."""
        return tuple(pair for pair in self.pairs if pair[0] not in names)

    def read(self, name: str, how: Callable[[str], T], otherwise: T) -> T:
        """The value of a parameter that may be given once, parsed by `how`; `otherwise` if it is absent or faulty."""
        values = self.all(name)
        if len(values) > 1:
            self.faults.append(parameter_fault(name, f"{name} can be given only once."))
        return self.attempt(name, how, values[0], otherwise) if values else otherwise

    def attempt(self, name: str, how: Callable[[str], T], value: str, otherwise: T) -> T:
        """Parse a value by `how`; where that raises `Invalid`, note the fault and return `otherwise`."""
        try:
            return how(value)
        except Invalid as fault:
            self.faults.append(parameter_fault(name, f"{name}: {fault.detail}.", fault.near))
            return otherwise

    def read_format(self, known: list[str] | None = None) -> str | None:
        """The value of `format=`, which must be one of `known` (by default only `json`)."""
        return self.read("format", partial(_format, known or ["json"]), None)

    def end(self) -> None:
        """Raise a `Problem` (invalid-parameter) with all faults found so far, if there are any."""
        if self.faults:
            detail = " ".join(str(fault["detail"]) for fault in self.faults[:3])
            raise Problem("invalid-parameter", detail, errors=self.faults)


def _format(known: list[str], value: str) -> str | None:
    if value not in known:
        raise Invalid(f"{value!r} is not one of the formats here", known)
    return value


def _include(resource: Resource, value: str) -> tuple[str, ...]:
    return read_include(resource, split_values(value))


def _fields(resource: Resource, include: tuple[str, ...], value: str) -> Tree | None:
    return read_fields(resource, include, split_values(value))


def _selection(resource: Resource, given: Parameters) -> tuple[Tree | None, tuple[str, ...], str | None]:
    include = given.read("include", partial(_include, resource), NO_VALUES)
    fields = given.read("fields", partial(_fields, resource, include), None)
    return fields, include, given.read_format(formats_of(resource.type))


@lru_cache(maxsize=1024)
def read_record_query(type: RecordType, raw: str) -> RecordQuery:
    """Parse the query string of one record; raises a `Problem` that lists every fault."""
    given = Parameters(raw, list(SELECTION_NAMES))
    selection = _selection(RESOURCES[type], given)
    as_of, is_raw = given.read("as_of", read_as_of, NO_MOMENT), given.read("raw", read_boolean, NOT_GIVEN)
    given.end()
    return RecordQuery(*selection, as_of=as_of, raw=is_raw)


def read_no_query(raw: str) -> None:
    """Raise a `Problem` if a query string has any parameter; for addresses that take none."""
    Parameters(raw, []).end()


def read_limit(value: str) -> int:
    """Parse `limit=`, a whole number from 0 to 1000; raises `Invalid`."""
    if not (value.isascii() and value.isdigit() and len(value) <= 4 and int(value) <= MAX_LIMIT):
        raise Invalid(f"{value!r} is not a whole number from 0 to {MAX_LIMIT}")
    return int(value)


TYPES: tuple[RecordType, ...] = get_args(RecordType)


def read_types(value: str) -> tuple[RecordType, ...]:
    """Parse a comma-separated list of record types. They are returned in the order of `TYPES`; raises `Invalid`."""
    wanted = split_values(value)
    for name in wanted:
        if name not in TYPES:
            raise Invalid(f"{name!r} is not a record type", nearest(name, TYPES))
    return tuple(type for type in TYPES if type in wanted)


def _sort_key(resource: Resource, value: str) -> SortKey:
    name = value.removeprefix("-")
    if name not in resource.sorts:
        raise Invalid(f"{name!r} is not a field to sort by", nearest(name, resource.sorts) or resource.sorts)
    return SortKey(name, resource.sorts[name], descending=value.startswith("-"))


def _sort(resource: Resource, value: str) -> tuple[SortKey, ...]:
    keys = [_sort_key(resource, part) for part in split_values(value)]
    names = [key.name for key in keys]
    if len(set(names)) < len(names):
        raise Invalid("names a field twice")
    if len(names) > 5:
        raise Invalid("names more than 5 fields")
    until_id = names.index("id") + 1 if "id" in names else len(names)
    last = () if "id" in names else (SortKey("id", resource.sorts["id"]),)
    return (*keys[:until_id], *last)


def _tests(resource: Resource, given: Parameters) -> dict[str, Tests]:
    """The tests of each filter. Filters come in the order of the schema, so that `asked` has one spelling."""
    found: dict[str, Tests] = {}
    for name, kind in kinds(resource.filter).items():
        tests = (given.attempt(name, partial(_test, kind), raw, None) for raw in given.all(name))
        if wanted := tuple(test for test in tests if test is not None):
            found[name] = wanted
    return found


def _test(kind: Kind, raw: str) -> Test | None:
    return read_test(kind, raw)  # typed to allow None, so that `attempt` can return it for a fault


def read_ids(value: str) -> tuple[str, ...]:
    """Parse a comma-separated list of ids or names, without repetitions; raises `Invalid`."""
    return tuple(dict.fromkeys(split_values(value)))


def read_boolean(value: str) -> bool:
    """Parse `true` or `false`; raises `Invalid`."""
    if value not in ("true", "false"):
        raise Invalid(f"{value!r} is not true or false", ("true", "false"))
    return value == "true"


def read_words(given: Parameters) -> Words | None:
    """Read `q=` with `match=` and `expand=`, which are only allowed beside it; None where there is no `q=`."""
    node = given.read("q", partial(parse, fields=parts()), None)
    best: Match = "best"
    match, expand = given.read("match", read_match, best), given.read("expand", read_boolean, True)
    for name in ("match", "expand"):
        if given.all(name) and not given.all("q"):
            given.faults.append(parameter_fault(name, f"{name} belongs to a search; give q too."))
    return Words(given.all("q")[0], node, match, expand) if node is not None else None


def _as_of(given: Parameters) -> datetime | None:
    for name in (*SEARCH_NAMES, *FACET_NAMES) if given.all("as_of") else ():
        if given.all(name):
            detail = f"{name} cannot be combined with as_of: words and counts are only known of what is there now."
            given.faults.append(parameter_fault(name, detail))
    return given.read("as_of", read_as_of, NO_MOMENT)


def _position(asked: str, sort: tuple[SortKey, ...], cursor: str) -> Position:
    return position_in(asked, cursor, sort) if sort else (offset_in(asked, cursor),)


@lru_cache(maxsize=1024)
def read_list_query(type: RecordType, raw: str) -> ListQuery:
    """Parse the query string of a list; raises a `Problem` that lists every fault.

    The cursor is read after everything else was found right, because it is bound to `asked`.
    """
    resource = RESOURCES[type]
    given = Parameters(raw, [*kinds(resource.filter), *SEARCH_NAMES, *FACET_NAMES, *PAGING_NAMES, *SELECTION_NAMES])
    selection = _selection(resource, given)
    tests, ids = _tests(resource, given), given.read("ids", read_ids, NO_VALUES)
    words, facets = read_words(given), given.read("facets", partial(read_facets, resource), NO_FACETS)
    facet_limit = given.read("facet_limit", read_facet_limit, DEFAULT_FACET_LIMIT)
    unsorted: tuple[SortKey, ...] = () if words else (SortKey("id", resource.sorts["id"]),)
    sort = given.read("sort", partial(_sort, resource), unsorted)
    limit = given.read("limit", read_limit, max(DEFAULT_LIMIT, len(ids)))
    as_of, is_raw = _as_of(given), given.read("raw", read_boolean, NOT_GIVEN)
    given.end()
    order = [(key.name, key.descending) for key in sort]
    asked = repr((type, tests, ids, order, (words.raw, words.match, words.expand) if words else None))
    asked += f" {as_of}" if as_of else ""
    position = given.read("cursor", partial(_position, asked, sort), None)
    given.end()
    rest = given.without("cursor")
    return ListQuery(
        *selection, tests, ids, sort, limit, position, words, facets, facet_limit, asked, rest, as_of=as_of, raw=is_raw
    )
