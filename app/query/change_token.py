"""Change tokens: values that stay equal as long as the database has not changed.

For SQLite, the token is a few bytes of the WAL-index, which is shared memory. For PostgreSQL, it is the database state,
which takes one statement.
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


class ChangeToken(Protocol):
    """A source of change tokens."""

    async def token(self) -> Any:
        """The present token; None where it cannot be read, and then nothing may be taken for unchanged."""

    def close(self) -> None:
        """Release what reading tokens needs."""


HEADER_BYTES = 96
"""The size of the WAL-index header: two copies, which every commit changes (sqlite.org/walformat.html, §2.1)."""

LOOK_EVERY = 0.1
"""The seconds between two checks whether the database file was replaced by another one."""


_MAPPED_INDEXES: dict[tuple[int, int], mmap.mmap] = {}
"""The mapped WAL-indexes by device and inode. They stay mapped for as long as the process lives.

Closing any descriptor of a file drops all locks that the process has on that file (POSIX). That would include the locks
of SQLite on the WAL-index, which protect what its readers are reading.
"""


def _map_index(path: str) -> mmap.mmap:
    found = Path(path).stat()
    key = (found.st_dev, found.st_ino)
    if key not in _MAPPED_INDEXES:
        _MAPPED_INDEXES[key] = mmap.mmap(os.open(path, os.O_RDONLY), HEADER_BYTES, prot=mmap.PROT_READ)
    return _MAPPED_INDEXES[key]


class SqliteSignal:
    """Reads the header of the WAL-index in shared memory, which every finished commit has changed.

    Without WAL there is no such index; then the token is SQLite's counter of changes by other connections
    (`PRAGMA data_version`).
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
            return self._inode, self._index[:HEADER_BYTES]  # the inode, as a replacing file may have an equal header
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
        # A first read creates the WAL-index, and it exists for as long as this connection is open.
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._inode = inode
        if mode == "wal":
            self._index = _map_index(f"{file}-shm")

    def close(self) -> None:
        self._index = None  # it stays mapped, see _MAPPED_INDEXES
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class RevisionSignal:
    """Reads the database state by a statement, as for PostgreSQL."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def token(self) -> Any:
        try:
            return await self._reader.run(pages.now)
        except (SQLAlchemyError, Problem):
            return None

    def close(self) -> None:
        """There is nothing to release: the connections belong to the reader."""


def change_token_of(settings: Settings, reader: Reader) -> ChangeToken:
    """The source of change tokens that fits the database."""
    url = settings.database_url.get_secret_value()
    return SqliteSignal(url) if reader.engine.dialect.name == "sqlite" else RevisionSignal(reader)
