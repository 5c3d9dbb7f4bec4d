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

Told = Callable[[int, int | None], None]
"""How many pages there are now, and how many records the server says there are in all."""


class _Mark(NamedTuple):
    pages: int
    next: str | None
    total: int | None
    is_last: bool = False


_NOTHING_YET = _Mark(0, None, None)


class Fetched:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def _mark(self) -> _Mark | None:
        with suppress(FileNotFoundError):
            return _Mark(*orjson.loads((self._folder / "mark.json").read_bytes()))
        return None

    def _keep(self, page: Page, number: int) -> _Mark:
        """The page is on the disk before the mark says so."""
        with (self._folder / f"{number:06}").open("wb") as file:
            shutil.copyfileobj(page.file, file)
            file.flush()
            os.fsync(file.fileno())
        return self._put(_Mark(number, page.next, page.total, page.next is None))

    def _put(self, mark: _Mark) -> _Mark:
        beside = self._folder / "mark.new"
        with beside.open("wb") as file:
            file.write(orjson.dumps([*mark]))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._folder / "mark.json")
        return mark

    def complete(self, live: Live, query: str, since: date | None, told: Told) -> None:
        """Asks for what is missing; nothing where all is there."""
        mark = self._mark() or _NOTHING_YET
        told(mark.pages, mark.total)
        if mark.is_last:
            return
        for page in live.pages(query, since, mark.next):
            mark = self._keep(page, mark.pages + 1)
            told(mark.pages, mark.total)
        self._put(mark._replace(is_last=True))

    def inputs(self) -> tuple[Input, ...]:
        pages = range(1, (self._mark() or _NOTHING_YET).pages + 1)
        return tuple(Input(str(self._folder / f"{number:06}"), f"page {number}") for number in pages)
