"""Statistical analyses of an outcome: the estimate and its interval as numbers, test and p value as printed."""

import re

from app.imports.candidates import Json
from app.imports.formats.ctgov.notes import NAME, Notes, Place, present
from app.imports.formats.ctgov.printed import exact
from app.imports.formats.ctgov.vocabularies import HYPOTHESES, SIDES
from app.records.studies.parts import P_VALUE

_NUMBERS = {"value": "paramValue", "ci_percent": "ciPctValue", "ci_low": "ciLowerLimit", "ci_high": "ciUpperLimit"}
_SPREADS = {"STANDARD_DEVIATION": "sd", "STANDARD_ERROR_OF_MEAN": "se"}
_COMMENTS = (
    "groupDescription",
    "statisticalComment",
    "pValueComment",
    "ciLowerLimitComment",
    "ciUpperLimitComment",
    "estimateComment",
    "nonInferiorityComment",
    "otherAnalysisDescription",
)
_EFFECTS = {
    "Mean Difference (Final Values)": "mean-difference",
    "Mean Difference (Net)": "mean-difference",
    "Odds Ratio (OR)": "odds-ratio",
    "Hazard Ratio (HR)": "hazard-ratio",
    "Risk Ratio (RR)": "risk-ratio",
    "Risk Difference (RD)": "risk-difference",
}
"""The registry's estimate types that have a counterpart here. Adjusted or logarithmic estimates have none."""
_OF_SAMENESS = {hypothesis for hypothesis in HYPOTHESES.values() if "non-inferiority" in hypothesis} | {"equivalence"}
_P_VALUE = re.compile(P_VALUE)


def analyses(items: list[Json], arms: dict[str, str], notes: Notes, place: Place) -> list[Json]:
    """The statistical analyses of an outcome."""
    return [_analysis(item, arms, notes, (*place, "analyses", index)) for index, item in enumerate(items)]


def _analysis(item: Json, arms: dict[str, str], notes: Notes, place: Place) -> Json:
    comments = [f"{item[name]}" for name in _COMMENTS if item.get(name)]
    return present(
        arms=_compared(item, arms, notes, place),
        method=notes.line(item.get("statisticalMethod"), NAME, *place, "statisticalMethod"),
        estimate_type=notes.line(item.get("paramType"), NAME, *place, "paramType"),
        **_numbers(item, notes, place),
        ci_sides=notes.words(item.get("ciNumSides"), SIDES, *place, "ciNumSides"),
        p_value=notes.line(item.get("pValue"), NAME, *place, "pValue"),
        hypothesis=notes.words(item.get("nonInferiorityType"), HYPOTHESES, *place, "nonInferiorityType"),
        note=notes.prose("\n\n".join(comments), *place),
    )


def _compared(item: Json, arms: dict[str, str], notes: Notes, place: Place) -> list[str]:
    groups = item.get("groupIds") or []
    for group in groups:
        if group not in arms:
            notes.warn("analysis-without-group", (*place, "groupIds"), group[:40])
    return [arms[group] for group in groups if group in arms]


def _numbers(item: Json, notes: Notes, place: Place) -> Json:
    named = dict(_NUMBERS)
    spread = notes.words(item.get("dispersionType"), _SPREADS, *place, "dispersionType")
    if spread:
        named[spread] = "dispersionValue"
    found = {field: exact(item.get(name)) for field, name in named.items()}
    _drop_impossible(found)
    for field, name in named.items():
        if found[field] is None and item.get(name):
            notes.warn("number-left-out", (*place, name), item[name][:80])
    return present(**found)


def _drop_impossible(found: dict[str, int | float | None]) -> None:
    low, high, percent = found["ci_low"], found["ci_high"], found["ci_percent"]
    if low is not None and high is not None and low > high:
        found["ci_low"] = found["ci_high"] = None
    if percent is not None and not 0 <= percent <= 100:
        found["ci_percent"] = None


def single_effect(analysed: list[Json]) -> Json:
    """The effect and the p value of an outcome that has exactly one analysis, of two arms.

    The effect is left out if its type has no counterpart here. Its interval is left out unless it is a two-sided one of
    95 %, and the p value if the hypothesis is one of equivalence or non-inferiority, because a reader would
    misunderstand them. The analysis itself holds them in any case.
    """
    if len(analysed) != 1 or len(analysed[0].get("arms", ())) != 2:
        return {}
    (only,) = analysed
    found = present(p_value=_p_value_of_difference(only))
    kind = _EFFECTS.get(only.get("estimate_type", ""))
    if kind is None or "value" not in only:
        return found
    usual = only.get("ci_percent") == 95 and only.get("ci_sides") != "one-sided"
    limits = {name: only[name] for name in ("ci_low", "ci_high") if name in only and usual}
    return found | {"effect": {"type": kind, "value": only["value"]} | limits}


def _p_value_of_difference(analysis: Json) -> str | None:
    """The p value of an analysis, unless it tests non-inferiority or equivalence, or does not match `P_VALUE`."""
    p_value = analysis.get("p_value", "")
    if analysis.get("hypothesis") in _OF_SAMENESS or len(p_value) > 20:
        return None
    return p_value if _P_VALUE.fullmatch(p_value) else None
