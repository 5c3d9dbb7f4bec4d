"""Opens the content of a release: a directory of YAML, a zip of one, a YAML file or NDJSON."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from app.common import zip_safety
from app.common.problems import Fault
from app.releases.archive import unpacked
from app.releases.content import Content, Directory, Lines
from app.releases.load import InvalidContent
from app.releases.yaml_source import fault_in_file


@contextmanager
def _faults_named_after(archive: Path, folder: Path) -> Iterator[None]:
    """Report faults with file names of the archive in place of those of the temporary folder."""
    try:
        yield
    except InvalidContent as faulty:
        raise InvalidContent([_named_after(archive, folder, fault) for fault in faulty.faults]) from None


def _named_after(archive: Path, folder: Path, fault: Fault) -> Fault:
    file = archive / Path(fault.location.file).relative_to(folder)
    return replace(fault, location=replace(fault.location, file=str(file)))


@contextmanager
def content_of(name: str, file: IO[bytes]) -> Iterator[Content]:
    """Open the content of a seekable file, a zip or NDJSON; `name` is the file name that faults show."""
    file.seek(0)
    if file.read(4) in zip_safety.MAGIC:
        with unpacked(name, file) as folder, _faults_named_after(Path(name), folder):
            yield Directory(folder)
    else:
        yield Lines(name, file)


@contextmanager
def open_content(path: Path) -> Iterator[Content]:
    """Open the content at a path; `-` is standard input. It raises `InvalidContent` if the file cannot be read."""
    if path.is_dir() or path.suffix in (".yaml", ".yml"):
        yield Directory(path)
    elif str(path) == "-":
        with TemporaryFile(prefix="evidence-") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
            with content_of("-", file) as content:
                yield content
    else:
        try:
            found = path.open("rb")
        except OSError as error:
            raise InvalidContent([fault_in_file(path, 1, f"the file cannot be read: {error.strerror}")]) from None
        with found, content_of(str(path), found) as content:
            yield content
