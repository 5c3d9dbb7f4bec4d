"""The files of a zip, one after the other and never unpacked to disk; a zip that is odd is refused as a whole."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple
from zipfile import ZipFile

from app.common import zip_safety as zips
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import Meter, is_wanted
from app.imports.readers.streams import BROKEN, ZIP_IN_A_ZIP, stream, unpacked

Skip = Callable[[str], None]
"""Is told of each file that was passed over."""


class Stream(NamedTuple):
    name: str
    """What the report calls it; `archive.zip/folder/file.xml` where it is in an archive."""
    file: IO[bytes]
    """Open until the next one is asked for."""


def _name_fault(name: str) -> str:
    """Nothing is ever written by these names; a zip that has such ones was not made by a publisher."""
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
    for member, detail in zips.faults(archive.infolist(), meter.bounds, _name_fault):
        raise UnreadableInput(f"{name}/{member}" if member else name, detail)
    return archive


def members(name: str, file: IO[bytes], suffixes: tuple[str, ...], meter: Meter, skip: Skip) -> Iterator[Stream]:
    """Those that a format wants, in the zip's order; each is unpacked while it is read."""
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
    return UnreadableInput(name, f"there is no file in it that ends in {' or '.join(suffixes)}")
