"""Zip safety: checking a zip before it is unpacked, and unpacking no more of it than it declares."""

import stat
from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.common.problems import Fault, Location

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of a zip, and those of an empty one."""

MOST_RATIO = 200
"""The most by which a file may be compressed. Text shrinks twentyfold; a far higher ratio is meant to fill a disk."""
FREE_BYTES = 1_000_000
"""Bytes. A file that unpacks to no more may be compressed by any ratio."""
LONGEST_NAME = 200
"""Characters of a file's name that a fault shows."""

PIECE = 1 << 20
"""Bytes that are read at a time."""

_LISTED = b"PK\x01\x02"


class Bounds(NamedTuple):
    """What a zip may hold at most."""

    files: int
    bytes: int
    """Unpacked bytes of all files together."""
    ratio: int = MOST_RATIO
    free: int = FREE_BYTES


def require_few(file: IO[bytes], most: int) -> None:
    """Raise `BadZipFile` if a zip may have more than `most` files, without reading its whole directory into memory.

    Each entry of the directory begins with the same signature, so there cannot be more entries than occurrences of it.
    """
    file.seek(0)
    found, rest = 0, b""
    while piece := file.read(PIECE):
        rest += piece
        found += rest.count(_LISTED)
        rest = rest[-(len(_LISTED) - 1) :]
        if found > most:
            raise BadZipFile(f"it has more than {most:,} files")
    file.seek(0)


def _fault_of(member: ZipInfo, bounds: Bounds) -> str:
    if not member.filename:
        return "it has no name"
    if member.flag_bits & 1:
        return "it is encrypted"
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "only stored and deflated files are read"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        return "it is no plain file"
    if member.file_size > max(bounds.free, bounds.ratio * member.compress_size):
        return f"it is packed more than {bounds.ratio} times"
    return ""


def faults(members: Sequence[ZipInfo], bounds: Bounds, fault_of_name: Callable[[str], str]) -> Iterator[Fault]:
    """The faults that a zip's directory shows, each with the file's name as `record`, which is empty for the whole zip.

    `fault_of_name` returns what is wrong with a name, or an empty text.
    """
    if sum(member.file_size for member in members) > bounds.bytes:
        yield Fault(f"it unpacks to more than {bounds.bytes:,} bytes")
    seen: set[str] = set()
    for member in members:
        name = member.filename
        detail = fault_of_name(name) or _fault_of(member, bounds)
        if detail or name in seen:
            where = Location(record=name[:LONGEST_NAME])
            yield Fault(detail or "there are two files of this name", location=where)
        seen.add(name)


def pieces(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    """Yield a file's content; raises `BadZipFile` if its size is not the one in the directory, which was checked."""
    left = member.file_size
    with archive.open(member) as packed:
        while piece := packed.read(PIECE):
            left -= len(piece)
            if left < 0:
                break
            yield piece
    if left:
        raise BadZipFile(f"{member.filename[:LONGEST_NAME]} is not as large as it says")
