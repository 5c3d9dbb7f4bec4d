"""Effects of single studies with their sampling variances, on the scale of analysis.

    measure                           yi                                   vi
    risk-ratio                        log((a/n1) / (c/n2))                 1/a - 1/n1 + 1/c - 1/n2
    odds-ratio                        log((a d) / (b c))                   1/a + 1/b + 1/c + 1/d
    risk-difference                   a/n1 - c/n2                          p1 (1-p1)/n1 + p2 (1-p2)/n2
    mean-difference                   m1 - m2                              sd1^2/n1 + sd2^2/n2
    standardized-mean-difference      Hedges' g (exact correction)         1/n1 + 1/n2 + g^2 / (2 (n1+n2))
    proportion                        log(x / (n-x))                       1/x + 1/(n-x)
    generic                           as given                             as given

a and c are events, b and d people without, in the treated and in the control group. The formulas are those of
metafor's `escalc` (Viechtbauer 2010, J Stat Softw 36(3)). Where a study has an empty cell, 1/2 is added to all of its
cells (`escalc`: `add=1/2, to="only0"`). A study without any event, or in which all had one, in both groups says nothing
about a ratio and is left out of it (Cochrane Handbook 10.4.4.1); it stays in risk differences.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from typing import Literal

Measure = Literal[
    "risk-ratio",
    "odds-ratio",
    "risk-difference",
    "mean-difference",
    "standardized-mean-difference",
    "proportion",
    "generic",
]
RATIOS = ("risk-ratio", "odds-ratio")
BINARY = (*RATIOS, "risk-difference")
CONTINUOUS = ("mean-difference", "standardized-mean-difference")
CORRECTION = 0.5


class UnusableRow(ValueError):
    """A study's numbers give no effect; the message says which number is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Group:
    """What one group of a study reports: events of n, or a mean with its standard deviation of n."""

    n: float
    events: float | None = None
    mean: float | None = None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a study on the scale of analysis; `corrected` where 1/2 was added to its cells."""

    yi: float
    vi: float
    corrected: bool = False


def _cells(group: Group, name: str) -> tuple[float, float]:
    """The events of a group and the people without one."""
    if group.events is None:
        raise UnusableRow(f"{name}: events are missing")
    if group.n <= 0:
        raise UnusableRow(f"{name}: n is {group.n:g}; it must be above 0")
    if not 0 <= group.events <= group.n:
        raise UnusableRow(f"{name}: {group.events:g} events among {group.n:g}")
    return group.events, group.n - group.events


def _four_cells(treatment: Group, control: Group, ratio: bool) -> tuple[float, float, float, float, bool]:
    a, b = _cells(treatment, "treatment")
    c, d = _cells(control, "control")
    if ratio and (a == c == 0 or b == d == 0):
        raise UnusableRow("both groups have no event, or nothing but events: it says nothing about a ratio")
    if 0 in (a, b, c, d):
        return a + CORRECTION, b + CORRECTION, c + CORRECTION, d + CORRECTION, True
    return a, b, c, d, False


def _risk_ratio(treatment: Group, control: Group) -> Effect:
    a, b, c, d, corrected = _four_cells(treatment, control, ratio=True)
    n1, n2 = a + b, c + d
    return Effect(log((a / n1) / (c / n2)), 1 / a - 1 / n1 + 1 / c - 1 / n2, corrected)


def _odds_ratio(treatment: Group, control: Group) -> Effect:
    a, b, c, d, corrected = _four_cells(treatment, control, ratio=True)
    return Effect(log((a * d) / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d, corrected)


def _risk_difference(treatment: Group, control: Group) -> Effect:
    a, b, c, d, corrected = _four_cells(treatment, control, ratio=False)
    p1, p2 = a / (a + b), c / (c + d)
    return Effect(p1 - p2, p1 * (1 - p1) / (a + b) + p2 * (1 - p2) / (c + d), corrected)


def _moments(group: Group, name: str, fewest: int) -> tuple[float, float, float]:
    if group.mean is None or group.sd is None:
        raise UnusableRow(f"{name}: {'the mean' if group.mean is None else 'the standard deviation'} is missing")
    if group.sd <= 0:
        raise UnusableRow(f"{name}: the standard deviation is {group.sd:g}; it must be above 0")
    if group.n < fewest:
        raise UnusableRow(f"{name}: n is {group.n:g}; it must be at least {fewest}")
    return group.mean, group.sd, group.n


def _mean_difference(treatment: Group, control: Group) -> Effect:
    (m1, sd1, n1), (m2, sd2, n2) = _moments(treatment, "treatment", 1), _moments(control, "control", 1)
    return Effect(m1 - m2, sd1**2 / n1 + sd2**2 / n2)


def _hedges_g(treatment: Group, control: Group) -> Effect:
    (m1, sd1, n1), (m2, sd2, n2) = _moments(treatment, "treatment", 2), _moments(control, "control", 2)
    df = n1 + n2 - 2
    pooled = sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    correction = exp(lgamma(df / 2) - log(sqrt(df / 2)) - lgamma((df - 1) / 2))
    g = correction * (m1 - m2) / pooled
    return Effect(g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2)))


_OF_TWO: Mapping[str, Callable[[Group, Group], Effect]] = {
    "risk-ratio": _risk_ratio,
    "odds-ratio": _odds_ratio,
    "risk-difference": _risk_difference,
    "mean-difference": _mean_difference,
    "standardized-mean-difference": _hedges_g,
}


def effect(measure: Measure, treatment: Group, control: Group) -> Effect:
    """The effect of a study that compares two groups; raises `UnusableRow`."""
    return _OF_TWO[measure](treatment, control)


def proportion(group: Group) -> Effect:
    """The logit of the proportion of people with an event in one group; raises `UnusableRow`."""
    x, rest = _cells(group, "group")
    corrected = 0 in (x, rest)
    x, rest = (x + CORRECTION, rest + CORRECTION) if corrected else (x, rest)
    return Effect(log(x / rest), 1 / x + 1 / rest, corrected)


def back_transformed(measure: Measure, value: float) -> float:
    """A value of the scale of analysis on the scale on which people read it: ratios and proportions."""
    if measure in RATIOS:
        return exp(value)
    if measure == "proportion":
        return 1 / (1 + exp(-value))
    return value
