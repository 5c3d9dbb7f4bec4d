"""Whose turn it is: one import at a time in each folder.

The lock is the operating system's and belongs to an open file that the service hands to the worker, so it ends with the
last process that has it open, however that ends. Whoever gets it knows that nothing runs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def take(file: Path) -> int | None:
    """A descriptor that holds the lock until it is closed everywhere; nothing where somebody else has it."""
    found = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(found)
        return None
    except BaseException:
        os.close(found)
        raise
    return found


@contextmanager
def door(file: Path) -> Iterator[None]:
    """Waits for the lock; held only for as long as a few small files are read and written."""
    found = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(found, fcntl.LOCK_EX)
        yield
    finally:
        os.close(found)
