"""The folders of the search index. Their names are `DIGEST-EPOCH`: of the index's layout, and the database's epoch.

A process holds a shared lock (`flock(2)`) on a file in the folder that it serves from for as long as it lives. A folder
of another version or another database that no process holds is removed by the next process that has brought its own
index up to date. An index can always be rebuilt from its database, so removing a folder too early only costs time.
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
"""How long a folder of the same database is kept if it has no lock file, as versions without locks made them."""
FOREIGN_SECONDS = 30 * DAY
"""How long a folder of another database is kept: several databases may share the place without being served now."""

_NAME = re.compile(r"[0-9a-f]+-[0-9a-f]+")
_REMOVED = ".removed-"


def claim(folder: Path) -> int | None:
    """Create a folder and lock it. Returns the descriptor that holds the lock until it is closed.

    Returns None where the folder cannot be locked, as on a read-only file system; then it is used without a lock.
    """
    with suppress(OSError):
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = _lock_folder(folder)
            if descriptor is not None:
                return descriptor
    return None


def _lock_folder(folder: Path) -> int | None:
    """The descriptor of a shared lock on a folder, or None where the folder was removed meanwhile."""
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
    """The lock on the folder that a process serves from; it holds one folder at a time."""

    def __init__(self) -> None:
        self._held: int | None = None

    def take(self, folder: Path | None) -> None:
        """Release the folder held before and lock another one; None stands for an index in memory."""
        self.release()
        self._held = claim(folder) if folder else None

    def release(self) -> None:
        """Release the lock."""
        descriptor, self._held = self._held, None
        if descriptor is not None:
            os.close(descriptor)


def _is_there(folder: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat((folder / IN_USE).stat(), os.fstat(descriptor))
    return False


def remove_unused(serving: Path | None) -> list[str]:
    """Remove the folders beside `serving` that no process uses any more, and return their names."""
    if serving is None:
        return []
    removed = [folder.name for folder in _other_folders(serving) if _remove(folder, _keep_seconds(folder, serving))]
    if removed:
        log.info("indexes that nobody uses were removed", folders=removed)
    return removed


def is_disk_full(error: Exception, root: Path | None) -> bool:
    """Whether an index could not be written because the disk is full.

    Tantivy passes errors of the operating system on as text only, and does not pass on those of its own threads.
    Therefore the free space of the disk is checked too.
    """
    if is_full(error) or f"os error {errno.ENOSPC}" in str(error):
        return True
    return root is not None and root.exists() and has_no_room(root)


def _other_folders(serving: Path) -> Iterator[Path]:
    for folder in sorted(serving.parent.iterdir()):
        if folder.name.startswith(_REMOVED):
            shutil.rmtree(folder, ignore_errors=True)
        elif folder != serving and _NAME.fullmatch(folder.name) and folder.is_dir():
            yield folder


def _keep_seconds(folder: Path, serving: Path) -> float:
    """The seconds for which a folder is kept after it was last locked, or after it was last written to."""
    if folder.name.partition("-")[2] != serving.name.partition("-")[2]:
        return FOREIGN_SECONDS
    return 0.0 if (folder / IN_USE).exists() else UNMARKED_SECONDS


def _remove(folder: Path, patience: float) -> bool:
    """Remove a folder that is old enough and that no process holds; returns whether it was removed.

    It is renamed first, so that no process opens a folder that is half deleted.
    """
    try:
        if time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir())) < patience:
            return False
        descriptor = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_there(folder, descriptor):  # it was removed and created again: the lock is on the former file
            return False
        removed = folder.with_name(f"{_REMOVED}{folder.name}-{token_hex(4)}")
        folder.rename(removed)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    shutil.rmtree(removed, ignore_errors=True)
    return True
