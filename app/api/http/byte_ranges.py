"""Byte ranges of a representation (RFC 9110 §14): reading a `Range` header, and finding the bytes that it asks for."""

import re
from typing import NamedTuple

from app.common.problems import Problem

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_MOST_DIGITS = 18
"""A number with more digits lies behind the end of everything; Python refuses to read very long ones."""


class ByteRange(NamedTuple):
    """One range as a client asks for it: without `first` the last `last` bytes, without `last` up to the end."""

    first: int | None
    last: int | None

    def within(self, length: int) -> tuple[int, int]:
        """Return the first byte and the byte after the last one; raise a `Problem` (416) where there are none."""
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
    """Return the one range that a `Range` header asks for.

    Return nothing for several ranges, another unit and a malformed header, which a server may or must ignore
    (RFC 9110 §14.2): the answer is then the whole representation.
    """
    found = _ONE_RANGE.fullmatch(header)
    if found is None:
        return None
    first, last = _number(found[1]), _number(found[2])
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        return None
    return ByteRange(first, last)
