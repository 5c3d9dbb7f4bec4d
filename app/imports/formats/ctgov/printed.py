"""Parses printed numbers and times. A value is taken only if it can be stored exactly."""

import re
from decimal import Decimal

_THOUSANDS = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+"
"""A number with thousands separators. `0,123` is not one: its comma is a decimal comma."""
_WHOLE = re.compile(rf"[0-9]{{1,10}}|{_THOUSANDS}")
_NUMBER = re.compile(rf"[-+]?(?:[0-9]+|{_THOUSANDS})(?:\.[0-9]+)?|[-+]?\.[0-9]+")
_WITH_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{1,3}")
_DECIMAL_COMMA = re.compile(rf"(?!{_THOUSANDS}$)[-+]?[0-9]+,[0-9]+")
SAFE_DIGITS = 15
"""A double represents any decimal number of at most 15 digits exactly."""
LARGEST = 10**15
MOST = 10**9


def has_decimal_comma(text: str | None) -> bool:
    """Whether the comma of a number separates its decimals: `0,250` and `12,5`; `1,250` may be either."""
    return bool(text) and bool(_DECIMAL_COMMA.fullmatch(str(text).strip()))


def whole(text: str | None) -> int | None:
    """A count: `158`, `1,234`."""
    if text is None or not text.isascii() or not _WHOLE.fullmatch(text := text.strip()):
        return None
    number = int(text.replace(",", ""))
    return number if number <= MOST else None


def count(number: int | None) -> int | None:
    """The number if it can be a count."""
    return number if number is not None and 0 <= number <= MOST else None


def exact(text: str | None) -> int | float | None:
    """A number such as `-0.5`, `1,234.5` or `.05`.

    Returns `None` if it cannot be stored digit by digit, and for texts such as `NA` and `<0.1`.
    """
    if text is None or len(text) > 40:
        return None
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if not _NUMBER.fullmatch(text) and not _WITH_EXPONENT.fullmatch(text):
        return None
    plain = text.replace(",", "")
    number = int(plain) if plain.lstrip("+-").isdigit() else float(plain)
    return number if abs(number) <= LARGEST and _is_held(number, plain) else None


def _is_held(number: float, plain: str) -> bool:
    return (len(plain) <= SAFE_DIGITS and "e" not in plain.lower()) or Decimal(repr(number)) == Decimal(plain)


_WEEKS = re.compile(
    r"(?:at )?(?:week ([0-9]{1,3})|([0-9]{1,3})[ -]weeks?|([0-9]{1,4})[ -]days?|day ([0-9]{1,4}))", re.I
)


def weeks(text: str | None) -> int | None:
    """The whole number of weeks in a time frame such as `12 weeks`, `Week 24` or `84 days`; months are not converted.

    `Day 29` may be four weeks after day 1 or more than four after day 0, so days count only as a duration.
    """
    found = _WEEKS.fullmatch(text.strip().rstrip(".")) if text and len(text) <= 20 else None
    if found is None or found[4]:
        return None
    if found[3]:
        return int(found[3]) // 7 if int(found[3]) % 7 == 0 else None
    return int(found[1] or found[2])
