"""Pages: the answer of a publisher's server to a query, page by page, which can be resumed after any page."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import IO, NamedTuple, Protocol, TypeVar

from app.imports.readers.faults import UnreadableInput

MOST_EMPTY = 10
"""The number of empty pages in a row that are followed to a next page."""

T = TypeVar("T")


class Page(NamedTuple):
    """One page of an answer."""

    name: str
    """The page's name in the report."""
    file: IO[bytes]
    """The content, as the reader of the format takes it. It is open until the next page is requested."""
    next: str | None
    """The value of `resume` with which the query goes on after this page; `None` after the last page."""
    total: int | None
    """The number of records that the whole query finds, if the server states it."""


class Live(Protocol):
    """A client of a publisher's server."""

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        """Yields the pages of a query; `since` limits it to records changed on that day or later.

        `resume` is the `next` of an earlier page, after which the query goes on. Raises `UnreadableInput` if the server
        does not answer, or not as it documents; the pages before that are complete, and the query can be resumed after
        the last one. The client runs an event loop of its own.
        """


class Chain:
    """Detects pages that would follow each other for ever."""

    def __init__(self, name: str, page_size: int) -> None:
        self._name, self._page_size = name, page_size
        self._followed: set[str] = set()
        self._records = self._empty = 0

    def follow(self, token: str, records: int, total: int | None) -> None:
        """Counts a page of some records that leads on to the page of a token.

        Raises `UnreadableInput` if that page was followed before, if too many pages in a row were empty, or if there
        are more records than the query found. One page more is tolerated, because records may be added meanwhile.
        """
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
    """The query without surrounding spaces; raises `UnreadableInput` if it is blank, as it would find everything."""
    if not query.strip():
        raise UnreadableInput(name, "a query has words")
    return query.strip()


def with_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Yields each item with whether it is the last one."""
    found = iter(items)
    try:
        item = next(found)
    except StopIteration:
        return
    for following in found:
        yield item, False
        item = following
    yield item, True
