"""Zip files of a YAML directory, unpacked into a temporary folder with limits on names, number and size of files."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from app.common import zip_safety
from app.common.problems import Fault
from app.releases.load import InvalidContent
from app.releases.yaml_source import fault_in_file

MOST_FILES = 1000
MOST_BYTES = 200_000_000


def _fault_of_name(name: str) -> str:
    plain = Path(name).name == name and "\\" not in name and name not in ("", "..", ".")
    return "" if plain else "a zip has plain files and no folders"


def _faults(name: str, members: list[ZipInfo]) -> Iterator[Fault]:
    for fault in zip_safety.faults(members, zip_safety.Bounds(MOST_FILES, MOST_BYTES), _fault_of_name):
        yield replace(fault, location=replace(fault.location, file=name, line=1))


def _unpack(archive: ZipFile, member: ZipInfo, folder: Path) -> None:
    with (folder / member.filename).open("xb") as file:
        for piece in zip_safety.pieces(archive, member):
            file.write(piece)


@contextmanager
def unpacked(name: str, file: IO[bytes]) -> Iterator[Path]:
    """Yield a temporary folder with the files of a zip; raise `InvalidContent` if it is broken or breaks a limit.

    `name` is the archive's name, which faults show.
    """
    with TemporaryDirectory(prefix="evidence-") as parent:
        folder = Path(parent)
        try:
            zip_safety.require_few(file, MOST_FILES)
            with ZipFile(file) as archive:
                faults = list(_faults(name, archive.infolist()))
                if faults:
                    raise InvalidContent(faults)
                for member in archive.infolist():
                    _unpack(archive, member, folder)
        except (BadZipFile, zlib.error, EOFError, RuntimeError, OverflowError, ValueError, UnicodeError) as error:
            raise InvalidContent([fault_in_file(name, 1, f"this is no zip that can be read: {error}")]) from None
        yield folder
