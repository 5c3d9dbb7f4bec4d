"""Whether the database has changed: a token that is equal as long as it has not.

SQLite tells by a few bytes of shared memory; PostgreSQL is asked for the revision.
"""

import mmap
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from app.common.problems import Problem
from app.database.engine import existing, sqlite_file
from app.database.reader_pool import Reader
from app.query import pages
from app.settings import Settings


class Signal(Protocol):
    async def token(self) -> Any:
        """Nothing: it cannot be told, so nothing may be taken for unchanged."""

    def close(self) -> None: ...


HEADER_BYTES = 96
"""Of the WAL-index: two copies of a header that every commit changes (sqlite.org/walformat.html, §2.1)."""

LOOK_EVERY = 0.1
"""Seconds after which it is looked whether another file was put in this one's place."""


_MAPPED_INDEXES: dict[tuple[int, int], mmap.mmap] = {}
"""By device and inode, as long as the process lives: closing any descriptor of a file drops all locks that the process
has on it (POSIX), SQLite's on the WAL-index too, and readers would lose their hold on what they read."""


def _map_index(path: str) -> mmap.mmap:
    found = Path(path).stat()
    key = (found.st_dev, found.st_ino)
    if key not in _MAPPED_INDEXES:
        _MAPPED_INDEXES[key] = mmap.mmap(os.open(path, os.O_RDONLY), HEADER_BYTES, prot=mmap.PROT_READ)
    return _MAPPED_INDEXES[key]


class SqliteSignal:
    """The head of the file's shared WAL-index, read where it lies in memory: a commit that is done has changed it.

    Outside of WAL there is none, and SQLite's own counter of other connections' changes is asked instead.
    """

    def __init__(self, url: str) -> None:
        self._file, self._url = sqlite_file(url), existing(url).removeprefix("sqlite:///")
        self._connection: sqlite3.Connection | None = None
        self._index: mmap.mmap | None = None
        self._inode, self._next_check = 0, 0.0

    async def token(self) -> Any:
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + LOOK_EVERY
            self._check_file()
        if self._index is not None:
            return self._inode, self._index[:HEADER_BYTES]  # a file in its place may lie on the same WAL-index
        return self._counter()

    def _counter(self) -> Any:
        if self._connection is None:
            return None
        try:
            return self._inode, self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            self.close()
            return None

    def _check_file(self) -> None:
        try:
            inode = self._file.stat().st_ino if self._file else 0
            if self._file and (self._connection is None or inode != self._inode):
                self._open(self._file, inode)
        except (OSError, ValueError, sqlite3.Error):
            self.close()

    def _open(self, file: Path, inode: int) -> None:
        self.close()
        self._connection = sqlite3.connect(self._url, uri=True, timeout=0, check_same_thread=False)
        mode = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        self._connection.execute(
            "SELECT count(*) FROM sqlite_master"
        ).fetchone()  # as long as it is open, so is the index
        self._inode = inode
        if mode == "wal":
            self._index = _map_index(f"{file}-shm")

    def close(self) -> None:
        self._index = None  # and stays in _MAPPED
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class RevisionSignal:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def token(self) -> Any:
        try:
            return await self._reader.run(pages.now)
        except (SQLAlchemyError, Problem):
            return None

    def close(self) -> None:
        """Its connections are the reader's."""


def signal_of(settings: Settings, reader: Reader) -> Signal:
    url = settings.database_url.get_secret_value()
    return SqliteSignal(url) if reader.engine.dialect.name == "sqlite" else RevisionSignal(reader)
