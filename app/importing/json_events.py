"""JSON of others' making as events, for files that are too large to be held, and no deeper than any record is.

ijson keeps the whole path to each value at every depth: without a bound, 200,000 brackets would fill 100 GB of memory.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import ijson

from app.strict_json import DEEPEST, TooDeep


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


_DEEPER = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


def events(file: Readable, *, use_float: bool = False) -> Iterator[tuple[str, Any]]:
    """As `ijson.basic_parse` has them; raises `TooDeep` too."""
    depth = 0
    for event in ijson.basic_parse(file, use_float=use_float):
        depth += _DEEPER.get(event[0], 0)
        if depth > DEEPEST:
            raise TooDeep
        yield event
