"""Where the changed records of a list of the past stand in it: found out once, however many pages are read."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from app.query.keyset import Position
from app.query.pages import Now

MAX_POSITIONS = 100_000
"""Positions remembered in all, some twenty megabytes."""


class Remembered:
    """By the database's state and what was asked; bounded in positions, oldest out first."""

    def __init__(self, most: int = MAX_POSITIONS) -> None:
        self.most, self.size = most, 0
        self.known: OrderedDict[tuple[Now, str], Sequence[Position]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, at: Now, asked: str, find: Callable[[], Sequence[Position]]) -> Sequence[Position]:
        found = self.known.get((at, asked))
        if found is None:
            found = find()
            self._put((at, asked), found)
        return found

    def _put(self, key: tuple[Now, str], found: Sequence[Position]) -> None:
        with self.lock:
            if key not in self.known:
                self.known[key] = found
                self.size += _size(found)
            while self.size > self.most:
                self.size -= _size(self.known.popitem(last=False)[1])


def _size(positions: Sequence[Position]) -> int:
    return len(positions) + 1
