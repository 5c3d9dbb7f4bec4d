"""Folders of the search index: `VERSION-EPOCH`, with the version of the index's fields and the epoch of the database.

A process holds a shared lock (`flock(2)`) on a file in the folder that it serves from for as long as it lives. A folder
that nobody holds, and that another version or another database left behind, is removed by the next process that has
brought its own up to date. An index can always be made again from its database, so that a folder removed too early
costs time and nothing else.
"""

import errno
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import structlog

from app.common.problems import is_full
from app.database.errors import has_no_room

log = structlog.get_logger("evidence.search")

IN_USE = ".in-use"
DAY = 24 * 3600.0
UNMARKED_SECONDS = DAY
"""For how long a folder of the same database is kept that was made before folders were locked."""
FOREIGN_SECONDS = 30 * DAY
"""For how long a folder of another database is kept: several may share the place, and need not all be served now."""

_NAME = re.compile(r"[0-9]+-[0-9a-f]+")
_REMOVED = ".removed-"


def claim(folder: Path) -> int | None:
    """Makes a folder and returns the descriptor that holds it until it is closed; nothing where it cannot be marked."""
    with suppress(OSError):
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = _lock_folder(folder)
            if descriptor is not None:
                return descriptor
    return None


def _lock_folder(folder: Path) -> int | None:
    """The descriptor that holds a folder; nothing where the folder was removed meanwhile."""
    try:
        descriptor = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o644)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.utime(descriptor)
        if _is_there(folder, descriptor):
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


class Hold:
    """The folder that a process serves from, one at a time."""

    def __init__(self) -> None:
        self._held: int | None = None

    def take(self, folder: Path | None) -> None:
        self.release()
        self._held = claim(folder) if folder else None

    def release(self) -> None:
        descriptor, self._held = self._held, None
        if descriptor is not None:
            os.close(descriptor)


def _is_there(folder: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat((folder / IN_USE).stat(), os.fstat(descriptor))
    return False


def remove_unused(serving: Path | None) -> list[str]:
    """Removes the folders beside the one that serves which nobody uses any more, and returns their names."""
    if serving is None:
        return []
    removed = [folder.name for folder in _other_folders(serving) if _remove(folder, _keep_seconds(folder, serving))]
    if removed:
        log.info("indexes that nobody uses were removed", folders=removed)
    return removed


def is_disk_full(error: Exception, root: Path | None) -> bool:
    """Whether an index cannot be written for want of room. Tantivy hands on the operating system's errors as text, and
    those of its threads not at all, so that the disk itself is looked at."""
    said = is_full(error) or f"os error {errno.ENOSPC}" in str(error)
    return said or (root is not None and root.exists() and has_no_room(root))


def _other_folders(serving: Path) -> Iterator[Path]:
    for folder in sorted(serving.parent.iterdir()):
        if folder.name.startswith(_REMOVED):
            shutil.rmtree(folder, ignore_errors=True)
        elif folder != serving and _NAME.fullmatch(folder.name) and folder.is_dir():
            yield folder


def _keep_seconds(folder: Path, serving: Path) -> float:
    """Seconds for which a folder is kept after it was last opened, or written to where that was not noted."""
    if folder.name.partition("-")[2] != serving.name.partition("-")[2]:
        return FOREIGN_SECONDS
    return 0.0 if (folder / IN_USE).exists() else UNMARKED_SECONDS


def _remove(folder: Path, patience: float) -> bool:
    """Renamed first, so that nobody opens half a folder."""
    try:
        if time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir())) < patience:
            return False
        descriptor = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_there(folder, descriptor):  # it was removed and made anew: the lock is on the one before
            return False
        removed = folder.with_name(f"{_REMOVED}{folder.name}-{token_hex(4)}")
        folder.rename(removed)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    shutil.rmtree(removed, ignore_errors=True)
    return True
