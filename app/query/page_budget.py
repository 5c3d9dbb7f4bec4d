"""The byte budget of a page: a page ends before the item that would exceed it, and `next` goes on from there.

A row is a tuple whose first value is JSON of an item. What follows says where the item stands in its list, and is the
same whether a page ends by its limit or by its budget, so that `next` is written in one way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Row = Sequence[Any]


class PageRows(NamedTuple):
    """The rows of a page, and whether its list goes on after them."""

    rows: Sequence[Row]
    is_more: bool


def cut(rows: Iterable[Row], limit: int, most_bytes: int) -> PageRows:
    """Take rows until there are `limit` of them or the next item would make more than `most_bytes` bytes of JSON.

    The first row is taken however large it is, or a list could never be read past it. `limit` is at least 1. One row
    more than is taken is read, because only that tells whether the list goes on, and none after it.
    """
    taken: list[Row] = []
    size = 0
    for row in rows:
        if len(taken) == limit:
            return PageRows(taken, True)
        size += len(row[0])
        if size > most_bytes and taken:
            return PageRows(taken, True)
        taken.append(row)
    return PageRows(taken, False)


def converted(rows: Iterable[Row], limit: int, convert: Callable[[Row], Row]) -> Iterator[Row]:
    """Convert the first `limit` rows, each when it is asked for; the row after them is only looked at."""
    return (convert(row) if number < limit else row for number, row in enumerate(rows))


def rows_with_body(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of records whose documents are made; those of others have no body."""
    return (row for row in rows if row[0] is not None)


def by_place(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows by their place, the last value of each, counted from 1 without a gap; rows without a body are left out.

    A database that would have to carry bodies through a sorter is not asked for an order, and gives the rows in that of
    its loops, which is this one. A row that came before its turn would wait here.
    """
    early: dict[int, Row] = {}
    place = 1
    for row in rows:
        early[row[-1]] = row
        while place in early:
            found = early.pop(place)
            place += 1
            if found[0] is not None:
                yield found
