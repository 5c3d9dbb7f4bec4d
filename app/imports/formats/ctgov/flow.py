"""Participant flow: how many of each group reached each milestone of each period, and why others left."""

from collections.abc import Iterator

from app.imports.candidates import Json
from app.imports.formats.ctgov.arms import Arms
from app.imports.formats.ctgov.notes import LINE, NAME, Notes, Place, present
from app.imports.formats.ctgov.printed import whole

MODULE = ("resultsSection", "participantFlowModule")
STARTED, NOT_COMPLETED = "STARTED", "NOT COMPLETED"


def participant_flow(module: Json, arms: Arms, notes: Notes) -> list[Json]:
    """The steps of the flow. The number that started the first period becomes the size of an arm without one."""
    keys = arms.of_groups(module.get("groups"), *MODULE, "groups")
    periods = module.get("periods") or []
    found = [step for index, period in enumerate(periods) for step in _period(period, keys, notes, index)]
    first = found[0].get("period") if found else None
    for step in found:
        if step["milestone"] == STARTED and step.get("period") == first and "n" in step:
            arms.by_key[step["arm"]].setdefault("n", step["n"])
    return found


def _period(period: Json, keys: dict[str, str], notes: Notes, index: int) -> Iterator[Json]:
    place = (*MODULE, "periods", index)
    title = present(period=notes.line(period.get("title"), NAME, *place, "title"))
    for number, milestone in enumerate(period.get("milestones") or ()):
        at = (*place, "milestones", number)
        name = notes.line(milestone.get("type"), NAME, *at, "type") or "Milestone"
        yield from _steps(milestone, "achievements", title | {"milestone": name}, keys, notes, at)
    for number, left in enumerate(period.get("dropWithdraws") or ()):
        at = (*place, "dropWithdraws", number)
        reason = present(reason=notes.line(left.get("type"), NAME, *at, "type"))
        yield from _steps(left, "reasons", title | {"milestone": NOT_COMPLETED} | reason, keys, notes, at)


def _steps(owner: Json, name: str, common: Json, keys: dict[str, str], notes: Notes, place: Place) -> Iterator[Json]:
    for index, stats in enumerate(owner.get(name) or ()):
        at = (*place, name, index)
        arm = keys.get(stats.get("groupId") or "")
        if arm is None:
            notes.warn("flow-without-group", at, str(stats)[:80])
            continue
        comment = " ".join(text for text in (owner.get("comment"), stats.get("comment")) if text)
        numbers = present(n=whole(stats.get("numSubjects")), units_n=whole(stats.get("numUnits")))
        for field, printed in (("n", "numSubjects"), ("units_n", "numUnits")):
            if stats.get(printed) and field not in numbers:
                notes.warn("number-left-out", (*at, printed), stats[printed][:80])
        yield common | {"arm": arm} | numbers | present(note=notes.line(comment, LINE, *at, "comment"))
