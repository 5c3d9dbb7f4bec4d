"""File locks of a queue folder (`flock`): one import runs at a time, and one process changes the folder at a time.

The operating system ties a lock to an open file. The service passes the open file to the worker, so the lock lasts
until both have closed it, however they end. A process that gets the lock knows that no worker runs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def try_lock(file: Path) -> int | None:
    """Return a descriptor that holds the lock until all its copies are closed, or None if the lock is held already."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Wait for the lock and hold it while the block runs, which must only read and write a few small files."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
