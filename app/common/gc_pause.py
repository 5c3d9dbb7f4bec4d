"""When Python looks for garbage that refers to itself."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

SELDOM = 8


@contextmanager
def collected_between() -> Iterator[Callable[[], None]]:
    """For bulk work, which calls the given function between its batches: only then garbage is looked for, now and then.

    What a batch makes by the hundred thousand is gone by its end, and would be looked through in vain. What was there
    before is not looked at until the block ends.
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
    if next(calls) % SELDOM == 0:
        gc.collect(1)
