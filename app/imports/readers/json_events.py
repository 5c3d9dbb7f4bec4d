"""JSON of others' making as events, for files that are too large to be held, and no deeper than any record is.

ijson keeps the whole path to each value at every depth: without a bound, 200,000 brackets would fill 100 GB of memory.
Its parser (YAJL) scans a text from its beginning again with each piece of the file, so that the time a text takes grows
with the square of its length: one of 150 MB takes minutes, one of 10 MB less than a second.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Protocol

import ijson

from app.common.strict_json import DEEPEST, TooDeep

LONGEST_TEXT = 10_000_000
"""Bytes of one text; the longest that ClinicalTrials.gov takes has 32,000 characters."""


class TooLong(ValueError):
    """A text, or another single value, is longer than any value that publishers send."""

    def __init__(self) -> None:
        super().__init__(f"a text in it has more than {LONGEST_TEXT:,} bytes")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


_DEPTH_CHANGES = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


class _LimitedReader:
    """A file that raises `TooLong` if it is read too far without any event."""

    def __init__(self, file: Readable) -> None:
        self._file, self.bytes_since_event = file, 0

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self.bytes_since_event += len(piece)
        if self.bytes_since_event > LONGEST_TEXT:
            raise TooLong
        return piece


def events(file: Readable, *, use_float: bool = False) -> Iterator[tuple[str, Any]]:
    """Yields the events of `ijson.basic_parse`; also raises `TooDeep` and `TooLong`."""
    depth, limited = 0, _LimitedReader(file)
    for event in ijson.basic_parse(limited, use_float=use_float):
        limited.bytes_since_event = 0
        depth += _DEPTH_CHANGES.get(event[0], 0)
        if depth > DEEPEST:
            raise TooDeep
        yield event


def has_long_text(value: Any) -> bool:
    """Whether a value that was read whole holds a text longer than `LONGEST_TEXT` characters."""
    level = [value]
    while level:
        if any(len(item) > LONGEST_TEXT for item in level if isinstance(item, str)):
            return True
        level = [inner for item in level for inner in _children(item)]
    return False


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return chain(value, value.values())
    return value if isinstance(value, list) else ()
