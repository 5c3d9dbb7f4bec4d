"""What a request asks of the index: words, facets, and how far to go. Read from query parameters; knows no index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from app.common.problems import Invalid
from app.common.suggestions import nearest
from app.query.search_syntax import Node, parse
from app.records.filters import Kind, kinds, split_values
from app.records.resource import Resource

Match = Literal["best", "all", "any"]
"""`best`: all words, and where no record has all of them, those that match best."""

DEFAULT_FACET_LIMIT, MAX_FACET_LIMIT = 100, 10_000
COUNTED = ("word", "reference", "number", "boolean")
"""Kinds of filters that have facets; texts are too many to count, dates are counted by year."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of `q=`."""

    raw: str
    node: Node
    match: Match = "best"
    expand: bool = True


@dataclass(frozen=True, slots=True)
class Facet:
    """One filter to count the values of, or two to count each pair of."""

    name: str
    by: str | None = None

    @property
    def label(self) -> str:
        return f"{self.name}*{self.by}" if self.by else self.name


def read_match(value: str) -> Match:
    for match in get_args(Match):
        if match == value:
            return match  # type: ignore[no-any-return]  # one of the literal's own words
    raise Invalid(f"{value!r} is not a way to match", get_args(Match))


def read_node(fields: frozenset[str], value: str) -> Node:
    return parse(value, fields)


def countable(known: Mapping[str, Kind]) -> list[str]:
    return [name for name, kind in known.items() if kind.name in COUNTED and name != "text"]


def _read_facet(resource: Resource, value: str) -> Facet:
    known = kinds(resource.filter)
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
    facets = tuple(_read_facet(resource, part) for part in dict.fromkeys(split_values(value)))
    if len(facets) > 20:
        raise Invalid("asks for more than 20 facets")
    return facets


def read_facet_limit(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= MAX_FACET_LIMIT):
        raise Invalid(f"{value!r} is not a whole number from 1 to {MAX_FACET_LIMIT}")
    return int(value)
