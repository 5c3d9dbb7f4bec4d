"""A question of synthesis as a value: what is pooled, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.synthesis.effects import Group, Measure

Model = Literal["random", "fixed", "mantel-haenszel", "peto"]
MOST_ROWS = 1000
MOST_FOR_INFLUENCE = 200
FEWEST_FOR_KNHA = 3


class CannotPool(ValueError):
    """There is no pooled effect; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A study as it comes in: two groups, one group, or an effect with its variance."""

    study: str
    treatment: Group | None = None
    control: Group | None = None
    yi: float | None = None
    vi: float | None = None
    moderator: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be pooled and how; `test` and `estimator` are None for the default."""

    measure: Measure
    rows: Sequence[Row]
    model: Model = "random"
    estimator: str | None = None
    test: str | None = None
    moderator: str | None = None
    include: frozenset[str] = field(default_factory=frozenset)
