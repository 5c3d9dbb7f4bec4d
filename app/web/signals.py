"""Whether the database has changed: a token that is equal as long as it has not.

SQLite tells in some microseconds by a counter that it keeps for each connection; PostgreSQL is asked for the revision.
"""

import sqlite3
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from app import reading
from app.db import existing, sqlite_file
from app.errors import Problem
from app.settings import Settings
from app.web.reader import Reader


class Signal(Protocol):
    async def token(self) -> Any:
        """Nothing: it cannot be told, so nothing may be taken for unchanged."""

    def close(self) -> None: ...


class SqliteSignal:
    def __init__(self, url: str) -> None:
        self._file, self._url = sqlite_file(url), existing(url).removeprefix("sqlite:///")
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    async def token(self) -> Any:
        if self._file is None:
            return None
        try:
            inode = self._file.stat().st_ino
            if self._connection is None or inode != self._inode:
                self._open(inode)
            assert self._connection is not None
            return inode, self._connection.execute("PRAGMA data_version").fetchone()[0]
        except (OSError, sqlite3.Error):
            self.close()
            return None

    def _open(self, inode: int) -> None:
        self.close()
        self._connection = sqlite3.connect(self._url, uri=True, timeout=0, check_same_thread=False)
        self._inode = inode

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class AskingSignal:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def token(self) -> Any:
        try:
            return await self._reader.run(reading.now)
        except (SQLAlchemyError, Problem):
            return None

    def close(self) -> None:
        """Its connections are the reader's."""


def signal_of(settings: Settings, reader: Reader) -> Signal:
    url = settings.database_url.get_secret_value()
    return SqliteSignal(url) if reader.engine.dialect.name == "sqlite" else AskingSignal(reader)
