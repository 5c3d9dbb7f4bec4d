"""Pausing the garbage collector, which looks for objects that refer to each other in circles, during bulk work."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

COLLECT_EVERY = 8
"""Batches after which the collector runs."""


@contextmanager
def collected_between() -> Iterator[Callable[[], None]]:
    """Pause the collector in this block, and give a function to call between batches, which runs it now and then.

    A batch creates hundreds of thousands of objects that are freed by its end without the collector, which would only
    examine them in vain. Objects from before the block are not examined until it ends.
    """
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield partial(_collect, count(1))
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _collect(calls: Iterator[int]) -> None:
    if next(calls) % COLLECT_EVERY == 0:
        gc.collect(1)
