"""The byte budget of a page: a page ends before the item that would exceed it, and `next` continues from there.

A row is a tuple. Its first value is an item as JSON. The other values are the item's position in its list: sort keys,
or a place counted from 1. `next` is written from the last row's position, whether limit or budget ended the page.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Row = Sequence[Any]


class PageRows(NamedTuple):
    """The rows of a page, and whether the list has more rows after them."""

    rows: Sequence[Row]
    is_more: bool


def cut(rows: Iterable[Row], limit: int, most_bytes: int) -> PageRows:
    """Take rows until there are `limit` of them or the next item would make more than `most_bytes` bytes of JSON.

    The first row is taken however large it is; otherwise a list could never be read past it. `limit` is at least 1. One
    row more than is taken is read, because only that row tells whether the list has more, and no row after it is read.
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
    """Convert the first `limit` rows lazily. Later rows pass unconverted: `cut` only needs to see that there is one."""
    return (convert(row) if number < limit else row for number, row in enumerate(rows))


def rows_with_body(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows that have a body. A record without a document, as before `evidence rebuild`, has NULL for its body."""
    return (row for row in rows if row[0] is not None)


def by_place(rows: Iterable[Row]) -> Iterator[Row]:
    """Sort rows by their last value, which is a place counted from 1 without gaps; rows without a body are left out.

    On SQLite the statement has no ORDER BY, because a sorter would have to carry all bodies. The rows then come in the
    order of its loops, which is this order in practice. A row that comes too early is kept until its place is reached.
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
