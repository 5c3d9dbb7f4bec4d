"""The pages that a query to a publisher has returned so far, in a folder, so that a later attempt can resume."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import orjson

from app.imports.clients.pages import Live, Page
from app.imports.reader_process import Input

PageProgress = Callable[[int, int | None], None]
"""Takes the number of pages so far, and the number of records that the server reports in all, if it does."""


class _State(NamedTuple):
    """How far a query has come: the number of stored pages, and the token of the next one."""

    pages: int
    next: str | None
    total: int | None
    is_last: bool = False


_EMPTY = _State(0, None, None)


class PageCache:
    """A folder with the pages of one query, and the state of the query in `mark.json`.

    The folder is created if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def _state(self) -> _State | None:
        with suppress(FileNotFoundError):
            return _State(*orjson.loads((self._folder / "mark.json").read_bytes()))
        return None

    def _store_page(self, page: Page, number: int) -> _State:
        """Stores a page. It is synced to disk before the state that counts it is."""
        with (self._folder / f"{number:06}").open("wb") as file:
            shutil.copyfileobj(page.file, file)
            file.flush()
            os.fsync(file.fileno())
        return self._store_state(_State(number, page.next, page.total, page.next is None))

    def _store_state(self, state: _State) -> _State:
        """Replaces the state file atomically."""
        temporary = self._folder / "mark.new"
        with temporary.open("wb") as file:
            file.write(orjson.dumps([*state]))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / "mark.json")
        return state

    def complete(self, live: Live, query: str, since: date | None, report: PageProgress) -> None:
        """Fetches the pages that are missing, and reports progress after each. It does nothing if all are there."""
        state = self._state() or _EMPTY
        report(state.pages, state.total)
        if state.is_last:
            return
        for page in live.pages(query, since, state.next):
            state = self._store_page(page, state.pages + 1)
            report(state.pages, state.total)
        self._store_state(state._replace(is_last=True))

    def inputs(self) -> tuple[Input, ...]:
        """The stored pages as inputs of an import."""
        pages = range(1, (self._state() or _EMPTY).pages + 1)
        return tuple(Input(str(self._folder / f"{number:06}"), f"page {number}", is_followed=True) for number in pages)
