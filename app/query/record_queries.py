"""Questions of lists and of records as values, made from a query string or, by other modules, from values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from urllib.parse import urlencode

from app.common.problems import Invalid, parameter_fault
from app.common.suggestions import nearest
from app.query.as_of import read_as_of
from app.query.keyset import Position, SortKey, next_url, offset_in, position_in
from app.query.parameters import (
    DEFAULT_LIMIT,
    JSON_ALONE,
    NO_VALUES,
    SEARCH_NAMES,
    Parameters,
    read_boolean,
    read_ids,
    read_limit,
    read_words,
)
from app.query.projection import Tree, read_fields, read_include
from app.query.search_parameters import DEFAULT_FACET_LIMIT, Facet, Words, read_facet_limit, read_facets
from app.records.filters import Kind, Test, Tests, read_test, split_values
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.vocabularies import RecordType

SELECTION_NAMES = ("fields", "include", "format", "raw", "bom", "as_of")
PAGING_NAMES = ("sort", "limit", "cursor", "ids")
FACET_NAMES = ("facets", "facet_limit")
NO_FACETS: tuple[Facet, ...] = ()
NO_MOMENT: datetime | None = None
NOT_GIVEN: bool | None = None
_QUOTED = {",", '"'}
Given = str | int | bool | datetime | Sequence[str] | None
"""A value of a parameter as other modules have it."""


@dataclass(frozen=True, eq=False)
class RecordQuery:
    """The parsed query string of one record."""

    fields: Tree | None
    """The fields named by `fields=`; None where the parameter is not given, which means all fields."""
    include: tuple[str, ...]
    format: str | None
    """One of the values that were allowed for `format=`; None where it is not given."""
    as_of: datetime | None = field(default=None, kw_only=True)
    revision: int | None = field(default=None, kw_only=True)
    """The revision that `as_of` resolves to, set after it was looked up; None means the newest revision."""
    raw: bool | None = field(default=None, kw_only=True)
    """Whether text in csv is left as it is; None where `raw=` is not given."""
    bom: bool | None = field(default=None, kw_only=True)
    """Whether csv begins with a byte order mark; None where `bom=` is not given."""

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

    @classmethod
    def of(
        cls,
        resource: Resource,
        filters: Mapping[str, Given] | None = None,
        formats: tuple[str, ...] = JSON_ALONE,
        **options: Given,
    ) -> "ListQuery":
        """Make the query that these values stand for, as the parser makes it from a query string.

        `filters` are by the names that the API has for them, in its grammar: `{"year": "2005..2015"}`. A sequence of
        values means any of them. `formats` are the values that `format` may have. `options` are the other parameters of
        a list: `sort`, `limit`, `ids`, `as_of`, `q`, `match`, `expand`, `facets`, `facet_limit`, `fields`, `include`,
        `format`, `raw`, `bom` and `cursor`; None leaves one out. Raises a `Problem` that lists every fault, with the
        names of the parameters.
        """
        given = {**(filters or {}), **options}
        pairs = [(name, _as_parameter(value)) for name, value in given.items() if value is not None]
        return read_list_query(resource.type, urlencode(pairs), formats)

    def next_url(self, resource: Resource, position: Position) -> str:
        """The URL of the page that follows a position."""
        return next_url(resource.path, self.parameters, self.asked, position)


def _as_parameter(value: str | int | bool | datetime | Sequence[str]) -> str:
    """Write a value as a query string has it; a text of a sequence that holds a comma or a quote is quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return ",".join('"{}"'.format(text.replace('"', '""')) if _QUOTED & {*text} else text for text in value)


def _include(resource: Resource, value: str) -> tuple[str, ...]:
    return read_include(resource, split_values(value))


def _fields(resource: Resource, include: tuple[str, ...], value: str) -> Tree | None:
    return read_fields(resource, include, split_values(value))


