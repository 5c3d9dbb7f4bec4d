"""Parses dates of citation managers, which each tool writes in its own way, as precisely as they can be stored."""

import re
import unicodedata
from typing import NamedTuple

from app.imports.formats.pubmed.dates import MONTHS, printed_date
from app.records.publications.rules import latest_year

_TIME = re.compile(r"(?<=[0-9])[T ][0-9]{1,2}:[0-9]{2}.*$")
_COMPACT = re.compile(r"((?:1[89]|20)[0-9]{2})([0-9]{2})([0-9]{2})?")
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.\-]([0-9]{1,2}|[A-Za-z]{3,9}\.?)?(?:[/.\-]([0-9]{1,2})?)?(?:[/\s](.*))?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[\s./-]+([A-Za-z]{3,9})\.?,?[\s./-]+([0-9]{4})")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.?[\s./-]+(?:([0-9]{1,2})(?:st|nd|rd|th)?[,\s]+)?([0-9]{4})")
_NUMBERS = re.compile(r"(?:([0-9]{1,2})[/.])?([0-9]{1,2})[/.]([0-9]{4})")
_SHORT = re.compile(r"([A-Za-z]{3,9})\.?[\s'’-]+([0-9]{2})")


class PrintedDate(NamedTuple):
    """A date as precise as it can be read; `is_whole` tells whether it says all that the text says."""

    text: str | None
    is_whole: bool
    is_guessed: bool = False
    """Whether the century was not printed."""


def _joined(year: str, month: str | None, day: str | None, *, is_whole: bool = True) -> PrintedDate:
    """The date of a year, a month by number or name, and a day. Zeros stand for what is not known."""
    printed = [part for part in (month, day) if part and part.strip("0.")]
    if day and day.strip("0") and not (month and month.strip("0")):
        printed = []
        is_whole = False
    found, whole = printed_date(" ".join([year, *(part.strip(".") for part in printed)]))
    return PrintedDate(found, whole and is_whole)


def _year_first(text: str) -> PrintedDate | None:
    if found := _COMPACT.fullmatch(text):
        return _joined(found[1], found[2], found[3])
    if found := _YEAR_FIRST.fullmatch(text):
        return _joined(found[1], found[2], found[3], is_whole=not (found[4] or "").strip(" /"))
    return None


def _year_last(text: str) -> PrintedDate | None:
    if found := _DAY_FIRST.fullmatch(text):
        return _joined(found[3], found[2], found[1])
    if found := _MONTH_FIRST.fullmatch(text):
        return _joined(found[3], found[1], found[2])
    if found := _NUMBERS.fullmatch(text):
        first, second, year = found.groups()
        if first is None or int(second) > 12:
            return _joined(year, second if first is None else first, None if first is None else second)
        if int(first) > 12 or first == second:
            return _joined(year, second, first)
        return PrintedDate(year, is_whole=False)  # the day and the month could be either
    return None


def _short(text: str) -> PrintedDate | None:
    """A month and two figures, such as `Apr-10`, which spreadsheets make of April 2010."""
    found = _SHORT.fullmatch(text)
    if not found or not any(len(found[1]) > 2 and name.startswith(found[1].casefold()) for name in MONTHS):
        return None
    latest = latest_year()
    year = latest // 100 * 100 + int(found[2])
    return _joined(str(year if year <= latest else year - 100), found[1], None)._replace(is_guessed=True)


def reference_date(text: str) -> PrintedDate:
    """Read a date such as `2010/07/30/`, `20100730`, `2010//`, `30 Jul 2010`, `July 2010` or `Jul-10`.

    A date after next year is none.
    """
    plain = " ".join(unicodedata.normalize("NFKC", _TIME.sub("", text)).split()).strip(" ,;")
    found = _year_first(plain) or _year_last(plain) or _short(plain) or PrintedDate(*printed_date(plain))
    if found.text and int(found.text[:4]) > latest_year():
        return PrintedDate(None, is_whole=False)
    return found
