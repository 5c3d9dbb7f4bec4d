"""The cells of an outcome measure's table: the value of a group in a row and a category.

By the registry's data element definitions, a row (`class`) divides a measure, for example by visit, and a category
divides a row, for example by grade. A row may have its own denominators, and the analysed units need not be people.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.imports.candidates import Json
from app.imports.formats.ctgov.notes import LINE, NAME, Notes, Place, present
from app.imports.formats.ctgov.printed import exact, has_decimal_comma, whole

PEOPLE = frozenset(
    {"participants", "participant", "subjects", "subject", "patients", "patient", "people", "individuals"}
)
_PERCENT_OF = ("percentage of ", "percent of ", "% of ", "percentage (%) of ")
_IS_PERCENT = frozenset(f"{words}{people}" for words in _PERCENT_OF for people in PEOPLE)
_BY_SPREAD = {"standard deviation": "sd", "standard error": "se", "standard error of the mean": "se"}
_BY_STATISTIC = {"MEAN": "mean", "MEDIAN": "median"}
MEASURED = {"events": "binary", "percent": "binary", "mean": "continuous"}
"""The kind of an outcome by the field of its values; with any other field it is `descriptive`."""


class Table(NamedTuple):
    """How a measure's table is read."""

    value: str
    """The field for values."""
    spread: str
    """The field for spreads."""
    units: str | None
    """The units that were analysed, if they are not people."""
    arms: dict[str, str]
    """Keys of arms by the ids of groups."""
    place: Place
    decimal_commas: bool = False
    """Whether some number of the table has a decimal comma. Then `1,500` may be one and a half, and stays printed."""


def table_of(measure: Json, arms: dict[str, str], place: Place) -> Table:
    """Decides how the table of a measure is read."""
    units = measure.get("denomUnitsSelected") or measure.get("typeUnitsAnalyzed")
    others = units if units and units.casefold() not in PEOPLE else None
    spread = _BY_SPREAD.get((measure.get("dispersionType") or "").casefold(), "spread")
    decimal_commas = any(map(has_decimal_comma, _numbers_of(measure)))
    return Table(_value_field(measure, others is None), spread, others, arms, place, decimal_commas)


def _numbers_of(measure: Json) -> Iterator[str | None]:
    """All numbers of a measure's table as they are printed."""
    for row in measure.get("classes") or ():
        for category in row.get("categories") or ():
            for measurement in category.get("measurements") or ():
                yield from (measurement.get(name) for name in ("value", "spread", "lowerLimit", "upperLimit"))


def _value_field(measure: Json, of_people: bool) -> str:
    """The field for values. Counts and percentages count as such only if participants were analysed."""
    statistic, unit = measure.get("paramType") or "", (measure.get("unitOfMeasure") or "").strip().casefold()
    if of_people and (statistic == "COUNT_OF_PARTICIPANTS" or (statistic == "NUMBER" and unit in PEOPLE)):
        return "events"
    if of_people and statistic == "NUMBER" and unit in _IS_PERCENT:
        return "percent"
    return _BY_STATISTIC.get(statistic, "value")


def kind_of(measure: Json, table: Table) -> str:
    """The kind of an outcome. A binary measure with several categories in a row is descriptive."""
    kind = MEASURED.get(table.value, "descriptive")
    divided = any(len(row.get("categories") or ()) > 1 for row in measure.get("classes") or ())
    return "descriptive" if divided and kind == "binary" else kind


class Cell(NamedTuple):
    """One cell of a table."""

    row: str | None
    category: str | None
    denominators: dict[str, Json]
    """Denominators by the id of the group."""
    measurement: Json
    """The measurement as the registry states it."""
    place: Place


def results(measure: Json, table: Table, notes: Notes) -> list[Json]:
    """The results in a measure's table."""
    found = (_result(cell, table, notes) for cell in _cells(measure, table, notes))
    return [result for result in found if result]


def _cells(measure: Json, table: Table, notes: Notes) -> Iterator[Cell]:
    overall = _denominators(measure, table)
    for index, row in enumerate(measure.get("classes") or ()):
        at = (*table.place, "classes", index)
        title = notes.line(row.get("title"), NAME, *at, "title")
        denominators = _denominators(row, table) or overall
        for number, category in enumerate(row.get("categories") or ()):
            within = (*at, "categories", number)
            name = notes.line(category.get("title"), NAME, *within, "title")
            for last, measurement in enumerate(category.get("measurements") or ()):
                yield Cell(title, name, denominators, measurement, (*within, "measurements", last))


def _denominators(owner: Json, table: Table) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for denominator in owner.get("denoms") or ():
        field = _denominator_field((denominator.get("units") or "").casefold(), table)
        if field is None:
            continue
        for count in denominator.get("counts") or ():
            number = whole(count.get("value"))
            if number is not None:
                found.setdefault(count.get("groupId") or "", {})[field] = number
    return found


def _denominator_field(units: str, table: Table) -> str | None:
    """The field for a denominator of these units: people, or the other units that the table analysed."""
    if units in PEOPLE:
        return "n"
    return "units_n" if table.units and units == table.units.casefold() else None


def _result(cell: Cell, table: Table, notes: Notes) -> Json | None:
    group = cell.measurement.get("groupId") or ""
    if group not in table.arms:
        notes.warn("value-without-group", cell.place, repr(cell.measurement.get("value"))[:80])
        return None
    common = present(row_title=cell.row, category_title=cell.category, **cell.denominators.get(group, {}))
    numbers = _numbers(cell, common, table, notes)
    if not numbers:
        if "value" in cell.measurement or "comment" in cell.measurement:
            notes.warn("value-left-out", cell.place, "there is no value in it")
        return None
    note = present(note=notes.line(cell.measurement.get("comment"), LINE, *cell.place, "comment"))
    return {"arm": table.arms[group]} | common | numbers | note


def _numbers(cell: Cell, common: Json, table: Table, notes: Notes) -> Json:
    fields = {table.value: "value", table.spread: "spread", "lower": "lowerLimit", "upper": "upperLimit"}
    found = {field: _exact(cell.measurement.get(name), table) for field, name in fields.items()}
    _drop_impossible(found, common, table)
    lost = [name for field, name in fields.items() if found[field] is None and _is_printed(cell.measurement.get(name))]
    for name in lost:
        notes.warn("number-left-out", (*cell.place, name), cell.measurement[name][:80])
    printed = notes.line(cell.measurement.get("value"), NAME, *cell.place, "value") if "value" in lost else None
    numbers = present(**found, printed=printed)
    if table.value not in numbers and printed is None and table.value in MEASURED:
        return {}
    return numbers


def _exact(text: str | None, table: Table) -> int | float | None:
    """The number that a text states beyond doubt."""
    return None if table.decimal_commas and text and "," in text else exact(text)


def _is_printed(number: str | None) -> bool:
    return bool(number and number.strip())


def _drop_impossible(found: Json, common: Json, table: Table) -> None:
    """Drops numbers that are impossible for their field; such a value is then stored only as it is printed."""
    value, n = found[table.value], common.get("n")
    if value is not None and not _can_be(table.value, value, n):
        found[table.value] = None
    if table.spread != "spread" and (found[table.spread] or 0) < 0:
        found[table.spread] = None
    if found["lower"] is not None and found["upper"] is not None and found["lower"] > found["upper"]:
        found["lower"] = found["upper"] = None


def _can_be(field: str, value: float, n: int | None) -> bool:
    if field == "events":
        return isinstance(value, int) and 0 <= value <= (10**9 if n is None else n)
    return field != "percent" or (0 <= value <= 100 and not (n == 0 and value))
