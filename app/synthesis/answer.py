"""The numbers of an answer, computed with numpy and scipy, which are loaded with the first question."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite, sqrt
from typing import Any, cast

import numpy as np

from app.synthesis import diagnostics, tables
from app.synthesis.effects import Effect, Group, Measure, back_transformed
from app.synthesis.models import NORMAL, Estimator, Fit, NotConverged, Test, Vector, fit, tau_squared_interval
from app.synthesis.question import FEWEST_FOR_KNHA, MOST_FOR_INFLUENCE, CannotPool, Question, Row
from app.synthesis.scales import null_of, scale_of, shown

Used = Sequence[tuple[Row, Effect]]


def of(question: Question, used: Used, excluded: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The whole answer; raises `CannotPool`."""
    y = np.array([effect.yi for _, effect in used])
    v = np.array([effect.vi for _, effect in used])
    estimator, test, notes = _choices(question, len(used))
    try:
        with np.errstate(all="raise"):
            model = fit(y, v, estimator, test)
            if not model.se[0] > 0:
                notes.append("all effects are equal: the interval is Wald's, since Knapp and Hartung's has no width")
                test, model = "z", fit(y, v, estimator, "z")
            answer = _body(question, used, model, estimator, test)
            answer["heterogeneity"] = _heterogeneity(model, y, v)
            answer |= _asked_for(question, y, v, estimator, test, used)
    except (NotConverged, FloatingPointError, np.linalg.LinAlgError) as error:
        raise CannotPool(f"the model could not be fitted: {error}") from None
    if any(effect.corrected for _, effect in used):
        notes.append("1/2 was added to all cells of each study that has an empty one")
    plain: dict[str, Any] = _finite({**answer, "notes": notes, "excluded": list(excluded)})
    return plain


def _choices(question: Question, count: int) -> tuple[Estimator, Test, list[str]]:
    """The estimator and the test that are used, with notes on what they are worth."""
    estimator = cast(Estimator, "FE" if question.model != "random" else question.estimator or "REML")
    usual = "knha" if estimator != "FE" and count >= FEWEST_FOR_KNHA else "z"
    test = cast(Test, question.test or usual)
    notes = []
    if test != "z" and count < FEWEST_FOR_KNHA:
        notes.append("with two studies the interval rests on a t distribution of one degree of freedom")
    return estimator, test, notes


def _body(question: Question, used: Used, model: Fit, estimator: Estimator, test: Test) -> dict[str, Any]:
    pooled, weights = _pooled(question, used, model)
    measure = question.measure
    return {
        "measure": measure,
        "scale": scale_of(measure),
        "null": null_of(measure),
        "model": question.model,
        "estimator": None if estimator == "FE" else estimator,
        "test": test,
        "studies": len(used),
        "rows": [_row(measure, row, effect, weight) for (row, effect), weight in zip(used, weights, strict=True)],
        "pooled": pooled,
        "wald": _interval(measure, model.b[0], _wald_se(used, model), None) if test != "z" else None,
    }


def _row(measure: Measure, row: Row, effect: Effect, weight: float) -> dict[str, Any]:
    half = NORMAL * sqrt(effect.vi)
    limits = {"ci_low": effect.yi - half, "ci_high": effect.yi + half}
    groups = {name: _group(group) for name, group in (("treatment", row.treatment), ("control", row.control)) if group}
    numbers = {"yi": effect.yi, "vi": effect.vi, "weight": float(weight), "corrected": effect.corrected}
    return {"study": row.study, **groups, **numbers, **shown(measure, {"estimate": effect.yi, **limits})}


def _group(group: Group) -> dict[str, float]:
    return {name: value for name, value in asdict(group).items() if value is not None}


def _wald_se(used: Used, model: Fit) -> float:
    return float(1 / np.sqrt((1 / (np.array([effect.vi for _, effect in used]) + model.tau2)).sum()))


def _interval(measure: Measure, yi: float, se: float, quantile: float | None) -> dict[str, Any]:
    half = (NORMAL if quantile is None else quantile) * se
    low, high = float(yi) - half, float(yi) + half
    limits = shown(measure, {"ci_low": low, "ci_high": high})
    return {"se": se, "yi_low": low, "yi_high": high, **limits}


def _pooled(question: Question, used: Used, model: Fit) -> tuple[dict[str, Any], Vector]:
    """The pooled effect with its interval, and the weights of the studies in percent."""
    measure = question.measure
    if question.model in ("mantel-haenszel", "peto"):
        yi, se, weights = _from_tables(question, used)
        values = {"yi": yi, "estimate": back_transformed(measure, yi), "pi_low": None, "pi_high": None}
        return {**values, **_interval(measure, yi, se, None), "df": None}, weights
    yi, se = float(model.b[0]), float(model.se[0])
    low, high = model.prediction() if question.model == "random" else (None, None)
    prediction = shown(measure, {"pi_low": low, "pi_high": high})
    values = {"yi": yi, "estimate": back_transformed(measure, yi), "p": model.p(), "df": model.df}
    return {**values, **_interval(measure, yi, se, model.quantile()), **prediction}, model.weights


