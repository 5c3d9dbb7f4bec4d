"""How much is read of one input, and which files of a folder or a zip a format reads."""

from collections.abc import Mapping
from pathlib import PurePath

from app.common.zip_safety import Bounds
from app.imports.readers.faults import UnreadableInput

MOST_FILES = 100_000
"""In a zip: a list of so many takes 64 MB of memory. A folder may have any number."""
MOST_BYTES = 20_000_000_000
"""Of a zip or of a gzipped file, unpacked, with all that is in it."""

BOUNDS = Bounds(MOST_FILES, MOST_BYTES)

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "ctgov": (".json", ".ndjson", ".jsonl"),
    "pubmed": (".xml",),
    "label": (".xml",),
    "references": (".ris", ".nbib", ".txt"),
    "mesh": (".tsv", ".txt", ".xml"),
}
"""By format; any of them may have `.gz` after it. A file that is named by itself may be called anything."""


def is_hidden(path: PurePath) -> bool:
    """As macOS hides what it puts beside each file of a zip, too: `__MACOSX/._name`."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def is_wanted(path: PurePath, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(suffixes) and not is_hidden(path)


class Meter:
    """Counts what one input unpacks to, whatever it promised."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds, self._total = bounds, 0

    def count(self, name: str, size: int) -> None:
        self._total += size
        if self._total > self.bounds.bytes:
            raise UnreadableInput(name, f"it unpacks to more than {self.bounds.bytes:,} bytes")

    def require_text(self, name: str, unpacked: int, packed: int) -> None:
        """No text is packed so well."""
        if unpacked > max(self.bounds.free, self.bounds.ratio * packed):
            raise UnreadableInput(name, f"it is packed more than {self.bounds.ratio} times")
