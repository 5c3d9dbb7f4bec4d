"""Domain rules of dosing."""

import re
from collections.abc import Iterator

from app.common.problems import Fault
from app.records.dosing.schemas import DosingIn
from app.records.rules import Rule, in_order

DOSES = ("dose_initial", "dose_min", "dose_max", "dose_min_per_kg", "dose_max_per_kg", "max_dose")


def _has_dose_or_statement(dosing: DosingIn) -> Iterator[Fault]:
    if not (dosing.dose or dosing.statement):
        yield Fault("dosing gives a dose, or a statement where no dose is known", "/dose")


def _doses_have_a_unit(dosing: DosingIn) -> Iterator[Fault]:
    given = [name for name in (*DOSES, "max_cumulative_dose") if getattr(dosing, name) is not None]
    if given and not dosing.unit:
        yield Fault("a dose without its unit can be read wrongly; give unit", f"/{given[0]}")
    if given and dosing.indication is None:
        yield Fault("a dose is for an indication; give indication", f"/{given[0]}")


def _ranges_are_in_order(dosing: DosingIn) -> Iterator[Fault]:
    yield from in_order("/dose_min", dosing.dose_min, dosing.dose_max, "dose")
    yield from in_order("/dose_min_per_kg", dosing.dose_min_per_kg, dosing.dose_max_per_kg, "dose per kg")
    if dosing.dose_per is None:
        yield from in_order("/dose_max", dosing.dose_max, dosing.max_dose, "dose and its limit")


_PRINTED = re.compile(
    r"(?P<doses>[0-9]+(?:[.,][0-9]+)?(?:\s*(?:-|–|to|or|and|,)\s*[0-9]+(?:[.,][0-9]+)?)*)\s*"
    r"(?P<unit>U|units?|IU|mg|mcg|µg|μg|ng|g|mL|ml)\b(?P<per_kg>\s*(?:/|per )kg)?"
)
"""Doses in a text with their unit: `20 U`, `26, 31 or 36 U`, `3 to 6 U/kg`."""
_SAME_UNITS = {"unit": "u", "units": "u", "mcg": "µg", "μg": "µg"}


def _unit(text: str) -> str:
    return _SAME_UNITS.get(text.lower(), text.lower())


def _printed_doses(dosing: DosingIn) -> Iterator[re.Match[str]]:
    """The doses in the text; what stands in parentheses explains them and is not looked at."""
    return _PRINTED.finditer(re.sub(r"\([^()]*\)", "", dosing.dose or ""))


def _text_has_the_unit(dosing: DosingIn) -> Iterator[Fault]:
    units = [found["unit"] for found in _printed_doses(dosing)]
    if dosing.unit and units and _unit(dosing.unit.split("/")[0].strip()) not in map(_unit, units):
        yield Fault(f"the text of the dose says {units[0]!r}, the unit {dosing.unit!r}", "/unit")


def _range_of(dosing: DosingIn, found: re.Match[str]) -> tuple[float | None, float | None]:
    """The lowest and the highest dose that a text may say in this unit."""
    if not dosing.unit or _unit(found["unit"]) != _unit(dosing.unit):
        return None, None
    if found["per_kg"]:
        return dosing.dose_min_per_kg, dosing.dose_max_per_kg
    low = dosing.dose_min if dosing.dose_initial is None else min(dosing.dose_min or 0, dosing.dose_initial)
    return low, dosing.dose_max


def _text_is_within_the_range(dosing: DosingIn) -> Iterator[Fault]:
    for found in _printed_doses(dosing):
        low, high = _range_of(dosing, found)
        for printed in map(float, re.findall(r"[0-9]+(?:\.[0-9]+)?", found["doses"].replace(",", " "))):
            if (low is not None and printed < low) or (high is not None and printed > high):
                yield Fault(f"the text says {printed:g}, which is not from {low} to {high}", "/dose")


def _limits_have_a_basis(dosing: DosingIn) -> Iterator[Fault]:
    for limit in ("max_dose", "max_cumulative_dose"):
        basis = "max_dose_basis" if limit == "max_dose" else "max_cumulative_basis"
        if getattr(dosing, limit) is not None and getattr(dosing, basis) is None:
            yield Fault(f"a limit without what it counts can be read wrongly; give {basis}", f"/{limit}")


RULES: tuple[Rule[DosingIn], ...] = (
    _has_dose_or_statement,
    _doses_have_a_unit,
    _ranges_are_in_order,
    _limits_have_a_basis,
    _text_has_the_unit,
    _text_is_within_the_range,
)
