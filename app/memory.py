"""When Python looks for garbage that refers to itself."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (200_000, 20, 100)


@contextmanager
def rare_collections() -> Iterator[None]:
    """For bulk work: what it makes by the hundred thousand lives for one batch, and is looked through in vain.

    What was there before is looked at no more at all, until the block ends.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
