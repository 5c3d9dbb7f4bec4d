"""Binary streams made of pieces, which are unpacked while they are read, in bounded memory."""

import io
import zlib
from collections.abc import Iterator
from gzip import BadGzipFile, GzipFile
from itertools import chain
from typing import IO
from zipfile import BadZipFile

from app.common import zip_safety as zips
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import Meter

GZIP = b"\x1f\x8b"
PIECE = zips.PIECE
ZIP_IN_A_ZIP = "it is a zip in a zip; unpack that one first"

BROKEN = (BadZipFile, zlib.error, EOFError, OSError, OverflowError, RuntimeError, ValueError)
"""The errors that libraries raise for a damaged file; a `BadGzipFile` is an `OSError`."""


class _PieceStream(io.RawIOBase):
    """A stream of pieces. An error in a piece is raised under the stream's name each time it is read again."""

    def __init__(self, name: str, pieces: Iterator[bytes], error: UnreadableInput | None = None) -> None:
        self.name, self._pieces, self._rest, self._error = name, pieces, b"", error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = self._next()
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _next(self) -> bytes:
        try:
            if self._error is None:
                return next(self._pieces, b"")
        except UnreadableInput as error:
            self._error = error
        except BROKEN as error:
            self._error = UnreadableInput(self.name, f"it cannot be read: {error}")
        raise self._error


def stream(name: str, pieces: Iterator[bytes]) -> IO[bytes]:
    """A buffered stream of pieces."""
    return io.BufferedReader(_PieceStream(name, pieces), PIECE)


def failing_stream(error: UnreadableInput) -> IO[bytes]:
    """A stream that raises an error when it is read, for a file that cannot be opened among others that can."""
    return io.BufferedReader(_PieceStream(error.name, iter(()), error))


class _CountingReader(io.RawIOBase):
    """A file that counts how many of its bytes were read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.bytes_read = file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        self.bytes_read += len(piece)
        return len(piece)


def gunzipped(name: str, packed: IO[bytes], meter: Meter) -> Iterator[bytes]:
    """Yields the content of a gzipped file, of all members if it has several."""
    reader, size = _CountingReader(packed), 0
    with GzipFile(fileobj=reader) as file:
        try:
            while piece := file.read(PIECE):
                if size == 0 and is_packed(piece):
                    raise UnreadableInput(name, "what is packed in it is packed again")
                size += len(piece)
                meter.count(name, len(piece))
                meter.require_text(name, size, reader.bytes_read)
                yield piece
        except BadGzipFile as error:
            after = str(error).startswith("Not a gzipped file")
            raise UnreadableInput(name, "something else follows what is gzipped" if after else str(error)) from None


def is_packed(start: bytes) -> bool:
    """Whether bytes begin like a gzipped file or a zip."""
    return start.startswith((GZIP, *zips.MAGIC))


def unpacked(name: str, pieces: Iterator[bytes], meter: Meter) -> Iterator[bytes]:
    """Yields the content of a member of a zip, unpacked once more if it is gzipped."""
    start = next(pieces, b"")
    whole = chain((start,), pieces)
    if start.startswith(GZIP):
        yield from gunzipped(name, stream(name, whole), meter)
    elif start.startswith(zips.MAGIC):
        raise UnreadableInput(name, ZIP_IN_A_ZIP)
    else:
        for piece in whole:
            meter.count(name, len(piece))
            yield piece
