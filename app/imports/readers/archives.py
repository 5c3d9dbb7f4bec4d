"""The files in a zip, one after another and never unpacked to disk. A zip that is not as it should be is rejected as a
whole.
"""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple
from zipfile import ZipFile

from app.common import zip_safety as zips
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import Meter, is_wanted
from app.imports.readers.streams import BROKEN, ZIP_IN_A_ZIP, stream, unpacked

Skip = Callable[[str], None]
"""Takes the name of each file that is passed over."""


class Stream(NamedTuple):
    name: str
    """The name in the report; `archive.zip/folder/file.xml` for a file in an archive."""
    file: IO[bytes]
    """The content. It is open until the next stream is requested."""


def _name_fault(name: str) -> str:
    """What is wrong with the name of a member. No file is written by it, but no publisher makes such a zip."""
    windows = PureWindowsPath(name)
    if name.startswith("/") or "\\" in name or windows.drive or ".." in windows.parts:
        return "its name leads out of the zip"
    return ZIP_IN_A_ZIP if name.lower().endswith(".zip") else ""


def _open_zip(name: str, file: IO[bytes], meter: Meter) -> ZipFile:
    try:
        zips.require_few(file, meter.bounds.files)
        archive = ZipFile(file)
    except BROKEN as error:
        raise UnreadableInput(name, f"this is no zip that can be read: {error}") from None
    for fault in zips.faults(archive.infolist(), meter.bounds, _name_fault):
        member = fault.location.record
        raise UnreadableInput(f"{name}/{member}" if member else name, fault.detail)
    return archive


def members(name: str, file: IO[bytes], suffixes: tuple[str, ...], meter: Meter, skip: Skip) -> Iterator[Stream]:
    """Yields the files that a format reads, in the order of the zip. Each is unpacked while it is read."""
    found = False
    with _open_zip(name, file, meter) as archive:
        for member in archive.infolist():
            inner = f"{name}/{member.filename}"
            if is_wanted(PurePosixPath(member.filename), suffixes) and not member.is_dir():
                found = True
                with stream(inner, unpacked(inner, zips.pieces(archive, member), meter)) as opened:
                    yield Stream(inner, opened)
            elif not member.is_dir():
                skip(inner)
    if not found:
        raise no_matching_file(name, suffixes)


def no_matching_file(name: str, suffixes: tuple[str, ...]) -> UnreadableInput:
    """The error for a zip or a folder without any file that the format reads."""
    return UnreadableInput(name, f"there is no file in it that ends in {' or '.join(suffixes)}")
