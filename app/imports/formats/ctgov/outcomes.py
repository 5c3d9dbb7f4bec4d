"""Registered outcomes and the measures in the results, in one list.

A measure and a registered outcome of the same role and title are one outcome. If several registered ones have that
title, the one of the same time frame is taken. Registered outcomes without results come last.
"""

from collections.abc import Iterator

from app.imports.candidates import Json
from app.imports.formats.ctgov.analyses import analyses, single_effect
from app.imports.formats.ctgov.arms import Arms
from app.imports.formats.ctgov.cells import kind_of, results, table_of
from app.imports.formats.ctgov.notes import LINE, NAME, Notes, Place, present
from app.imports.formats.ctgov.printed import weeks
from app.imports.formats.ctgov.vocabularies import ROLES, STATISTICS

REGISTERED = {"primaryOutcomes": "primary", "secondaryOutcomes": "secondary", "otherOutcomes": "other"}
MODULE = ("protocolSection", "outcomesModule")
_WHEN = ("timepoint_weeks", "timepoint_label")
MEASURES = ("resultsSection", "outcomeMeasuresModule", "outcomeMeasures")


def outcomes(module: Json, reported: Json, arms: Arms, notes: Notes) -> list[Json]:
    """The outcomes of a study."""
    registered = list(_registered(module, notes))
    found = []
    for index, measure in enumerate(reported.get("outcomeMeasures") or ()):
        outcome = _measured(measure, arms, notes, (*MEASURES, index))
        if outcome:
            found.append(_registered_of(outcome, registered) | outcome)
    return [*found, *registered]


def _registered(module: Json, notes: Notes) -> Iterator[Json]:
    for name, role in REGISTERED.items():
        for index, item in enumerate(module.get(name) or ()):
            place = (*MODULE, name, index)
            measure = notes.line(item.get("measure"), LINE, *place, "measure")
            if measure is None:
                notes.warn("outcome-without-measure", place, "left out")
                continue
            yield {"measure": measure, "role": role, "kind": "descriptive"} | _descriptive_fields(item, notes, place)


def _descriptive_fields(item: Json, notes: Notes, place: Place) -> Json:
    frame = item.get("timeFrame")
    return present(
        description=notes.prose(item.get("description"), *place, "description"),
        timepoint_weeks=weeks(frame),
        timepoint_label=notes.line(frame, NAME, *place, "timeFrame"),
    )


def _registered_of(outcome: Json, registered: list[Json]) -> Json:
    """The fields of the registered outcome; its time frame only if the results state none."""
    twin = _twin(outcome, registered)
    own = _WHEN if "timepoint_label" in outcome else ()
    return {name: value for name, value in twin.items() if name not in own}


def _twin(outcome: Json, registered: list[Json]) -> Json:
    """The registered outcome of a measure, which is removed from the list of those without results."""
    alike = [item for item in registered if _same(item, outcome, "measure", "role")]
    twin = next((item for item in alike if _same(item, outcome, "timepoint_label")), alike[0] if alike else None)
    if twin is None:
        return {}
    registered[:] = [item for item in registered if item is not twin]
    return twin


def _same(one: Json, other: Json, *fields: str) -> bool:
    return all(one.get(field) == other.get(field) for field in fields)


def _measured(measure: Json, arms: Arms, notes: Notes, place: Place) -> Json | None:
    title = notes.line(measure.get("title"), LINE, *place, "title")
    if title is None:
        notes.warn("outcome-without-measure", place, "left out, with all that was measured")
        return None
    table = table_of(measure, arms.of_groups(measure.get("groups"), *place, "groups"), place)
    analysed = analyses(measure.get("analyses") or [], table.arms, notes, place)
    fields = present(
        role=notes.words(measure.get("type"), ROLES, *place, "type"),
        statistic=notes.words(measure.get("paramType"), STATISTICS, *place, "paramType"),
        dispersion_type=notes.line(measure.get("dispersionType"), NAME, *place, "dispersionType"),
        unit=notes.line(measure.get("unitOfMeasure"), NAME, *place, "unitOfMeasure"),
        units_analyzed=notes.line(table.units, NAME, *place, "typeUnitsAnalyzed"),
        analysis_population=notes.line(measure.get("populationDescription"), NAME, *place, "populationDescription"),
        results=results(measure, table, notes),
        analyses=analysed,
    )
    kind = {"measure": title, "kind": kind_of(measure, table)}
    return kind | _descriptive_fields(measure, notes, place) | fields | single_effect(analysed)
