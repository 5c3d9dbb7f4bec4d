"""Parses foreign JSON to events, for files that are too large for memory, with limits on depth and length.

ijson keeps the whole path to each value at every depth: without a limit, 200,000 brackets would fill 100 GB of memory.
Its parser (YAJL) scans a text from its beginning again with each piece of the file, so that the time for a text grows
with the square of its length: a text of 150 MB takes minutes, one of 10 MB less than a second.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import ijson

from app.common.strict_json import DEEPEST, TooDeep
from app.imports.readers.limits import LimitedReader, Readable

LONGEST_TEXT = 10_000_000
"""The most bytes of one text; ClinicalTrials.gov allows 32,000 characters."""


class TooLong(ValueError):
    """A text, or another single value, is longer than any value that publishers send."""

    def __init__(self) -> None:
        super().__init__(f"a text in it has more than {LONGEST_TEXT:,} bytes")


_DEPTH_CHANGES = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


def events(file: Readable, *, use_float: bool = False) -> Iterator[tuple[str, Any]]:
    """Yields the events of `ijson.basic_parse`; also raises `TooDeep` and `TooLong`."""
    depth, limited = 0, LimitedReader(file, LONGEST_TEXT, TooLong())
    for event in ijson.basic_parse(limited, use_float=use_float):
        limited.bytes_since_end = 0
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