def _selection(
    resource: Resource, given: Parameters, formats: tuple[str, ...]
) -> tuple[Tree | None, tuple[str, ...], str | None]:
    include = given.read_several("include", partial(_include, resource), NO_VALUES)
    fields = given.read("fields", partial(_fields, resource, include), None)
    return fields, include, given.read_format(formats)


def _csv_options(given: Parameters) -> tuple[bool | None, bool | None]:
    return given.read("raw", read_boolean, NOT_GIVEN), given.read("bom", read_boolean, NOT_GIVEN)


@lru_cache(maxsize=1024)
def read_record_query(type: RecordType, raw: str, formats: tuple[str, ...] = JSON_ALONE) -> RecordQuery:
    """Parse the query string of one record, in which `format=` may name one of `formats`.

    Raises a `Problem` that lists every fault.
    """
    given = Parameters(raw, list(SELECTION_NAMES))
    selection = _selection(RESOURCES[type], given, formats)
    as_of, is_raw, has_mark = given.read("as_of", read_as_of, NO_MOMENT), *_csv_options(given)
    given.end()
    return RecordQuery(*selection, as_of=as_of, raw=is_raw, bom=has_mark)


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
    for name, kind in resource.kinds.items():
        tests = (given.attempt(name, partial(_test, kind), raw, None) for raw in given.all(name))
        if wanted := tuple(test for test in tests if test is not None):
            found[name] = wanted
    return found


def _test(kind: Kind, raw: str) -> Test | None:
    return read_test(kind, raw)  # typed to allow None, so that `attempt` can return it for a fault


def _as_of(given: Parameters) -> datetime | None:
    for name in (*SEARCH_NAMES, *FACET_NAMES) if given.all("as_of") else ():
        if given.asks(name):
            detail = f"{name} cannot be combined with as_of: words and counts are only known of what is there now."
            given.faults.append(parameter_fault(name, detail))
    return given.read("as_of", read_as_of, NO_MOMENT)


def _position(asked: str, sort: tuple[SortKey, ...], cursor: str) -> Position:
    return position_in(asked, cursor, sort) if sort else (offset_in(asked, cursor),)


@lru_cache(maxsize=1024)
def read_list_query(type: RecordType, raw: str, formats: tuple[str, ...] = JSON_ALONE) -> ListQuery:
    """Parse the query string of a list, in which `format=` may name one of `formats`.

    Raises a `Problem` that lists every fault. The cursor is read after everything else was found right, because it is
    bound to `asked`.
    """
    resource = RESOURCES[type]
    given = Parameters(raw, [*resource.kinds, *SEARCH_NAMES, *FACET_NAMES, *PAGING_NAMES, *SELECTION_NAMES])
    selection = _selection(resource, given, formats)
    tests, ids = _tests(resource, given), given.read("ids", read_ids, NO_VALUES)
    words, facets = read_words(given), given.read("facets", partial(read_facets, resource), NO_FACETS)
    facet_limit = given.read("facet_limit", read_facet_limit, DEFAULT_FACET_LIMIT)
    unsorted: tuple[SortKey, ...] = () if words else (SortKey("id", resource.sorts["id"]),)
    sort = given.read("sort", partial(_sort, resource), unsorted)
    limit = given.read("limit", read_limit, max(DEFAULT_LIMIT, len(ids)))
    as_of, is_raw, has_mark = _as_of(given), *_csv_options(given)
    given.end()
    order = [(key.name, key.descending) for key in sort]
    asked = repr((type, tests, ids, order, (words.raw, words.match, words.expand) if words else None))
    asked += f" {as_of}" if as_of else ""
    position = given.read("cursor", partial(_position, asked, sort), None)
    given.end()
    rest = given.without("cursor")
    return ListQuery(
        *selection,
        tests,
        ids,
        sort,
        limit,
        position,
        words,
        facets,
        facet_limit,
        asked,
        rest,
        as_of=as_of,
        raw=is_raw,
        bom=has_mark,
    )
