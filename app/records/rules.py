"""How a domain rule is written: a pure function from a record to the places where it is broken.

Each type keeps its rules as one table, `RULES`, used alike by the seeds, the importers and the API.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from app.records.base_schemas import RecordIn

Fault = tuple[str, str]
"""`(JSON pointer, what is wrong)`."""

R = TypeVar("R", bound=RecordIn)
Rule = Callable[[R], Iterator[Fault]]


def _tolerance(printed: float) -> float:
    """How far a printed percent may be from events / n: half a point for a whole number, which is rounded, and one
    unit of its last place for a decimal, which some sources cut off instead."""
    if isinstance(printed, int):
        return 0.5001
    decimals = len(repr(printed).partition(".")[2])
    return float(10**-decimals) * 1.0001


def broken(record: R, rules: Iterable[Rule[R]]) -> list[Fault]:
    """Every fault of a record, in the order of the rules."""
    return [fault for rule in rules for fault in rule(record)]


def numbers_agree(pointer: str, events: int | None, percent: float | None, n: int | None) -> Iterator[Fault]:
    """Events are among n, and the percent is events / n within rounding."""
    if events is not None and n is not None and events > n:
        yield f"{pointer}/events", f"{events} events among {n}"
    elif n == 0 and (events or percent):
        yield f"{pointer}/n", "nobody was counted, yet there are events"
    elif events is not None and n and percent is not None and abs(100 * events / n - percent) > _tolerance(percent):
        yield f"{pointer}/percent", f"{events}/{n} is {100 * events / n:.1f} %, not {percent} %"


def in_order(pointer: str, low: float | None, high: float | None, what: str) -> Iterator[Fault]:
    """A range's lower end is not above its upper end."""
    if low is not None and high is not None and low > high:
        yield pointer, f"{what}: {low} is above {high}"


def unique(pointer: str, values: Iterable[object], what: str) -> Iterator[Fault]:
    """No value stands twice in a list."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield f"{pointer}/{index}", f"{what} {value!r} stands here twice"
        seen.add(value)
