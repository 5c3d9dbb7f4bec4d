"""What a query to somebody's server answers: pages, one after the other, to go on from after any of them."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import IO, NamedTuple, Protocol, TypeVar

from app.imports.readers.faults import UnreadableInput

MOST_EMPTY = 10
"""Pages in a row that hold nothing and yet are followed by one."""

T = TypeVar("T")


class Page(NamedTuple):
    name: str
    """What the report calls it."""
    file: IO[bytes]
    """As the format's reader takes it; open until the next page is asked for."""
    next: str | None
    """What `resume` takes to go on after this page; nothing after the last one."""
    total: int | None
    """Records that the whole query finds, where the server says so."""


class Live(Protocol):
    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        """What the query finds; of that, what was changed on a day or later; of that, what follows an earlier page.

        Raises `UnreadableInput` where the server does not answer, or not as its documentation says. The pages that came
        before are whole, and the query goes on from the last of them. It runs an event loop of its own.
        """


class Chain:
    """Ends a chain of pages that would go on for ever."""

    def __init__(self, name: str, page_size: int) -> None:
        self._name, self._page_size = name, page_size
        self._followed: set[str] = set()
        self._records = self._empty = 0

    def follow(self, token: str, records: int, total: int | None) -> None:
        """After a page of so many records, to the one that it names; more may be added meanwhile, but not many."""
        self._records += records
        self._empty = 0 if records else self._empty + 1
        if token in self._followed:
            raise UnreadableInput(self._name, "its pages lead in a circle")
        if self._empty > MOST_EMPTY:
            raise UnreadableInput(self._name, f"more than {MOST_EMPTY} pages in a row are empty")
        if total is not None and self._records > total + self._page_size:
            raise UnreadableInput(self._name, f"there are more records on its pages than the {total:,} that it found")
        self._followed.add(token)


def require_words(name: str, query: str) -> str:
    """Nothing would ask for all that there is."""
    if not query.strip():
        raise UnreadableInput(name, "a query has words")
    return query.strip()


def with_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Each, and whether none follows."""
    found = iter(items)
    try:
        item = next(found)
    except StopIteration:
        return
    for following in found:
        yield item, False
        item = following
    yield item, True
