"""Parses dates as MEDLINE prints them, as precisely as they can be stored."""

import re
from datetime import date, datetime

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SINGLE = re.compile(r"([0-9]{4})(?:[ /-]([A-Za-z]{3,9}|[0-9]{1,2})\.?(?:[ /-]([0-9]{1,2}))?)?")
_YEAR = re.compile(r"(?<![0-9])(?:1[89][0-9]{2}|20[0-9]{2}|2100)(?![0-9])")
_DIGITS = re.compile(r"[0-9]+")
_WORD = re.compile(r"[A-Za-z]{3,9}")


def _month(text: str) -> int | None:
    """The number of a month from digits, its name, or the beginning of its name, such as `Sept`."""
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= 12 else None
    short = text.casefold()
    return next((number for number, name in enumerate(MONTHS, 1) if len(short) > 2 and name.startswith(short)), None)


def _single(text: str) -> str | None:
    """A single day, month or year, such as `2020 Feb 3`, `2021 05` or `1998`; `None` for anything else."""
    found = _SINGLE.fullmatch(text)
    if not found or not _YEAR.fullmatch(found[1]):
        return None
    month = _month(found[2]) if found[2] else None
    if found[2] and not month:
        return None
    whole = "-".join([found[1], *([f"{month:02}"] if month else []), *([f"{int(found[3]):02}"] if found[3] else [])])
    try:
        date.fromisoformat(whole + "-01-01"[len(whole) - 4 :] if len(whole) < 10 else whole)
    except ValueError:
        return None
    return whole


def revision_date(*printed: str) -> str | None:
    """The first of some dates that is a whole day, such as `2024 03 07`, `20240307` or `2024/03/07 06:00`."""
    for text in printed:
        digits = "".join(_DIGITS.findall(text))[:8]
        try:
            return datetime.strptime(digits, "%Y%m%d").date().isoformat()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None


def printed_date(text: str) -> tuple[str | None, bool]:
    """The date of a text, and whether it says all that the text says.

    `2000 Jan 1-15` becomes 2000-01; `1979 Jul-Aug` and `1990 Spring` become their years; `1998 Dec-1999 Jan` becomes
    1998, as in PubMed. A month is given only if the text names no other one.
    """
    single = _single(text)
    if single:
        return single, True
    years = _YEAR.findall(text)
    if not years:
        return None, False
    months = {month for word in _WORD.findall(text) if (month := _month(word))}
    inside = len(set(years)) == 1 and len(months) == 1
    return (f"{years[0]}-{months.pop():02}" if inside else years[0]), False
