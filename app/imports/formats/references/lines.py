"""Decodes a file of references, and divides it into numbered lines.

UTF-8, with or without a byte order mark, and UTF-16 are recognised; a line that is not UTF-8 is read as Windows-1252,
with a warning. Another encoding must be named. Bytes that an encoding does not know refuse the record that they are in:
no letter is ever replaced.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, NamedTuple

from app.common.text import INVISIBLE
from app.imports.candidates import Unreadable

CHUNK = 65_536
LONGEST_ENTRY = 4_000_000
"""The most bytes of an entry, and of the text between two entries."""

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_NOTHING = re.compile(f"[{INVISIBLE}\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_JOINED = re.compile(
    r"TY {1,2}- ?(?:JOUR|EJOUR|JFULL|GEN|BOOK|CHAP|CONF|CPAPER|ELEC|RPRT|THES|MGZN|NEWS|UNPB|ABST)$|"
    r"PMID- ?[0-9]{1,8}$|%0 (?:Journal Article|Generic|Book|Web Page)$|(?<=\})\s*@[A-Za-z]+\s*[{(](?=.+)"
)
"""The first line of a reference behind the last one of another: files were joined without a line break."""


class Line(NamedTuple):
    """A line without its line break and without invisible characters."""

    number: int
    text: str
    is_ended: bool = True
    """Whether the line has an end of its own. One that has none may be cut off anywhere."""
    is_guessed: bool = False
    """Whether the line was read as Windows-1252, because it is not UTF-8."""
    is_decoded: bool = True
    """Whether the bytes are valid in the encoding; the text of a line that is not valid is for its tag alone."""
    is_first: bool = True
    """False for the second part of a line that holds the ends of two joined files."""

    @property
    def is_counted(self) -> bool:
        """Whether the line is one of those that must be accounted for."""
        return self.is_first and bool(self.text.strip())


def _is_wide(encoding: str) -> bool:
    """Whether line breaks of an encoding are not single bytes as in ASCII."""
    return "\n".encode(encoding) != b"\n"


def utf8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Converts text to UTF-8; raises `UnicodeDecodeError`."""
    return (text.encode() for text in codecs.iterdecode(chunks, encoding))


def _marked(first: bytes) -> tuple[bytes, str]:
    """The byte order mark of a file, and the encoding that it or every second byte shows."""
    for mark, name in _MARKS.items():
        if first.startswith(mark):
            return mark, name
    if first[:4].count(0) == 2:
        return b"", "utf-16-be" if first[0] == 0 else "utf-16-le"
    return b"", ""


def contents(file: IO[bytes], encoding: str) -> tuple[Iterator[bytes], str]:
    """The content of a file without a byte order mark, and the encoding that is left to be decoded line by line.

    Text in UTF-16, which the first bytes show, and in other wide encodings is converted to UTF-8 at once. The encoding
    is empty if nothing names one.
    """
    first = file.read(CHUNK)
    mark, marked = _marked(first)
    if not mark and encoding:
        marked = ""
    raw = chain([first[len(mark) :]], iter(lambda: file.read(CHUNK), b""))
    used = marked or encoding
    if used and _is_wide(used):
        return utf8(raw, used), "utf-8"
    return raw, "" if marked == "utf-8" and not encoding else used


def _whole_lines(chunks: Iterable[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
    """Yields each line, and whether it ends in a line break."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).splitlines(keepends=True) or [b""]
        if rest.endswith(b"\n"):
            whole, rest = [*whole, rest], b""
        if len(rest) > LONGEST_ENTRY:
            raise Unreadable(f"{name}: a line is longer than {LONGEST_ENTRY:,} bytes")
        yield from ((line, True) for line in whole)
    if rest:
        yield rest, rest.endswith(b"\r")


def _decoded(raw: bytes, encoding: str) -> tuple[str, bool, bool]:
    """The text of a line, whether its encoding was guessed, and whether all bytes are valid in it."""
    for guess in (encoding,) if encoding else ("utf-8", "cp1252"):
        try:
            return raw.decode(guess), guess == "cp1252" and not encoding, True
        except UnicodeError:
            continue
    return raw.decode("latin-1"), False, False


def _apart(line: Line) -> Iterator[Line]:
    """Yields the two parts of a line in which a reference begins behind the end of another, or the line itself."""
    found = _JOINED.search(line.text, 1)
    if found is None or not line.text[: found.start()].strip():
        yield line
        return
    yield line._replace(text=line.text[: found.start()].rstrip(), is_ended=False)
    yield from _apart(line._replace(text=line.text[found.start() :].strip(), is_first=False))


def lines(chunks: Iterable[bytes], encoding: str, name: str) -> Iterator[Line]:
    """Yields the lines of a file; raises `Unreadable` if one is too long."""
    for number, (raw, is_ended) in enumerate(_whole_lines(chunks, name), start=1):
        text, is_guessed, is_decoded = _decoded(raw.rstrip(b"\r\n"), encoding)
        yield from _apart(Line(number, _NOTHING.sub("", text).rstrip(), is_ended, is_guessed, is_decoded))
