"""Pooling of two-by-two tables without the studies' own variances: Mantel-Haenszel and Peto.

Formulas: Greenland and Robins 1985 (variance of the risk ratio), Robins, Breslow and Greenland 1986 (odds ratio), Sato
1989 (risk difference), Yusuf et al. 1985 (Peto), as in `rma.mh` and `rma.peto` of metafor. No correction is added to
empty cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class NoEvents(ArithmeticError):
    """The tables have no events that a method could pool."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Cells of all studies: events and people without one, in the treated (a, b) and in the control groups (c, d)."""

    a: Vector
    b: Vector
    c: Vector
    d: Vector

    @property
    def n1(self) -> Vector:
        """People in the treated groups."""
        return self.a + self.b

    @property
    def n2(self) -> Vector:
        """People in the control groups."""
        return self.c + self.d

    @property
    def total(self) -> Vector:
        """People in both groups."""
        return self.n1 + self.n2


def _positive(value: float, what: str) -> float:
    if not value > 0:
        raise NoEvents(f"there are no {what} from which a pooled ratio could be made")
    return value


def _risk_ratio(t: Tables) -> tuple[float, float]:
    r = _positive(float((t.a * t.n2 / t.total).sum()), "events in the treated groups")
    s = _positive(float((t.c * t.n1 / t.total).sum()), "events in the control groups")
    variance = float((t.n1 * t.n2 * (t.a + t.c) / t.total**2 - t.a * t.c / t.total).sum()) / (r * s)
    return float(np.log(r / s)), float(np.sqrt(variance))


def _odds_ratio(t: Tables) -> tuple[float, float]:
    p, q = (t.a + t.d) / t.total, (t.b + t.c) / t.total
    r, s = t.a * t.d / t.total, t.b * t.c / t.total
    r_sum, s_sum = _positive(float(r.sum()), "products a*d"), _positive(float(s.sum()), "products b*c")
    variance = 0.5 * (
        float((p * r).sum()) / r_sum**2
        + float((p * s + q * r).sum()) / (r_sum * s_sum)
        + float((q * s).sum()) / s_sum**2
    )
    return float(np.log(r_sum / s_sum)), float(np.sqrt(variance))


def _risk_difference(t: Tables) -> tuple[float, float]:
    size = float((t.n1 * t.n2 / t.total).sum())
    estimate = float((t.a * t.n2 / t.total - t.c * t.n1 / t.total).sum()) / size
    first, second = t.n1 / t.total, t.n2 / t.total
    p = (t.c * first**2 - t.a * second**2 + first * second * (t.n2 - t.n1) / 2).sum()
    q = (t.a * (t.n2 - t.c) / t.total + t.c * (t.n1 - t.a) / t.total).sum() / 2
    variance = (estimate * float(p) + float(q)) / size**2
    return estimate, float(np.sqrt(max(variance, 0.0)))


_MANTEL_HAENSZEL = {"risk-ratio": _risk_ratio, "odds-ratio": _odds_ratio, "risk-difference": _risk_difference}


def mantel_haenszel(measure: str, tables: Tables) -> tuple[float, float]:
    """The pooled effect and its standard error (log scale for ratios); raises `NoEvents`."""
    return _MANTEL_HAENSZEL[measure](tables)


def peto(tables: Tables) -> tuple[float, float]:
    """Peto's pooled log odds ratio and its standard error; raises `NoEvents`."""
    t = tables
    events = t.a + t.c
    expected = events * t.n1 / t.total
    variance = events * (t.total - events) * (t.n1 / t.total) * (t.n2 / t.total) / np.maximum(t.total - 1, 1)
    information = _positive(float(variance.sum()), "events")
    return float((t.a - expected).sum()) / information, float(1 / np.sqrt(information))


def weights(model: str, measure: str, tables: Tables) -> Vector:
    """The weights of the studies by which a method pools, not scaled."""
    t = tables
    if model == "peto":
        events = t.a + t.c
        return events * (t.total - events) * (t.n1 / t.total) * (t.n2 / t.total) / np.maximum(t.total - 1, 1)
    if measure == "risk-ratio":
        return t.c * t.n1 / t.total
    return t.b * t.c / t.total if measure == "odds-ratio" else t.n1 * t.n2 / t.total
