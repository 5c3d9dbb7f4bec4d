"""Domain rules of mechanisms."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.mechanisms.schemas import MechanismIn
from app.records.rules import Rule


def _has_summary_or_effect(mechanism: MechanismIn) -> Iterator[Fault]:
    if not (mechanism.summary or mechanism.effect):
        yield Fault("a mechanism says how it works (summary) or what follows (effect)", "/summary")


RULES: tuple[Rule[MechanismIn], ...] = (_has_summary_or_effect,)
