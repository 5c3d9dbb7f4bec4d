"""The value grammar of query parameters, read into typed tests; SQL (later also the search index) compiles them.

    a,b       any of        not:a,b   none of (records without a value included)
    10..20    a range, either end open; dates and numbers only
    missing   no value      present   some value
A parameter given twice must hold twice. A value with a comma is written in double quotes. Text is compared whole, A-Z
like a-z. A date stands for all it contains: `2010` finds 2010-07-30.
"""

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict

from app.common.problems import Invalid
from app.common.suggestions import nearest
from app.records.fields import RecordType

Value = str | int | float | bool

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def ascii_lower(value: str) -> str:
    """As both databases' `lower()` does it under the collation used here: A to Z only."""
    return value.translate(_LOWER)


@dataclass(frozen=True, slots=True)
class AnyOf:
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    low: Value | None
    high: Value | None


@dataclass(frozen=True, slots=True)
class Missing:
    pass


@dataclass(frozen=True, slots=True)
class Present:
    pass


Test = AnyOf | NoneOf | Between | Missing | Present
Tests = tuple[Test, ...]

MAX_VALUES = 500


@dataclass(frozen=True, slots=True)
class Kind:
    """How one parameter's values are read: what they may be, and an example for the documentation."""

    name: str
    read: Callable[[str], Value]
    example: str
    choices: tuple[str, ...] = ()
    of: RecordType | None = None

    @property
    def ranged(self) -> bool:
        return self.name in ("number", "date")


def word(literal: Any) -> Kind:
    choices = get_args(literal)

    def read(value: str) -> str:
        if value not in choices:
            raise Invalid(f"{value!r} is not one of the known values", nearest(value, choices))
        return value

    return Kind("word", read, choices[0], choices)


def text(example: str) -> Kind:
    return Kind("text", str, example)


def reference(of: RecordType, example: str) -> Kind:
    """Ids or any other names of records of a type; they are resolved before the query is compiled."""
    return Kind("reference", str, example, of=of)


def _number(value: str) -> Value:
    number = float(value) if len(value) <= 40 and _NUMBER.fullmatch(value) else math.nan
    if not math.isfinite(number) or abs(number) > 1e15:
        raise Invalid(f"{value!r} is not a number")
    return int(number) if number.is_integer() else number


def number(example: str) -> Kind:
    return Kind("number", _number, example)


def _date(value: str) -> str:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError(value)
        date.fromisoformat(value + "-01-01"[: 10 - len(value)])
    except ValueError:
        raise Invalid(f"{value!r} is not a date such as 2010, 2010-07 or 2010-07-30") from None
    return value


def when(example: str) -> Kind:
    return Kind("date", _date, example)


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise Invalid(f"{value!r} is not true or false", ("true", "false"))
    return value == "true"


def boolean() -> Kind:
    return Kind("boolean", _boolean, "true", ("true", "false"))


class Filter(BaseModel):
    """A type's filters, a field each: `Annotated[Tests, kind, Field(description=...)] = ()`."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


@cache
def kinds(model: type[Filter]) -> dict[str, Kind]:
    """The kind of each of a filter's parameters."""
    return {
        name: next(mark for mark in field.metadata if isinstance(mark, Kind))
        for name, field in model.model_fields.items()
    }


def split_values(raw: str) -> list[str]:
    try:
        values = next(csv.reader([raw], skipinitialspace=True, strict=True)) if '"' in raw else raw.split(",")
    except csv.Error:
        raise Invalid("has a double quote that is not closed, or a line break outside of them") from None
    if any(value == "" for value in values):
        raise Invalid("has an empty value")
    if len(values) > MAX_VALUES:
        raise Invalid(f"has {len(values)} values; at most {MAX_VALUES} can be asked for at once")
    return values


def _between(kind: Kind, raw: str) -> Between:
    low, high = (kind.read(end) if end else None for end in raw.split("..", 1))
    if low is None and high is None:
        raise Invalid("is a range with no end; write low.., ..high or low..high")
    if kind.name == "date":
        return _dates_between(str(low or ""), str(high or ""))
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise Invalid(f"is a range upside down: {low} is above {high}", (f"{high}..{low}",))
    return Between(low, high)


def _dates_between(low: str, high: str) -> Between:
    """A date stands for all it contains, so 2018-06..2018 is none upside down; 2019 begins when 2019-01-01 does."""
    shorter = min(len(low), len(high))
    if low[:shorter] > high[:shorter]:
        raise Invalid(f"is a range upside down: {low} is after {high}", (f"{high}..{low}",))
    while low.endswith("-01"):
        low = low.removesuffix("-01")
    return Between(low or None, high or None)


def read_test(kind: Kind, raw: str) -> Test:
    """One value of a parameter as a test; raises `Invalid`."""
    if raw == "missing":
        return Missing()
    if raw == "present":
        return Present()
    if kind.ranged and ".." in raw:
        return _between(kind, raw)
    none_of = raw.startswith("not:")
    values = tuple(kind.read(value) for value in split_values(raw.removeprefix("not:")))
    return NoneOf(values) if none_of else AnyOf(values)
