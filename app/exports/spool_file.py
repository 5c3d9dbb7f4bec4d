"""A file on disk without a name, which the operating system removes when the process ends, however it ends."""

import os
import tempfile
from pathlib import Path

from app.common.problems import is_full


class DiskFull(Exception):
    """Raised where the disk, or the quota of this process, has no room for more bytes of a file."""


class SpoolFile:
    """A file that one thread writes while others read the bytes that are written already.

    The file is closed when the last reference to it ends, so no read can meet a descriptor that is closed or belongs to
    another file by then.
    """

    def __init__(self, folder: Path) -> None:
        """Make an empty file in a folder, which is made (mode 0700) if it is missing; raise an `OSError` on failure."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as unnamed:  # mode 0600; O_TMPFILE where there is that
            self._descriptor = os.dup(unnamed.fileno())

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    def write(self, content: bytes, offset: int) -> None:
        """Write all bytes at an offset; raise `DiskFull` if there is no room."""
        rest = memoryview(content)
        try:
            while rest:
                written = os.pwrite(self._descriptor, rest, offset)
                rest, offset = rest[written:], offset + written
        except OSError as error:
            if is_full(error):
                raise DiskFull(str(error)) from error
            raise

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from an offset; fewer at the end of the file."""
        return os.pread(self._descriptor, size, offset)

    def read_at_hand(self, offset: int, size: int) -> bytes | None:
        """Return the same as `read` if the bytes are in the page cache of the operating system, or None.

        Bytes that were written a moment ago are, and then reading them costs less than passing the work to a thread.
        """
        if not hasattr(os, "RWF_NOWAIT"):
            return None
        buffer = bytearray(size)
        try:
            count = os.preadv(self._descriptor, [buffer], offset, os.RWF_NOWAIT)
        except OSError:  # EAGAIN: not in the page cache; EOPNOTSUPP: the file system cannot tell
            return None
        return bytes(memoryview(buffer)[:count]) if count else None

    def empty(self) -> None:
        """Free the disk space of the file, which may still be open."""
        os.ftruncate(self._descriptor, 0)
