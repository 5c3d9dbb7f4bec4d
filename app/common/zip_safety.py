"""What is wrong with a zip before any of it is unpacked, and unpacking no more of it than it promised."""

import stat
from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip begins; the other is an empty one."""

MOST_RATIO = 200
"""Text is packed to a twentieth at best; what is packed more is meant to fill a disk."""
FREE_BYTES = 1_000_000
"""So little may be packed in any ratio."""
LONGEST_NAME = 200
"""Characters of a member's name that are told."""

PIECE = 1 << 20
_LISTED = b"PK\x01\x02"


class Bounds(NamedTuple):
    files: int
    bytes: int
    """Unpacked, all files together."""
    ratio: int = MOST_RATIO
    free: int = FREE_BYTES


class Fault(NamedTuple):
    member: str
    """Or nothing, where the zip as a whole is meant."""
    detail: str


def require_few(file: IO[bytes], most: int) -> None:
    """Raises `BadZipFile` where a zip may list more than `most` files, before all of its list is in memory.

    Each entry of the list begins alike, so there cannot be more of them than times that this occurs.
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
    """All that is odd about a zip, by what it says of itself."""
    if sum(member.file_size for member in members) > bounds.bytes:
        yield Fault("", f"it unpacks to more than {bounds.bytes:,} bytes")
    seen: set[str] = set()
    for member in members:
        name = member.filename
        detail = fault_of_name(name) or _fault_of(member, bounds)
        if detail or name in seen:
            yield Fault(name[:LONGEST_NAME], detail or "there are two files of this name")
        seen.add(name)


def pieces(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    """A member's content, neither more nor less than it promised: the promise is what was checked."""
    left = member.file_size
    with archive.open(member) as packed:
        while piece := packed.read(PIECE):
            left -= len(piece)
            if left < 0:
                break
            yield piece
    if left:
        raise BadZipFile(f"{member.filename[:LONGEST_NAME]} is not as large as it says")
