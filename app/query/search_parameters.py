"""The query parameters of search: words, matching and facets. This module parses them and does not know the index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from app.common.problems import Invalid
from app.common.suggestions import nearest
from app.query.search_syntax import Node
from app.records.filters import Kind, split_values
from app.records.resource import Resource

Match = Literal["best", "all", "any"]
"""`all` requires all words and `any` at least one. `best` requires all, and falls back to `any` if there is no hit."""

DEFAULT_FACET_LIMIT, MAX_FACET_LIMIT = 100, 10_000
COUNTED = ("word", "reference", "number", "boolean")
"""The kinds of filters that have facets. Texts have too many values to count, and dates are counted by `year`."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a search: `q=` with its parameters."""

    raw: str
    """The value of `q=` as it was given."""
    node: Node
    """The parsed value of `q=`."""
    match: Match = "best"
    expand: bool = True
    """Whether synonyms are searched for too."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter whose values are counted, or two filters whose pairs of values are counted."""

    name: str
    by: str | None = None

    @property
    def label(self) -> str:
        """The key of the facet in the answer, which is also its spelling in `facets=`."""
        return f"{self.name}*{self.by}" if self.by else self.name


def read_match(value: str) -> Match:
    """Parse `match=`; raises `Invalid`."""
    for match in get_args(Match):
        if match == value:
            return match  # type: ignore[no-any-return]  # one of the literal's own words
    raise Invalid(f"{value!r} is not a way to match", get_args(Match))


def countable(known: Mapping[str, Kind]) -> list[str]:
    """The names of the filters that have facets."""
    return [name for name, kind in known.items() if kind.name in COUNTED and name != "text"]


def _read_facet(resource: Resource, value: str) -> Facet:
    known = resource.kinds
    names = value.split("*")
    counted = countable(known)
    for name in names:
        if name not in counted:
            why = "has too many values to be counted" if name in known else "is not a filter"
            raise Invalid(f"{name!r} {why}", nearest(name, counted) or counted)
    if len(names) > 2:
        raise Invalid(f"{value!r} crosses more than two filters")
    return Facet(*names)


def read_facets(resource: Resource, value: str) -> tuple[Facet, ...]:
    """Parse `facets=`, a comma-separated list of `FILTER` or `FILTER*FILTER`, at most 20; raises `Invalid`."""
    facets = tuple(_read_facet(resource, part) for part in dict.fromkeys(split_values(value)))
    if len(facets) > 20:
        raise Invalid("asks for more than 20 facets")
    return facets


def read_facet_limit(value: str) -> int:
    """Parse `facet_limit=`, a whole number from 1 to 10,000; raises `Invalid`."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= MAX_FACET_LIMIT):
        raise Invalid(f"{value!r} is not a whole number from 1 to {MAX_FACET_LIMIT}")
    return int(value)