def _from_tables(question: Question, used: Used) -> tuple[float, float, Vector]:
    cells = [(*_cells(row.treatment), *_cells(row.control)) for row, _ in used]
    a, b, c, d = np.array(cells, dtype=float).T
    of_studies = tables.Tables(a, b, c, d)
    try:
        if question.model == "peto":
            yi, se = tables.peto(of_studies)
        else:
            yi, se = tables.mantel_haenszel(question.measure, of_studies)
    except tables.NoEvents as reason:
        raise CannotPool(str(reason)) from None
    weights = tables.weights(question.model, question.measure, of_studies)
    return yi, se, 100 * weights / weights.sum()


def _cells(group: Group | None) -> tuple[float, float]:
    assert group is not None  # a row without both groups has no effect and is not used
    assert group.events is not None
    return group.events, group.n - group.events


def _heterogeneity(model: Fit, y: Vector, v: Vector) -> dict[str, Any]:
    low, high = tau_squared_interval(y, v)
    values = {"tau2": model.tau2, "tau2_low": low, "tau2_high": high, "i2": model.i2, "h2": model.h2}
    return values | {"q": model.q, "q_df": model.q_df, "q_p": model.q_p}


def _summary(measure: Measure, model: Fit) -> dict[str, Any]:
    yi = float(model.b[0])
    values = {"yi": yi, "estimate": back_transformed(measure, yi), "tau2": model.tau2, "i2": model.i2}
    return {**values, **_interval(measure, yi, float(model.se[0]), model.quantile())}


def _asked_for(
    question: Question, y: Vector, v: Vector, estimator: Estimator, test: Test, used: Used
) -> dict[str, Any]:
    """The parts that `include` names: influence, asymmetry and the regression on a moderator."""
    found: dict[str, Any] = {}
    studies = [row.study for row, _ in used]
    for name in ("leave-one-out", "cumulative"):
        if name in question.include:
            found[name] = _influence(question.measure, name, y, v, estimator, test, studies)
    if "asymmetry" in question.include:
        found["asymmetry"] = _asymmetry(question.measure, y, v, estimator, test)
    if question.moderator:
        found["regression"] = _regression(question, y, v, estimator, test, used)
    return found


def _influence(
    measure: Measure, name: str, y: Vector, v: Vector, estimator: Estimator, test: Test, studies: Sequence[str]
) -> list[dict[str, Any]]:
    if len(y) > MOST_FOR_INFLUENCE:
        raise CannotPool(f"{name} is made for at most {MOST_FOR_INFLUENCE} studies; there are {len(y)}")
    if name == "cumulative":
        models = diagnostics.cumulative(y, v, estimator, test)
    elif len(y) > 2:
        models = diagnostics.leave_one_out(y, v, estimator, test)
    else:
        return []
    key = "until" if name == "cumulative" else "without"
    return [{key: study, **_summary(measure, model)} for study, model in zip(studies, models, strict=True)]


def _asymmetry(measure: Measure, y: Vector, v: Vector, estimator: Estimator, test: Test) -> dict[str, Any]:
    fewest = diagnostics.FEWEST_FOR_ASYMMETRY
    if len(y) < fewest:
        return {"reason": f"asymmetry is tested from {fewest} studies on; there are {len(y)}"}
    regression = asdict(diagnostics.egger(y, v)) if np.ptp(v) > 0 else None
    filled = diagnostics.trim_and_fill(y, v, estimator, test)
    imputed = [{"yi": float(yi), "vi": float(vi)} for yi, vi in zip(filled.yi, filled.vi, strict=True)]
    trimmed = {"missing": filled.missing, "side": filled.side, "imputed": imputed, **_summary(measure, filled.fit)}
    return {"egger": regression, "trim_and_fill": trimmed}


def _regression(
    question: Question, y: Vector, v: Vector, estimator: Estimator, test: Test, used: Used
) -> dict[str, Any]:
    values = np.array([row.moderator for row, _ in used], dtype=float)
    if np.ptp(values) == 0:
        raise CannotPool(f"the moderator {question.moderator} has the same value in every study")
    if len(y) < FEWEST_FOR_KNHA:
        raise CannotPool(f"a regression needs {FEWEST_FOR_KNHA} studies; there are {len(y)}")
    model = fit(y, v, estimator, test, np.column_stack([np.ones_like(y), values]))
    half = model.quantile() * model.se
    coefficients = [
        {"name": name, "b": float(b), "se": float(se), "b_low": float(b - h), "b_high": float(b + h), "p": model.p(at)}
        for at, (name, b, se, h) in enumerate(
            zip(("intercept", question.moderator), model.b, model.se, half, strict=True)
        )
    ]
    return {"coefficients": coefficients, "tau2": model.tau2, "qe": model.q, "qe_df": model.q_df, "qe_p": model.q_p}


def _finite(value: Any) -> Any:
    """Plain numbers all through; raises `CannotPool` where one is infinite or none at all."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float | np.floating):
        if not isfinite(value):
            raise CannotPool("a number of the answer would be infinite: the studies' numbers are too extreme")
        return float(value)
    return value
