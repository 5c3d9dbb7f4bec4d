"""A cache of the sort positions of changed records in lists of the past (see `as_of_lists`).

Finding the positions means reading all documents that have changed since, so it is done once for all pages of a list.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from app.query.keyset import Position
from app.query.pages import DatabaseState

MAX_POSITIONS = 100_000
"""The number of positions in the whole cache, which take about twenty megabytes."""


class SortPositionCache:
    """The cached positions by database state and `ListQuery.asked`.

    The cache is bounded by its number of positions and drops the oldest list first. An empty list counts as one.
    """

    def __init__(self, most: int = MAX_POSITIONS) -> None:
        self.most, self.size = most, 0
        self.known: OrderedDict[tuple[DatabaseState, str], Sequence[Position]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, at: DatabaseState, asked: str, find: Callable[[], Sequence[Position]]) -> Sequence[Position]:
        """The positions of a list at a database state, which `find` computes where they are not cached."""
        found = self.known.get((at, asked))
        if found is None:
            found = find()
            self._put((at, asked), found)
        return found

    def _put(self, key: tuple[DatabaseState, str], found: Sequence[Position]) -> None:
        with self.lock:
            if key not in self.known:
                self.known[key] = found
                self.size += _size(found)
            while self.size > self.most:
                self.size -= _size(self.known.popitem(last=False)[1])


def _size(positions: Sequence[Position]) -> int:
    return len(positions) + 1
