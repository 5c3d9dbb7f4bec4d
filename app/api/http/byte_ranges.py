"""Byte ranges of a representation (RFC 9110 §14): parsing a `Range` header and applying it to a length."""

import re
from typing import NamedTuple

from app.common.problems import Problem

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_MOST_DIGITS = 18
"""A longer number lies behind the end of any representation; Python refuses to parse very long ones."""


class ByteRange(NamedTuple):
    """One requested range, both ends included; without `first` the last `last` bytes, without `last` all the rest."""

    first: int | None
    last: int | None

    def within(self, length: int) -> tuple[int, int]:
        """Return the offsets of the first byte and of the one after the last; raise a `Problem` (416) if none match."""
        if self.first is None:
            start, stop = max(0, length - (self.last or 0)), length
        else:
            start = self.first
            stop = length if self.last is None else min(length, self.last + 1)
        if start >= stop:
            detail = f"The range begins behind the end: there are {length} bytes."
            raise Problem("range-not-satisfiable", detail, headers={"content-range": f"bytes */{length}"})
        return start, stop


def _number(digits: str) -> int | None:
    return int(digits[:_MOST_DIGITS] if len(digits) <= _MOST_DIGITS else "9" * _MOST_DIGITS) if digits else None


def read_range(header: str) -> ByteRange | None:
    """Return the single range of a `Range` header.

    Return None for several ranges, another unit or a malformed header, which a server may or must ignore (RFC 9110
    §14.2): the response is then the whole representation.
    """
    found = _ONE_RANGE.fullmatch(header)
    if found is None:
        return None
    first, last = _number(found[1]), _number(found[2])
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        return None
    return ByteRange(first, last)
