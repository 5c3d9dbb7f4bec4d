"""Adverse events by group: each row of both tables, deaths from any cause, and the totals above the tables."""

from collections.abc import Iterator

from app.imports.candidates import Json
from app.imports.formats.ctgov.arms import Arms
from app.imports.formats.ctgov.notes import NAME, Notes, Place, present
from app.imports.formats.ctgov.printed import count
from app.imports.formats.ctgov.vocabularies import ASSESSMENTS

MODULE = ("resultsSection", "adverseEventsModule")
TOTALS: dict[str, tuple[str, bool | None]] = {
    "deaths": ("All-Cause Mortality", None),
    "serious": ("Total, serious adverse events", True),
    "other": ("Total, other adverse events", False),
}
"""By the prefix of the fields: the name of the row, and whether its events are serious."""
TOTAL = "Total"


def adverse_events(module: Json, arms: Arms, notes: Notes) -> list[Json]:
    """The adverse events of a study, totals first."""
    groups = module.get("eventGroups") or []
    keys = arms.of_groups(groups, *MODULE, "eventGroups")
    period = present(period=notes.line(module.get("timeFrame"), NAME, *MODULE, "timeFrame"))
    found = [row | period for row in _totals(groups, keys, notes)]
    for name, serious in (("seriousEvents", True), ("otherEvents", False)):
        for index, event in enumerate(module.get(name) or ()):
            found += _rows(event, keys, period | {"serious": serious}, notes, (*MODULE, name, index))
    return found


def _totals(groups: list[Json], keys: dict[str, str], notes: Notes) -> Iterator[Json]:
    for index, group in enumerate(groups):
        place = (*MODULE, "eventGroups", index)
        for kind, (event, serious) in TOTALS.items():
            counted = _counted(group, f"{kind}NumAffected", f"{kind}NumAtRisk", notes, place)
            arm = keys.get(group.get("id") or "")
            if counted and arm:
                yield {"event": event, "arm": arm, "organ_system": TOTAL} | present(serious=serious) | counted


def _rows(event: Json, keys: dict[str, str], common: Json, notes: Notes, place: Place) -> Iterator[Json]:
    term = notes.line(event.get("term"), NAME, *place, "term")
    if term is None:
        notes.warn("event-without-name", place, "left out")
        return
    row = {"event": term} | common
    row |= present(
        organ_system=notes.line(event.get("organSystem"), NAME, *place, "organSystem"),
        assessment=notes.words(event.get("assessmentType"), ASSESSMENTS, *place, "assessmentType"),
    )
    for index, stats in enumerate(event.get("stats") or ()):
        arm = keys.get(stats.get("groupId") or "")
        counted = _counted(stats, "numAffected", "numAtRisk", notes, (*place, "stats", index))
        if arm is None or not counted:
            kind = "event-without-group" if counted else "event-without-number"
            notes.warn(kind, (*place, "stats", index), str(stats)[:120])
            continue
        occurrences = count(stats.get("numEvents"))
        if occurrences is not None:
            counted["occurrences"] = occurrences
        yield {**row, "arm": arm, **counted}


def _counted(stats: Json, affected: str, at_risk: str, notes: Notes, place: Place) -> Json:
    """The numbers of a row. If more are affected than at risk, the number at risk is left out with a warning."""
    events, n = count(stats.get(affected)), count(stats.get(at_risk))
    if events is None:
        return {}
    if n is None:
        return {"events": events}
    if events > n:
        notes.warn("inconsistent-number", (*place, at_risk), f"{events} affected among {n}")
        return {"events": events}
    return {"events": events, "n": n}
