"""Zip files of a YAML directory, unpacked where nothing they say can do harm."""

import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.loading.service import Faulty, Located

MOST_FILES = 1000
MOST_BYTES = 200_000_000
MOST_RATIO = 200
"""Text is packed to a twentieth at best; what is packed more is meant to fill a disk."""
FREE_BYTES = 1_000_000
"""So little may be packed in any ratio."""

PIECE = 1 << 20


def _fault_of(member: ZipInfo) -> str:
    name = member.filename
    if member.is_dir() or Path(name).name != name or "\\" in name or name in ("", "..", "."):
        return "a zip has plain files and no folders"
    if member.flag_bits & 1:
        return "it is encrypted"
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "only stored and deflated files are read"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "it is no plain file"
    if member.file_size > max(FREE_BYTES, MOST_RATIO * member.compress_size):
        return f"it is packed more than {MOST_RATIO} times"
    return ""


def _faults(name: str, members: list[ZipInfo]) -> Iterator[Located]:
    if len(members) > MOST_FILES:
        yield Located(Path(name), 1, "", "", f"it has {len(members)} files; at most {MOST_FILES} are read")
        return
    if sum(member.file_size for member in members) > MOST_BYTES:
        yield Located(Path(name), 1, "", "", f"it unpacks to more than {MOST_BYTES:,} bytes")
    seen: set[str] = set()
    for member in members:
        detail = _fault_of(member)
        if detail or member.filename in seen:
            yield Located(Path(name), 1, member.filename[:200], "", detail or "there are two files of this name")
        seen.add(member.filename)


def _unpack(archive: ZipFile, member: ZipInfo, folder: Path) -> None:
    """No more than it promised: the promise is what was checked."""
    left = member.file_size
    with archive.open(member) as packed, (folder / member.filename).open("xb") as file:
        while piece := packed.read(PIECE):
            left -= len(piece)
            if left < 0:
                raise BadZipFile(f"{member.filename[:200]} is larger than it says")
            file.write(piece)


@contextmanager
def unpacked(name: str, file: IO[bytes]) -> Iterator[Path]:
    """A folder of the archive's name with its files; raises `Faulty` where there is anything odd about it."""
    with TemporaryDirectory(prefix="evidence-") as parent:
        folder = Path(parent)
        try:
            with ZipFile(file) as archive:
                faults = list(_faults(name, archive.infolist()))
                if faults:
                    raise Faulty(faults)
                for member in archive.infolist():
                    _unpack(archive, member, folder)
        except (BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, UnicodeError) as error:
            raise Faulty([Located(Path(name), 1, "", "", f"this is no zip that can be read: {error}")]) from None
        yield folder
