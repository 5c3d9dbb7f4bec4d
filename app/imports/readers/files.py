"""Opens the inputs of an import on this machine as streams: a file, a folder, a zip, standard input or an upload.

The first bytes of a file, never its name, show whether it is a zip, gzipped, or neither. A folder is read with all
folders in it, in the order of names, files before folders. Hidden files and files whose names do not end as the format
reads them are passed over and reported. Nothing is unpacked to disk; only a zip that is not seekable is copied to a
temporary file, which has no name and so disappears however the process ends.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from app.common import zip_safety as zips
from app.common.zip_safety import Bounds
from app.imports.readers.archives import Skip, Stream, members, no_matching_file
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import BOUNDS, Meter, is_hidden, is_wanted
from app.imports.readers.streams import GZIP, PIECE, failing_stream, gunzipped, stream


def ignore_skipped(_: str) -> None:
    """Does nothing with the names of files that are passed over."""


def streams(
    path: Path, suffixes: tuple[str, ...], *, bounds: Bounds = BOUNDS, skip: Skip = ignore_skipped
) -> Iterator[Stream]:
    """Yields the streams of a path; `-` is standard input. This, and reading a stream, raises `UnreadableInput`.

    A file in a folder that cannot be opened is a stream that raises the error when it is read, so that the others are
    still read.
    """
    if str(path) == "-":
        yield from streams_of("-", sys.stdin.buffer, suffixes, bounds=bounds, skip=skip)
    elif path.is_dir():
        yield from _folder(path, suffixes, bounds, skip)
    else:
        yield from _file(path, suffixes, bounds, skip)


def streams_of(
    name: str, file: IO[bytes], suffixes: tuple[str, ...], *, bounds: Bounds = BOUNDS, skip: Skip = ignore_skipped
) -> Iterator[Stream]:
    """Yields the streams of an open file, such as an upload."""
    start, whole = _peek(name, file)
    meter = Meter(bounds)
    if start in zips.MAGIC:
        with _seekable(name, whole, bounds.bytes) as archive:
            yield from members(name, archive, suffixes, meter, skip)
    elif start.startswith(GZIP):
        with stream(name, gunzipped(name, whole, meter)) as unzipped:
            yield Stream(name, unzipped)
    else:
        yield Stream(name, whole)


def _peek(name: str, file: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """The first four bytes of a file, and the file from its beginning."""
    try:
        if file.seekable():
            file.seek(0)
            start = file.read(4)
            file.seek(0)
            return start, file
        start = file.read(4)
    except OSError as error:
        raise UnreadableInput(name, f"it cannot be read: {error.strerror}") from None
    return start, stream(name, chain((start,), iter(lambda: file.read(PIECE), b"")))


@contextmanager
def _seekable(name: str, file: IO[bytes], most: int) -> Iterator[IO[bytes]]:
    """A seekable file, because the directory of a zip is at its end; at most `most` bytes are copied."""
    if file.seekable():
        yield file
        return
    with TemporaryFile(prefix="evidence-") as copy:
        while piece := file.read(PIECE):
            copy.write(piece)
            if copy.tell() > most:
                raise UnreadableInput(name, f"it is larger than {most:,} bytes")
        yield copy


def _file(path: Path, suffixes: tuple[str, ...], bounds: Bounds, skip: Skip) -> Iterator[Stream]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableInput(str(path), f"it cannot be read: {error.strerror}") from None
    with file:
        yield from streams_of(str(path), file, suffixes, bounds=bounds, skip=skip)


def _folder(folder: Path, suffixes: tuple[str, ...], bounds: Bounds, skip: Skip) -> Iterator[Stream]:
    found = False
    closed: list[OSError] = []
    for path in _files(folder, skip, closed):
        zipped = path.suffix.lower() == ".zip"
        if not path.is_file() or not (zipped or is_wanted(Path(path.name), suffixes)):
            skip(str(path))
            continue
        found = True
        try:
            yield from _file(path, suffixes, bounds, skip)
        except UnreadableInput as error:
            yield from _failing(error)
    for each in closed:
        yield from _failing(UnreadableInput(str(each.filename), f"it cannot be read: {each.strerror}"))
    if not found and not closed:
        raise no_matching_file(str(folder), suffixes)


def _failing(error: UnreadableInput) -> Iterator[Stream]:
    """Yields the stream of a file or folder that cannot be opened; the error is raised when the stream is read."""
    with failing_stream(error) as failing:
        yield Stream(error.name, failing)


def _files(folder: Path, skip: Skip, closed: list[OSError]) -> Iterator[Path]:
    """Yields all files but hidden ones, and adds the error of each folder that cannot be read to `closed`.

    Links to folders are not followed, because they may lead in a circle.
    """
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        here = Path(parent)
        shown = [name for name in sorted(folders) if not is_hidden(Path(name)) and not (here / name).is_symlink()]
        for name in sorted(set(folders) - set(shown)):
            skip(str(here / name))
        folders[:] = shown
        yield from (here / name for name in sorted(files))
