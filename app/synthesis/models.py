"""Pooling by inverse variance: fixed effect, and random effects with four estimators of tau squared.

    y = X b + u + e,   u ~ N(0, tau2),   e ~ N(0, vi)

X is a column of ones, with one more for a moderator. The estimators are those of metafor's `rma.uni`: DL (DerSimonian
and Laird), HE (Hedges), PM (Paule and Mandel) and REML. Tests: `z` (Wald), `knha` (Knapp and Hartung: the variance is
scaled by the weighted residual variance, with t quantiles) and `adhoc` (knha that never narrows the interval).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Estimator = Literal["DL", "HE", "PM", "REML", "FE"]
Test = Literal["z", "knha", "adhoc"]
Vector = NDArray[np.float64]
Matrix = NDArray[np.floating[Any]]

TOLERANCE, MOST_STEPS = 1e-10, 1000
LEVEL = 0.05
NORMAL = float(special.ndtri(1 - LEVEL / 2))
"""The factor of a two-sided interval of 95 % where the normal distribution is used."""
LONGEST_SEARCH = 200


class NotConverged(ArithmeticError):
    """An estimator of tau squared did not come to an end."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: coefficients with standard errors, tau squared and heterogeneity.

    `df` are the degrees of freedom of the t distribution, None where the normal one is used.
    """

    b: Vector
    covariance: Matrix
    se: Vector
    df: int | None
    tau2: float
    i2: float
    h2: float
    q: float
    q_df: int
    q_p: float
    weights: Vector
    """In percent of their sum."""

    def quantile(self) -> float:
        """The factor of a two-sided interval of 95 %."""
        if self.df is None:
            return NORMAL
        return float(special.stdtrit(self.df, 1 - LEVEL / 2))

    def p(self, coefficient: int = 0) -> float:
        """The two-sided p of a coefficient."""
        statistic = abs(float(self.b[coefficient] / self.se[coefficient]))
        return float(2 * (special.ndtr(-statistic) if self.df is None else special.stdtr(self.df, -statistic)))

    def prediction(self) -> tuple[float, float]:
        """The 95 % prediction interval of the pooled effect, with the quantile of the confidence interval (metafor)."""
        half = self.quantile() * float(np.sqrt(self.se[0] ** 2 + self.tau2))
        return float(self.b[0]) - half, float(self.b[0]) + half


def _weighted(y: Vector, x: Matrix, w: Vector) -> tuple[Vector, Matrix, float]:
    """Weighted least squares: coefficients, (X'WX)^-1 and the weighted residual sum of squares."""
    inverse = np.linalg.inv(x.T @ (x * w[:, None]))
    b = inverse @ (x.T @ (w * y))
    residual = y - x @ b
    return b, inverse, float(residual @ (w * residual))


def _trace_p(x: Matrix, w: Vector, inverse: Matrix) -> float:
    """The trace of P = W - W X (X'WX)^-1 X' W."""
    return float(w.sum() - np.trace(inverse @ (x.T @ (x * (w**2)[:, None]))))


def _der_simonian_laird(y: Vector, v: Vector, x: Matrix) -> float:
    w = 1 / v
    _, inverse, rss = _weighted(y, x, w)
    return float((rss - (len(y) - x.shape[1])) / _trace_p(x, w, inverse))


def _hedges(y: Vector, v: Vector, x: Matrix) -> float:
    ones = np.ones_like(y)
    _, inverse, rss = _weighted(y, x, ones)
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    return float((rss - v @ (1 - leverage)) / (len(y) - x.shape[1]))


def residual_q(tau2: float, y: Vector, v: Vector, x: Matrix) -> float:
    """The generalized Q statistic at a tau squared."""
    return _weighted(y, x, 1 / (v + tau2))[2]


def root_of_q(target: float, y: Vector, v: Vector, x: Matrix) -> float:
    """The tau squared at which the generalized Q is `target`; 0 where Q is below it everywhere, as Q falls."""
    if residual_q(0.0, y, v, x) <= target:
        return 0.0
    high = max(float(np.var(y)), float(v.max()), 1e-8)
    for _ in range(LONGEST_SEARCH):
        if residual_q(high, y, v, x) < target:
            break
        high *= 2
    else:
        raise NotConverged("the variance between studies has no upper limit")
    low = 0.0
    for _ in range(LONGEST_SEARCH):
        middle = (low + high) / 2
        low, high = (middle, high) if residual_q(middle, y, v, x) > target else (low, middle)
        if high - low <= TOLERANCE * max(1.0, high) * 1e-3:
            break
    return (low + high) / 2


def _paule_mandel(y: Vector, v: Vector, x: Matrix) -> float:
    return root_of_q(len(y) - x.shape[1], y, v, x)


def _restricted_likelihood(tau2: float, y: Vector, v: Vector, x: Matrix) -> float:
    w = 1 / (v + tau2)
    _, inverse, rss = _weighted(y, x, w)
    return float(0.5 * np.log(w).sum() + 0.5 * np.linalg.slogdet(inverse)[1] - 0.5 * rss)


def _score_and_information(tau2: float, y: Vector, v: Vector, x: Matrix) -> tuple[float, float]:
    w = 1 / (v + tau2)
    b, inverse, _ = _weighted(y, x, w)
    residual = y - x @ b
    squares = x.T @ (x * (w**2)[:, None])
    cubes = x.T @ (x * (w**3)[:, None])
    trace = float(w.sum() - np.trace(inverse @ squares))
    product = inverse @ squares
    trace_of_square = float((w**2).sum() - 2 * np.trace(inverse @ cubes) + np.trace(product @ product))
    return float((w * residual) @ (w * residual)) - trace, trace_of_square


def _restricted_maximum(y: Vector, v: Vector, x: Matrix) -> float:
    """REML by Fisher scoring from Hedges' estimate, with halved steps below zero, as metafor does it.

    A maximum at zero is taken where the likelihood there is higher. Raises `NotConverged`.
    """
    tau2 = max(0.0, _hedges(y, v, x))
    for _ in range(MOST_STEPS):
        score, information = _score_and_information(tau2, y, v, x)
        step = score / information
        while tau2 + step < 0 and abs(step) > TOLERANCE:
            step /= 2
        following = max(0.0, tau2 + step)
        if abs(following - tau2) <= TOLERANCE * max(1.0, tau2):
            at_zero = _restricted_likelihood(0.0, y, v, x) > _restricted_likelihood(following, y, v, x)
            return 0.0 if at_zero else following
        tau2 = following
    raise NotConverged("REML did not converge")


_ESTIMATORS = {"DL": _der_simonian_laird, "HE": _hedges, "PM": _paule_mandel, "REML": _restricted_maximum}


def tau_squared(estimator: Estimator, y: Vector, v: Vector, x: Matrix) -> float:
    """The variance between studies, never below 0; 0 for a fixed effect and a single study. Raises `NotConverged`."""
    if estimator == "FE" or len(y) <= x.shape[1]:
        return 0.0
    return max(0.0, float(_ESTIMATORS[estimator](y, v, x)))


def _heterogeneity(estimator: Estimator, tau2: float, q: float, free: int, v: Vector, x: Matrix) -> tuple[float, float]:
    """I squared in percent and H squared: from tau squared under random effects, from Q under a fixed effect."""
    if free == 0:
        return 0.0, 1.0
    if estimator == "FE":
        return (max(0.0, 100 * (q - free) / q) if q > 0 else 0.0), q / free
    w = 1 / v
    inverse: Matrix = np.linalg.inv(x.T @ (x * w[:, None]))
    typical = free / _trace_p(x, w, inverse)
    return 100 * tau2 / (typical + tau2), (typical + tau2) / typical


def fit(
    y: Vector, v: Vector, estimator: Estimator, test: Test = "z", x: Matrix | None = None, tau2: float | None = None
) -> Fit:
    """Fit the model; `x` is the design, by default a column of ones. Raises `NotConverged`."""
    design = np.ones((len(y), 1)) if x is None else x
    free = len(y) - design.shape[1]
    between = tau_squared(estimator, y, v, design) if tau2 is None else tau2
    w = 1 / (v + between)
    b, covariance, rss = _weighted(y, design, w)
    scaled = test != "z" and free > 0
    if scaled:
        scale = rss / free
        covariance = covariance * (max(1.0, scale) if test == "adhoc" else scale)
    q = residual_q(0.0, y, v, design)
    i2, h2 = _heterogeneity(estimator, between, q, free, v, design)
    q_p = float(special.chdtrc(free, q)) if free else 1.0
    se = np.sqrt(np.diag(covariance))
    return Fit(b, covariance, se, free if scaled else None, between, i2, h2, q, free, q_p, 100 * w / w.sum())


def tau_squared_interval(y: Vector, v: Vector, x: Matrix | None = None) -> tuple[float, float]:
    """The 95 % interval of tau squared by the Q-profile method (Viechtbauer 2007)."""
    design: Any = np.ones((len(y), 1)) if x is None else x
    free = len(y) - design.shape[1]
    low = root_of_q(float(special.chdtri(free, LEVEL / 2)), y, v, design)
    high = root_of_q(float(special.chdtri(free, 1 - LEVEL / 2)), y, v, design)
    return low, high
