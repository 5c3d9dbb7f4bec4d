"""The pages that a query has brought so far, kept in a folder: whoever goes on does not ask for them again."""

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
"""How many pages there are now, and how many records the server says there are in all."""


class _State(NamedTuple):
    pages: int
    next: str | None
    total: int | None
    is_last: bool = False


_EMPTY = _State(0, None, None)


class Fetched:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def _state(self) -> _State | None:
        with suppress(FileNotFoundError):
            return _State(*orjson.loads((self._folder / "mark.json").read_bytes()))
        return None

    def _store_page(self, page: Page, number: int) -> _State:
        """The page is on the disk before the mark says so."""
        with (self._folder / f"{number:06}").open("wb") as file:
            shutil.copyfileobj(page.file, file)
            file.flush()
            os.fsync(file.fileno())
        return self._store_state(_State(number, page.next, page.total, page.next is None))

    def _store_state(self, state: _State) -> _State:
        temporary = self._folder / "mark.new"
        with temporary.open("wb") as file:
            file.write(orjson.dumps([*state]))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / "mark.json")
        return state

    def complete(self, live: Live, query: str, since: date | None, report: PageProgress) -> None:
        """Asks for what is missing; nothing where all is there."""
        state = self._state() or _EMPTY
        report(state.pages, state.total)
        if state.is_last:
            return
        for page in live.pages(query, since, state.next):
            state = self._store_page(page, state.pages + 1)
            report(state.pages, state.total)
        self._store_state(state._replace(is_last=True))

    def inputs(self) -> tuple[Input, ...]:
        pages = range(1, (self._state() or _EMPTY).pages + 1)
        return tuple(Input(str(self._folder / f"{number:06}"), f"page {number}") for number in pages)
