"""What single studies do to a pooled effect, and whether small studies differ from large ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from app.synthesis.models import Estimator, Fit, Test, Vector, fit

FEWEST_FOR_ASYMMETRY = 10
"""Below ten studies, tests of asymmetry have too little power (Cochrane Handbook 13.3.5.4)."""
MOST_FILL_STEPS = 100


@dataclass(frozen=True, slots=True)
class Regression:
    """Egger's regression: its slope by the standard error, as a t test."""

    intercept: float
    slope: float
    t: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class TrimAndFill:
    """Studies imputed on one side of the funnel (estimator L0), and the model with them."""

    missing: int
    side: str
    yi: Vector
    vi: Vector
    fit: Fit


def leave_one_out(y: Vector, v: Vector, estimator: Estimator, test: Test) -> list[Fit]:
    """The model without each study in turn."""
    keep = ~np.eye(len(y), dtype=bool)
    return [fit(y[kept], v[kept], estimator, test) for kept in keep]


def cumulative(y: Vector, v: Vector, estimator: Estimator, test: Test) -> list[Fit]:
    """The model of the first study, of the first two, and so on, in the order given."""
    return [fit(y[:k], v[:k], estimator if k > 1 else "FE", test) for k in range(1, len(y) + 1)]


def egger(y: Vector, v: Vector) -> Regression:
    """Egger's classic regression test: effects on standard errors, weighted by 1/vi (metafor `regtest(model="lm")`)."""
    se = np.sqrt(v)
    x = np.column_stack([np.ones_like(y), se])
    w = 1 / v
    inverse = np.linalg.inv(x.T @ (x * w[:, None]))
    b = inverse @ (x.T @ (w * y))
    residual = y - x @ b
    df = len(y) - 2
    scale = float(residual @ (w * residual)) / df
    t = float(b[1]) / float(np.sqrt(scale * inverse[1, 1]))
    return Regression(float(b[0]), float(b[1]), t, df, float(2 * special.stdtr(df, -abs(t))))


def _missing(y: Vector, v: Vector, estimator: Estimator) -> tuple[int, NDArray[np.intp]]:
    """The number of studies missing on the left (L0, Duval and Tweedie 2000), and the order of the effects."""
    k, k0, k0_before = len(y), 0, -1
    order = np.argsort(y, kind="stable")
    y, v = y[order], v[order]
    centre = 0.0
    for _ in range(MOST_FILL_STEPS):
        if abs(k0 - k0_before) == 0:
            break
        k0_before = k0
        kept = slice(0, k - k0)
        centre = float(fit(y[kept], v[kept], estimator).b[0])
        deviation = y - centre
        ranks = _ranks(np.abs(deviation)) * np.sign(deviation)
        total = float(ranks[ranks > 0].sum())
        k0 = max(0, round((4 * total - k * (k + 1)) / (2 * k - 1)))
    return k0, order


def _ranks(values: Vector) -> Vector:
    """Ranks from 1; ties by the order in which they stand, as R's `rank(ties.method="first")`."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


def trim_and_fill(y: Vector, v: Vector, estimator: Estimator, test: Test) -> TrimAndFill:
    """Impute studies that would make the funnel symmetric, on the side on which the regression says they are missing.

    The side is the left one unless the effects fall with their standard errors (metafor's `trimfill`).
    """
    slope = float(fit(y, v, estimator, x=np.column_stack([np.ones_like(y), np.sqrt(v)])).b[1])
    side = "right" if slope < 0 else "left"
    sign = -1.0 if side == "right" else 1.0
    k0, order = _missing(sign * y, v, estimator)
    if not k0:
        return TrimAndFill(0, side, y[:0], v[:0], fit(y, v, estimator, test))
    ordered, variances = (sign * y)[order], v[order]
    centre = float(fit(ordered[: len(y) - k0], variances[: len(y) - k0], estimator).b[0])
    filled = sign * (2 * centre - ordered[len(y) - k0 :])
    imputed = variances[len(y) - k0 :]
    whole = fit(np.concatenate([y, filled]), np.concatenate([v, imputed]), estimator, test)
    return TrimAndFill(k0, side, filled, imputed, whole)
