"""Domain rules of dosing."""

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
)
