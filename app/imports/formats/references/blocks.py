"""Splits a file of references into entries, and decodes the text of each."""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Literal, NamedTuple

from app.imports.candidates import Unreadable

CHUNK = 65_536
LONGEST_ENTRY = 4_000_000
"""The most bytes of an entry, and of the text between two entries."""

_RIS_START, _RIS_END, _MEDLINE_START = re.compile(rb"\s*TY  -"), re.compile(rb"\s*ER  -"), re.compile(rb"PMID- ?")
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Block(NamedTuple):
    """The lines of one entry."""

    line: int
    """The number of the first line."""
    kind: Literal["ris", "medline"]
    lines: list[bytes]
    closed: bool
    """Whether the entry is complete. One that was cut off may end in the middle of an identifier."""


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The content without a byte order mark. UTF-16, which the first bytes show, is converted to UTF-8."""
    first = file.read(CHUNK)
    mark, encoding = next(((mark, name) for mark, name in _MARKS.items() if first.startswith(mark)), (b"", "utf-8"))
    if not mark and first[:4].count(0) == 2:
        encoding = "utf-16-be" if first[0] == 0 else "utf-16-le"
    raw = chain([first[len(mark) :]], iter(lambda: file.read(CHUNK), b""))
    if encoding == "utf-8":
        return raw
    return (text.encode() for text in codecs.iterdecode(raw, encoding))


def _lines(chunks: Iterable[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
    """Yields each line, and whether it ends in a line break."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).splitlines(keepends=True) or [b""]
        if rest.endswith(b"\n"):
            whole, rest = [*whole, rest], b""
        if len(rest) > LONGEST_ENTRY:
            raise Unreadable(f"{name}: a line is longer than {LONGEST_ENTRY:,} bytes")
        yield from ((line.rstrip(), True) for line in whole)
    if rest:
        yield rest.rstrip(), rest.endswith(b"\r")


class _Collector:
    """Collects lines into entries."""

    def __init__(self, name: str) -> None:
        self.name, self.size = name, 0
        self.block: Block | None = None

    def take(self, number: int, line: bytes) -> Iterator[Block]:
        """Adds a line, and yields the entry that it ends, if any."""
        self.size += len(line) + 1
        if self.size > LONGEST_ENTRY:
            raise Unreadable(f"{self.name}: no reference ends within {LONGEST_ENTRY:,} bytes before line {number}")
        if _RIS_START.match(line):
            yield from self._begin(Block(number, "ris", [line.lstrip()], False))
        elif _MEDLINE_START.match(line) and not self._inside("ris"):
            yield from self._begin(Block(number, "medline", [line], False))
        elif self.block:
            self.block.lines.append(line)
            if self.block.kind == "ris" and _RIS_END.match(line):
                yield from self.end(closed=True)

    def _inside(self, kind: str) -> bool:
        return self.block is not None and self.block.kind == kind

    def _begin(self, block: Block) -> Iterator[Block]:
        yield from self.end(closed=self._inside("medline"))
        self.block = block

    def end(self, *, closed: bool) -> Iterator[Block]:
        """Ends the current entry and yields it, if there is one."""
        if self.block:
            yield self.block._replace(closed=closed)
        self.block, self.size = None, 0


def blocks(file: IO[bytes], name: str) -> Iterator[Block]:
    """Yields each entry. Other lines between entries, such as the number of a record, are ignored."""
    collector, ended = _Collector(name), True
    for number, (line, ended) in enumerate(_lines(_chunks(file), name), start=1):  # noqa: B007
        yield from collector.take(number, line)
    yield from collector.end(closed=collector._inside("medline") and ended)


def text_of(block: Block) -> tuple[str, bool]:
    """The text of an entry, and whether it is guessed to be in Windows-1252; raises `UnicodeDecodeError`."""
    raw = b"\n".join(block.lines)
    try:
        return raw.decode(), False
    except UnicodeDecodeError:
        return raw.decode("cp1252"), True
