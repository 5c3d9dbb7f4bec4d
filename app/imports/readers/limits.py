"""The limits of what is read from one input, and which files of a folder or a zip a format reads."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Protocol

from app.common.zip_safety import Bounds
from app.imports.readers.faults import UnreadableInput

MOST_FILES = 100_000
"""The number of files in a zip: a directory of so many takes 64 MB of memory. A folder may have any number."""
MOST_BYTES = 20_000_000_000
"""The size of a zip or a gzipped file after unpacking, with all that is in it."""

BOUNDS = Bounds(MOST_FILES, MOST_BYTES)

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "ctgov": (".json", ".ndjson", ".jsonl"),
    "pubmed": (".xml",),
    "label": (".xml",),
    "references": (".ris", ".nbib", ".txt", ".bib", ".enw", ".json", ".xml"),
    "mesh": (".tsv", ".txt", ".xml"),
}
"""The endings of file names by format, each also with `.gz`. A file that is named explicitly may have any name."""


def is_hidden(path: PurePath) -> bool:
    """Whether a path is hidden. macOS puts hidden files such as `__MACOSX/._name` into each zip."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def is_wanted(path: PurePath, suffixes: tuple[str, ...]) -> bool:
    """Whether a format reads a file of this name."""
    return path.name.lower().removesuffix(".gz").endswith(suffixes) and not is_hidden(path)


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class LimitedReader:
    """A file that raises an error if more than `most` bytes are read before `bytes_since_end` is set to 0 again."""

    def __init__(self, file: Readable, most: int, error: Exception) -> None:
        self._file, self._most, self._error, self.bytes_since_end = file, most, error, 0

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self.bytes_since_end += len(piece)
        if self.bytes_since_end > self._most:
            raise self._error
        return piece


class Meter:
    """Counts the bytes that one input unpacks to, whatever size it declares."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds, self._total = bounds, 0

    def count(self, name: str, size: int) -> None:
        """Adds unpacked bytes; raises `UnreadableInput` beyond the limit."""
        self._total += size
        if self._total > self.bounds.bytes:
            raise UnreadableInput(name, f"it unpacks to more than {self.bounds.bytes:,} bytes")

    def require_text(self, name: str, unpacked: int, packed: int) -> None:
        """Raises `UnreadableInput` if a file is compressed more than any text can be."""
        if unpacked > max(self.bounds.free, self.bounds.ratio * packed):
            raise UnreadableInput(name, f"it is packed more than {self.bounds.ratio} times")
