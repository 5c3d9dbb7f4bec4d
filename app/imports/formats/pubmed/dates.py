"""Dates as MEDLINE prints them, as precisely as they can be kept."""

import re
from datetime import date

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SINGLE = re.compile(r"([0-9]{4})(?:[ /-]([A-Za-z]{3,9}|[0-9]{1,2})\.?(?:[ /-]([0-9]{1,2}))?)?")
_YEAR = re.compile(r"(?<![0-9])(?:1[89][0-9]{2}|20[0-9]{2}|2100)(?![0-9])")
_WORD = re.compile(r"[A-Za-z]{3,9}")


def _month(text: str) -> int | None:
    """A number, or a month's name or its beginning: `Sept`, not `Maybe`."""
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= 12 else None
    short = text.casefold()
    return next((number for number, name in enumerate(MONTHS, 1) if len(short) > 2 and name.startswith(short)), None)


def _single(text: str) -> str | None:
    """One day, month or year, such as `2020 Feb 3`, `2021 05` or `1998`, if that is what it is."""
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


def printed_date(text: str) -> tuple[str | None, bool]:
    """A date, and whether that is all that is printed.

    `2000 Jan 1-15` lies in 2000-01, `1979 Jul-Aug` and `1990 Spring` in their years; `1998 Dec-1999 Jan` begins in
    1998, under which year PubMed has it too. No month is named that the print does not name alone.
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
