"""The answer to a question of synthesis: rows with effects, the pooled effect, heterogeneity and what was left out.

rows --effects--> yi, vi --model--> pooled, heterogeneity --on request--> leave-one-out, cumulative, asymmetry

Defaults follow Cochrane since January 2025: random effects by REML, intervals by Knapp and Hartung from three studies
on, with the Wald interval beside them. With two studies a t distribution of one degree of freedom says nothing: Wald
intervals are given, and `knha` only where it is asked for, with a note.
"""

from typing import Any

from app.synthesis.effects import BINARY, Effect, Measure, UnusableRow, effect, proportion
from app.synthesis.question import CannotPool, Question, Row


def _given_effect(row: Row) -> Effect:
    if row.yi is None or row.vi is None:
        raise UnusableRow(f"{'yi' if row.yi is None else 'vi'} is missing")
    if row.vi <= 0:
        raise UnusableRow(f"vi is {row.vi:g}; it must be above 0")
    return Effect(row.yi, row.vi)


def _row_effect(measure: Measure, row: Row) -> Effect:
    if measure == "generic":
        return _given_effect(row)
    if row.treatment is None:
        raise UnusableRow("treatment is missing")
    if measure == "proportion":
        return proportion(row.treatment)
    if row.control is None:
        raise UnusableRow("control is missing")
    return effect(measure, row.treatment, row.control)


def _effects(question: Question) -> tuple[list[tuple[Row, Effect]], list[dict[str, str]]]:
    """The effects of the studies, and the studies without one with the reason."""
    used, excluded = [], []
    for row in question.rows:
        try:
            found = _row_effect(question.measure, row)
            if question.moderator and row.moderator is None:
                raise UnusableRow(f"the moderator {question.moderator} is missing")
            used.append((row, found))
        except UnusableRow as reason:
            excluded.append({"study": row.study, "reason": str(reason)})
    return used, excluded


def pool(question: Question) -> dict[str, Any]:
    """Answer a question with plain numbers, names as metafor's; raises `CannotPool` where there is no pooled effect."""
    from app.synthesis import answer  # numpy and scipy are loaded with the first question

    if question.model in ("mantel-haenszel", "peto") and question.measure not in BINARY:
        raise CannotPool(f"{question.model} pools events of two groups, not a {question.measure}")
    if question.model == "peto" and question.measure != "odds-ratio":
        raise CannotPool("Peto's method gives an odds ratio: measure must be odds-ratio")
    used, excluded = _effects(question)
    if len(used) < 2:
        reasons = "; ".join(f"{each['study']}: {each['reason']}" for each in excluded[:5])
        raise CannotPool(f"{len(used)} studies have an effect; two are needed" + (f" ({reasons})" if reasons else ""))
    return answer.of(question, used, excluded)
