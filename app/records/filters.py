"""The value grammar of filters: query parameters are parsed into typed tests, which SQL and the search index compile.

    a,b       any of these values
    not:a,b   none of these values; records without a value match
    10..20    a range of numbers or dates, of which either end may be left out
    missing   no value
    present   any value

If a parameter is given twice, both tests must hold. A value with a comma is written in double quotes. Text is compared
as a whole, without regard to the case of A to Z. A date stands for all days in it: `2010` matches 2010-07-30.
"""

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

from app.common.identifiers import SCHEMES, Scheme
from app.common.patterns import meaning_of
from app.common.problems import Invalid
from app.common.suggestions import nearest
from app.records.vocabularies import RecordType

Value = str | int | float | bool

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def ascii_lower(value: str) -> str:
    """Lower the letters A to Z only, as `lower()` does in both databases under the collation used here."""
    return value.translate(_LOWER)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some value is one of these."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No value is one of these."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Some value is in a range whose ends are inclusive; an end that is nothing is open."""

    low: Value | None
    high: Value | None


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no value."""


@dataclass(frozen=True, slots=True)
class Present:
    """There is a value."""


Test = AnyOf | NoneOf | Between | Missing | Present
Tests = tuple[Test, ...]

MAX_VALUES = 500
"""The most values that one parameter may list."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a filter's values: how they are parsed, what they may be, and an example for the documentation.

    `of` is the record type that a reference is to.
    """

    name: str
    read: Callable[[str], Value]
    example: str
    choices: tuple[str, ...] = ()
    of: RecordType | None = None

    @property
    def ranged(self) -> bool:
        """Whether the filter takes ranges."""
        return self.name in ("number", "date")

    @classmethod
    def word(cls, choices: tuple[str, ...]) -> "Kind":
        """A word of a vocabulary."""
        return cls("word", partial(_word, choices), choices[0], choices)

    @classmethod
    def text(cls, example: str) -> "Kind":
        """Any text."""
        return cls("text", _text, example)

    @classmethod
    def identifier(cls, scheme: str, example: str) -> "Kind":
        """An identifier of a scheme of `app.common.identifiers`, compared by its canonical form.

        A text that is no identifier of the scheme can never match and is refused.
        """
        return cls("text", partial(_identifier, SCHEMES[scheme]), example)

    @classmethod
    def coded(cls, expression: str, example: str) -> "Kind":
        """A code of a declared form (`app.common.patterns`), without regard to case; any other text is refused."""
        description = meaning_of(expression) or f"a code such as {example}"
        return cls("text", partial(_coded, re.compile(expression, re.IGNORECASE), description), example)

    @classmethod
    def reference(cls, of: RecordType, example: str) -> "Kind":
        """An id or another name of a record of a type. Names are resolved before the query is compiled."""
        return cls("reference", str, example, of=of)

    @classmethod
    def number(cls, example: str) -> "Kind":
        """A number within what both databases store exactly."""
        return cls("number", _number, example)

    @classmethod
    def when(cls, example: str) -> "Kind":
        """An ISO 8601 date of any precision: a year, a month or a day."""
        return cls("date", _date, example)

    @classmethod
    def boolean(cls) -> "Kind":
        """`true` or `false`."""
        return cls("boolean", _boolean, "true", ("true", "false"))


def _word(choices: tuple[str, ...], value: str) -> str:
    if value not in choices:
        raise Invalid(f"{value!r} is not one of the known values", nearest(value, choices))
    return value


def _text(value: str) -> str:
    if value != value.strip():
        detail = f"{value!r} begins or ends with a space, which no value does"
        raise Invalid(f"{detail}; a name with a comma is written in double quotes")
    return value


def _identifier(scheme: Scheme, value: str) -> str:
    if (found := scheme.canonical(value)) is None:
        raise Invalid(f"{value!r} is not {scheme.description}")
    return found


def _coded(form: re.Pattern[str], description: str, value: str) -> str:
    if not form.fullmatch(value.strip()):
        raise Invalid(f"{value!r} is not {description}")
    return value.strip()


def _number(value: str) -> Value:
    number = float(value) if len(value) <= 40 and _NUMBER.fullmatch(value) else math.nan
    if not math.isfinite(number) or abs(number) > 1e15:
        raise Invalid(f"{value!r} is not a number")
    return int(number) if number.is_integer() else number


def _date(value: str) -> str:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError(value)
        date.fromisoformat(value + "-01-01"[: 10 - len(value)])
    except ValueError:
        raise Invalid(f"{value!r} is not a date such as 2010, 2010-07 or 2010-07-30") from None
    return value


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise Invalid(f"{value!r} is not true or false", ("true", "false"))
    return value == "true"


def split_values(raw: str) -> list[str]:
    """Split a parameter at its commas, except those in double quotes; raises `Invalid`."""
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
    _require_order(low, high)
    return Between(low, high)


def _require_order(low: Value | None, high: Value | None) -> None:
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise Invalid(f"is a range upside down: {low} is above {high}", (f"{high}..{low}",))


def _dates_between(low: str, high: str) -> Between:
    """A range of dates of any precision; raises `Invalid` if its ends are in the wrong order.

    A date stands for all days in it, so 2018-06..2018 is in order. The lower end loses a final -01, since 2019 begins
    when 2019-01-01 does.
    """
    shorter = min(len(low), len(high))
    if low[:shorter] > high[:shorter]:
        raise Invalid(f"is a range upside down: {low} is after {high}", (f"{high}..{low}",))
    while low.endswith("-01"):
        low = low.removesuffix("-01")
    return Between(low or None, high or None)


def read_test(kind: Kind, raw: str) -> Test:
    """Parse one value of a parameter into a test; raises `Invalid`."""
    if raw == "missing":
        return Missing()
    if raw == "present":
        return Present()
    if kind.ranged and ".." in raw:
        return _between(kind, raw)
    none_of = raw.startswith("not:")
    values = tuple(kind.read(value) for value in split_values(raw.removeprefix("not:")))
    return NoneOf(values) if none_of else AnyOf(values)
