"""Domain rules: each is a pure function from an `In` record to the faults it finds.

Each type has its rules in one table, `RULES`, which the seeds, the imports and the API use alike.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from app.common.problems import Fault
from app.records.base_schemas import RecordIn

R = TypeVar("R", bound=RecordIn)
Rule = Callable[[R], Iterator[Fault]]


def _tolerance(printed: float) -> float:
    """How many points a printed percent may differ from events / n.

    A whole number may differ by half a point, since it is rounded; a decimal by one unit of its last place, since some
    sources truncate it. Both have a small margin for floating point.
    """
    if isinstance(printed, int):
        return 0.5001
    decimals = len(repr(printed).partition(".")[2])
    return float(10**-decimals) * 1.0001


def broken(record: R, rules: Iterable[Rule[R]]) -> list[Fault]:
    """All faults of a record, in the order of the rules."""
    return [fault for rule in rules for fault in rule(record)]


def numbers_agree(pointer: str, events: int | None, percent: float | None, n: int | None) -> Iterator[Fault]:
    """Check that there are no more events than n, and that the percent is events / n within rounding."""
    if n == 0 and percent and not events:
        yield Fault("nobody was counted, yet there are events", f"{pointer}/n")
    if events is None or n is None:
        return
    if events > n:
        yield Fault(f"{events} events among {n}", f"{pointer}/events")
    elif n and percent is not None and abs(100 * events / n - percent) > _tolerance(percent):
        yield Fault(f"{events}/{n} is {100 * events / n:.1f} %, not {percent} %", f"{pointer}/percent")


def in_order(pointer: str, low: float | None, high: float | None, what: str) -> Iterator[Fault]:
    """Check that a range's lower end is not above its upper end."""
    if low is not None and high is not None and low > high:
        yield Fault(f"{what}: {low} is above {high}", pointer)


def unique(pointer: str, values: Iterable[object], what: str) -> Iterator[Fault]:
    """Check that no value occurs twice in a list."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Fault(f"{what} {value!r} stands here twice", f"{pointer}/{index}")
        seen.add(value)
