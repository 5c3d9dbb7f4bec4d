"""Producing the content of an export and writing it to its file, in steps that each run in a thread."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from app.common.problems import Problem
from app.exports.spool_file import SpoolFile
from app.query.pages import DatabaseState

log = structlog.get_logger("evidence.web")

CHUNK = 65_536
"""Bytes that are gathered before they are written; a chunk ends with a whole piece and may be larger."""


class Export(NamedTuple):
    """The content of an export, and the state of the database that it follows from."""

    state: DatabaseState
    permanent: bool
    """Whether the content is the same at all later states of the database."""
    pieces: Iterator[bytes]


class ExportSource(NamedTuple):
    """A requested export: `make` produces it, in a thread and with a connection of its own.

    `state` is the expected state of the database, and `key` gives the name of the export at a state. The state that the
    production found is in the `Export`.
    """

    state: DatabaseState
    permanent: bool
    key: Callable[[DatabaseState], str]
    make: Callable[[Connection], Export]


class ExportProduction:
    """The steps of making one export; no two of them may run at a time."""

    def __init__(self, connecting: AbstractContextManager[Connection], folder: Path) -> None:
        self._connecting, self._folder = connecting, folder
        self._stack = ExitStack()
        self._pieces: Iterator[bytes] = iter(())
        self._offset = 0

    def begin(self, source: ExportSource) -> tuple[SpoolFile, Export, bytes]:
        """Make the file, open the connection, and return the file and the export with its first chunk.

        The chunk is empty if the export is. Raise a `Problem` if the file cannot be made or the query is wrong.
        """
        file = self._new_file()
        export = source.make(self._stack.enter_context(self._connecting))
        self._pieces = export.pieces
        return file, export, self._next_chunk()

    def _new_file(self) -> SpoolFile:
        try:
            return SpoolFile(self._folder)
        except OSError as error:
            log.warning("exports cannot be spooled", folder=str(self._folder), error=str(error))
            raise Problem("insufficient-storage", "The folder for exports cannot be written.") from error

    def _next_chunk(self) -> bytes:
        chunk = bytearray()
        for piece in self._pieces:
            chunk += piece
            if len(chunk) >= CHUNK:
                return bytes(chunk)
        if not chunk:
            self.close()
        return bytes(chunk)

    def write(self, file: SpoolFile, chunk: bytes) -> bytes:
        """Write a chunk and return the next one; at the end return an empty one and give the connection back.

        Raise `DiskFull` before the next chunk is made, so that the same one can be written again.
        """
        file.write(chunk, self._offset)
        self._offset += len(chunk)
        return self._next_chunk()

    def close(self) -> None:
        """Give the connection back and stop producing."""
        self._pieces = iter(())
        self._stack.close()
