"""Query strings parsed into typed values: filters, sort, paging, search words, facets and projection.

An unknown parameter or value is never ignored: all faults of a query string are reported in one `Problem`.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar, get_args
from urllib.parse import parse_qsl

from app.common.problems import Fault, Invalid, Problem, invalid_parameters, parameter_fault
from app.common.suggestions import nearest
from app.query.search_parameters import (
    DEFAULT_FACET_LIMIT,
    Match,
    Words,
    read_match,
)
from app.query.search_syntax import parse
from app.records.document_paths import parts
from app.records.filters import split_values
from app.records.vocabularies import RecordType

T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 25, 1000
MAX_PARAMETERS = 200
SEARCH_NAMES = ("q", "match", "expand")
DEFAULTS = {"match": "best", "expand": "true", "facet_limit": str(DEFAULT_FACET_LIMIT)}
"""The documented defaults of parameters that belong to others. They are accepted everywhere: clients send them."""
NO_VALUES: tuple[str, ...] = ()
JSON_ALONE = ("json",)
"""The values of `format=` where answers are JSON only."""


class Parameters:
    """The parameters of a query string, read one by one. Faults are collected and raised together by `end`."""

    def __init__(self, raw: str, known: list[str]) -> None:
        """`raw` is the query string; `known` are the names that are allowed. Any other name is a fault."""
        self.faults: list[Fault] = []
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

    def asks(self, name: str) -> bool:
        """Whether a parameter is given with another value than its documented default."""
        return any(value != DEFAULTS.get(name) for value in self.all(name))

    def read_several(self, name: str, how: Callable[[str], T], otherwise: T) -> T:
        """The values of a parameter as `how` parses them, comma-separated; it may be given several times."""
        values = self.all(name)
        return self.attempt(name, how, ",".join(values), otherwise) if values else otherwise

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

    def read_format(self, known: tuple[str, ...] = JSON_ALONE) -> str | None:
        """The value of `format=`, which must be one of `known`; None where it is not given."""
        return self.read("format", partial(_format, known), None)

    def end(self) -> None:
        """Raise a `Problem` (invalid-parameter) with all faults found so far, if there are any."""
        if self.faults:
            raise invalid_parameters(self.faults)


def _format(known: tuple[str, ...], value: str) -> str | None:
    if value not in known:
        raise Invalid(f"{value!r} is not one of the formats here", known)
    return value


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
        if given.asks(name) and not given.all("q"):
            given.faults.append(parameter_fault(name, f"{name} belongs to a search; give q too."))
    return Words(given.all("q")[0], node, match, expand) if node is not None else None
