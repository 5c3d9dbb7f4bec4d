"""Splits a file into records. The beginning of the file shows its form.

    {"protocolSection": ...                      a study, on one line or many; or lines of studies (NDJSON)
    [{"protocolSection": ...                     an array
    {"studies": [...], "nextPageToken": ...      a page, its fields in any order before the studies

Arrays and pages are read element by element, so that memory holds one study. Lines and studies have a limit.
"""

import re
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from typing import IO, Any, NamedTuple

import ijson
import orjson

from app.imports.candidates import Rejection, Unreadable
from app.imports.readers.json_events import LONGEST_TEXT, TooLong, events, has_long_text
from app.imports.readers.limits import LimitedReader

LARGEST = 50_000_000
"""The most bytes of one study; the largest known study has a fifth of that."""

HEAD = 65_536
_BEFORE_STUDIES = r'(?:\s*"(?:nextPageToken|totalCount)"\s*:\s*(?:"[^"\\]*"|[0-9]+|null)\s*,)*'
_PAGE = re.compile(rf'\s*\{{{_BEFORE_STUDIES}\s*"studies"\s*:\s*\['.encode())
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00")


class MorePages(NamedTuple):
    """The file is a page that names a next one, which holds more studies of the same query."""


class Record(NamedTuple):
    """One parsed record."""

    place: str
    """Its name until its NCT number is known: `study 3`, `line 12`."""
    value: Any


class _RejoinedStream(RawIOBase):
    """A stream whose beginning was read already. It need not be seekable."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head, self._file = head, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._head[: len(buffer)] or self._file.read(len(buffer))
        self._head = self._head[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


def records(file: IO[bytes]) -> Iterator[Record | Rejection | MorePages]:
    """Yields the records of a file, and after them whether it names a further page.

    Raises `Unreadable` if it is not such a file, or from some point on.
    """
    try:
        head = _read_head(file)
        yield from _records_by_head(head, BufferedReader(_RejoinedStream(head, file), HEAD))
    except OSError as error:
        raise Unreadable(f"it cannot be read: {_message(error)}") from None


def _read_head(file: IO[bytes]) -> bytes:
    """Enough of the file to tell its form. A pipe returns it in pieces."""
    head = b""
    while len(head) < HEAD and (chunk := file.read(HEAD - len(head))):
        head += chunk
    head = head.removeprefix(_BYTE_ORDER_MARK)
    if head.startswith(_OTHER_ENCODINGS):
        raise Unreadable("it is not UTF-8")
    if not head.strip():
        raise Unreadable("there is nothing in it")
    return head


def _records_by_head(head: bytes, stream: BufferedReader) -> Iterator[Record | Rejection | MorePages]:
    if head.lstrip().startswith(b"["):
        return _elements(stream, "item")
    if _PAGE.match(head):
        return _elements(stream, "studies.item")
    if head.lstrip().startswith(b"{"):
        return _lines(stream)
    raise Unreadable("it is no JSON of studies: it begins with neither { nor [")


class _PageEvents:
    """The events of a file, which notes whether a token of a next page is among them."""

    def __init__(self, found: Iterator[tuple[str, Any]]) -> None:
        self._found, self.has_next = found, False

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        named = False
        for event in self._found:
            self.has_next |= named and bool(event[1])
            named = event == ("map_key", "nextPageToken")
            yield event


def _elements(stream: BufferedReader, path: str) -> Iterator[Record | MorePages]:
    number, limited = 0, LimitedReader(stream, LARGEST, Unreadable(f"no study ends within {LARGEST:,} bytes"))
    page = _PageEvents(events(limited, use_float=True))
    try:
        found = ijson.items(ijson.parse(page), path)
        for number, value in enumerate(found, 1):
            limited.bytes_since_end = 0
            yield Record(f"study {number}", value)
        if page.has_next:
            yield MorePages()
    except TooLong as error:
        raise Unreadable(f"after study {number} it cannot be read: {error}") from None
    except (ijson.JSONError, ValueError, OverflowError, RecursionError) as error:
        raise Unreadable(f"after study {number} it is no JSON: {_message(error)}") from None


def _message(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _lines(stream: BufferedReader) -> Iterator[Record | Rejection]:
    """Reads lines of studies if the first line is a complete JSON value, or else one study over many lines."""
    number, first = _line(stream, 0)
    value, fault = _parsed(first)
    if fault is None:
        yield Record(f"line {number}", value)
        yield from _further_lines(stream, number)
        return
    second = _line(stream, number)
    if second[1].lstrip().startswith(b"{") and (first.rstrip().endswith(b"}") or _parsed(second[1])[1] is None):
        yield Rejection(f"line {number}", "", fault)
        yield _of_line(*second)
        yield from _further_lines(stream, second[0])
    else:
        yield _single_study(first + second[1], stream)


def _further_lines(stream: BufferedReader, number: int) -> Iterator[Record | Rejection]:
    while True:
        number, line = _line(stream, number)
        if not line:
            return
        yield _of_line(number, line)


def _of_line(number: int, line: bytes) -> Record | Rejection:
    value, fault = _parsed(line)
    place = f"line {number}"
    return Record(place, value) if fault is None else Rejection(place, "", fault)


def _line(stream: BufferedReader, number: int) -> tuple[int, bytes]:
    """The next line that is not empty, and its number; the line is empty at the end of the file."""
    while line := stream.readline(LARGEST + 1):
        number += 1
        if len(line) > LARGEST:
            raise Unreadable(f"line {number} has more than {LARGEST:,} bytes")
        if line.strip():
            break
    return number, line


def _single_study(begun: bytes, stream: BufferedReader) -> Record:
    text = begun + stream.read(LARGEST + 1 - len(begun))
    if len(text) > LARGEST:
        raise Unreadable(f"one study has more than {LARGEST:,} bytes, or lines are broken from the first one on")
    value, fault = _parsed(text)
    if fault is not None:
        raise Unreadable(fault)
    return Record("study 1", value)


def _parsed(text: bytes) -> tuple[Any, str | None]:
    """The JSON value in a text, or why it cannot be read."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return None, f"it is no JSON: {_message(error)}"
    if len(text) > LONGEST_TEXT and has_long_text(value):
        return None, str(TooLong())
    return value, None
