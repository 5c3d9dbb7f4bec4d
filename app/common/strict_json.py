"""Strict JSON (RFC 8259): parsing that refuses everything that parsers may understand differently."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

Json = dict[str, Any]
"""A JSON object."""

DEEPEST = 64
"""Levels of nested arrays and objects."""


class TooDeep(ValueError):
    """The JSON is nested too deeply."""

    def __init__(self) -> None:
        super().__init__(f"it is nested more than {DEEPEST} deep")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:40]} is beyond what a number can be")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the name {_repeated(pairs)[:80]!r} stands twice in one object")
    return found


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    often = Counter(name for name, _ in pairs)
    return next(name for name, number in often.items() if number > 1)


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= DEEPEST:
        deepest += 1
        level = [inner for item in level for inner in _inside(item)]
    return deepest


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def parse(content: bytes) -> Any:
    """Parse JSON; raises a `ValueError` that says what is wrong.

    Repeated names in an object, NaN, infinite numbers and deep nesting are refused.
    """
    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite
        )
    except RecursionError:
        raise TooDeep from None
    if _depth(value) > DEEPEST:
        raise TooDeep
    return value
