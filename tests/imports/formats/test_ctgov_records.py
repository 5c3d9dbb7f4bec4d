"""An independent walk of real records of ClinicalTrials.gov proves that no result is lost or changed.

Compared are the printed numbers: each value, spread, limit and denominator of each cell, the numbers of each adverse
event, each analysis and each step of the flow, under the title of its group.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select

from app.common.validation_errors import text_faults
from app.database.engine import reading
from app.imports.candidates import Rejection, SourceItem
from app.imports.formats.ctgov import units
from app.imports.name_index import NO_NAMES
from app.records.registry import RESOURCES
from app.store import integrity as maintaining
from app.store.documents import Document
from tests.changing import Typed, change
from tests.offered import DATA as ALL_DATA

Json = Any

DATA = ALL_DATA / "ctgov"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"ClinicalTrials.gov's records are not at {DATA}")

STUDIES = sorted((DATA / "studies").glob("*.json"))


@cache
def read(file: Path) -> tuple[Json, SourceItem | Rejection]:
    content = file.read_bytes()
    (found,) = units(BytesIO(content), file.name, NO_NAMES)
    return orjson.loads(content), found


def with_results() -> Iterator[tuple[Json, Json]]:
    for file in STUDIES:
        record, found = read(file)
        if "resultsSection" in record:
            assert isinstance(found, SourceItem)
            yield record["resultsSection"], found.candidates[-1].data


def test_every_record_is_a_sound_unit() -> None:
    assert len(STUDIES) == 273
    for file in STUDIES:
        _, found = read(file)
        assert isinstance(found, SourceItem), found
        for candidate in found.candidates:
            resource = RESOURCES[candidate.type]
            assert list(text_faults(candidate.data)) == []
            assert resource.faults(resource.entered.model_validate(candidate.data)) == [], file.name


def test_what_was_left_out_is_said() -> None:
    """All 14 numbers are `NA`: limits that were not reached, and one value below the limit of detection."""
    remarks = [warning for file in STUDIES for warning in getattr(read(file)[1], "warnings", ())]
    kinds = Counter(warning.kind for warning in remarks)
    assert kinds == {
        "condition-kept-as-text": 317,
        "intervention-kept-as-text": 343,
        "number-left-out": 14,
        "cut-short": 1,
    }
    assert {r.text.rpartition(": ")[2] for r in remarks if r.kind == "number-left-out"} == {"NA"}


def test_invalid_records_are_refused_by_the_place_that_breaks_the_grammar() -> None:
    """`NCT000001` also has an unknown study type and phase; the other records have no further fault."""
    found = [read(file)[1] for file in sorted((DATA / "invalid").glob("*.json"))]
    design, status = "/protocolSection/designModule", "/protocolSection/statusModule"
    assert found == [
        Rejection(
            "NCT000001",
            "/protocolSection/identificationModule/nctId",
            "'NCT000001' is not an NCT number of eight digits",
        ),
        Rejection("NCT12345678", f"{status}/studyFirstSubmitDate", "'2008' is not a day such as 2010-07-30"),
        Rejection("NCT76543210", f"{design}/patientRegistry", "'Yes' is not true or false"),
    ]


def test_both_databases_keep_all_of_it(engine: Engine) -> None:
    """The document of a study equals its candidate, and can be entered again."""
    offers = [
        candidate
        for file in STUDIES
        if isinstance(found := read(file)[1], SourceItem)
        for candidate in found.candidates
    ]
    records: list[Typed] = [
        (candidate.type, {**candidate.data, "publications": []}) for candidate in offers if candidate.type == "studies"
    ]
    others = {(each.type, each.data["id"]): each.data for each in offers if each.type != "studies"}
    cited: list[Typed] = [(type, data) for (type, _), data in others.items()]
    written = change(engine, [*cited, *records])
    assert written
    assert written.created == len(cited) + len(STUDIES)
    again = change(engine, [*cited, *records])
    assert again
    assert again.unchanged == written.created
    query = select(Document.id, Document.body).where(Document.type == "studies", Document.until_revision.is_(None))
    with reading(engine) as connection:
        shown = {id: orjson.loads(body) for id, body in connection.execute(query)}
    for _, record in records:
        document = shown[record["id"]]
        for field in (
            "arms",
            "outcomes",
            "adverse_events",
            "participant_flow",
            "conditions",
            "interventions",
            "absent",
        ):
            assert holds(document[field], record.get(field, [])), (record["id"], field)
    assert list(maintaining.check(engine)) == []


def holds(shown: Json, offered: Json) -> bool:
    if isinstance(offered, dict):
        return all(holds(shown[name], value) for name, value in offered.items())
    if isinstance(offered, list):
        return len(shown) == len(offered) and all(map(holds, shown, offered))
    return repr(shown) == repr(offered)


# The independent walk

PLAIN = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?")


def number(printed: str | None) -> float | None:
    """A plain number of any size; `None` for anything else."""
    text = (printed or "").strip()
    return float(text.replace(",", "")) if text and PLAIN.fullmatch(text) and text[-1].isdigit() else None


def spaced(text: str | None) -> str | None:
    return " ".join(text.split()) if text and text.strip() else None


def titles(groups: list[Json] | None) -> dict[str, str]:
    return {group["id"]: str(spaced(group["title"])).casefold() for group in groups or ()}


def named(study: Json) -> dict[str, str]:
    return {arm["key"]: arm["name"].casefold() for arm in study["arms"]}


Cell = tuple[Any, ...]


def printed_cells(results: Json) -> Iterator[Cell]:
    for measure in results.get("outcomeMeasuresModule", {}).get("outcomeMeasures", []):
        groups = titles(measure.get("groups"))
        about = (spaced(measure["title"]), spaced(measure.get("unitOfMeasure")), measure.get("dispersionType"))
        for row in measure.get("classes", []):
            counted = {
                (count["groupId"], denominator["units"].casefold() == "participants"): number(count["value"])
                for denominator in row.get("denoms") or measure.get("denoms") or ()
                for count in denominator["counts"]
            }
            for category in row["categories"]:
                for said in category.get("measurements", []):
                    id = said["groupId"]
                    of = (*about, groups[id], spaced(row.get("title")), spaced(category.get("title")))
                    numbers = [number(said.get(name)) for name in ("value", "spread", "lowerLimit", "upperLimit")]
                    yield (
                        *of,
                        counted.get((id, True)),
                        counted.get((id, False)),
                        *numbers,
                        spaced(said.get("comment")),
                    )


def first(result: Json, *fields: str) -> float | None:
    found = [result[field] for field in fields if field in result]
    assert len(found) <= 1, result
    return found[0] if found else None


def offered_cells(study: Json) -> Iterator[Cell]:
    arms = named(study)
    for outcome in study.get("outcomes", []):
        about = (outcome["measure"], outcome.get("unit"), outcome.get("dispersion_type"))
        for result in outcome.get("results", []):
            of = (*about, arms[result["arm"]], result.get("row_title"), result.get("category_title"))
            value = first(result, "events", "percent", "mean", "median", "value")
            spread = first(result, "sd", "se", "spread")
            limits = (result.get("lower"), result.get("upper"))
            yield (*of, result.get("n"), result.get("units_n"), value, spread, *limits, result.get("note"))


def test_every_cell_of_every_table_is_there() -> None:
    count = 0
    for results, study in with_results():
        printed, offered = Counter(printed_cells(results)), Counter(offered_cells(study))
        assert printed == offered
        count += printed.total()
    assert count == 592


def test_numbers_stand_in_the_field_of_their_statistic() -> None:
    by_statistic: dict[str, set[str]] = {}
    for results, study in with_results():
        outcomes = {(o["measure"], o.get("timepoint_label"), o.get("statistic")): o for o in study["outcomes"]}
        for measure in results["outcomeMeasuresModule"]["outcomeMeasures"]:
            statistic = (measure.get("paramType") or "").lower().replace("_", "-") or None
            outcome = outcomes[spaced(measure["title"]), spaced(measure.get("timeFrame")), statistic]
            fields = {field for result in outcome.get("results", ()) for field in result}
            by_statistic.setdefault(str(statistic), set()).update(
                fields & {"events", "percent", "mean", "median", "value"}
            )
    assert by_statistic == {
        "mean": {"mean"},
        "median": {"median"},
        "count-of-participants": {"events"},
        "count-of-units": {"value"},
        "number": {"events", "percent", "value"},
        "least-squares-mean": {"value"},
        "geometric-mean": {"value"},
        "None": set(),
    }


def test_every_analysis_is_there() -> None:
    count = 0
    for results, study in with_results():
        printed: Counter[Cell] = Counter()
        for measure in results.get("outcomeMeasuresModule", {}).get("outcomeMeasures", []):
            groups = titles(measure.get("groups"))
            for said in measure.get("analyses", []):
                numbers = [
                    number(said.get(name)) for name in ("paramValue", "ciPctValue", "ciLowerLimit", "ciUpperLimit")
                ]
                words = [spaced(said.get(name)) for name in ("paramType", "statisticalMethod", "pValue")]
                compared = tuple(groups[id] for id in said.get("groupIds", []))
                printed[spaced(measure["title"]), compared, *numbers, number(said.get("dispersionValue")), *words] += 1
        arms = named(study)
        offered = Counter(
            (
                outcome["measure"],
                tuple(arms[key] for key in said.get("arms", [])),
                *(said.get(name) for name in ("value", "ci_percent", "ci_low", "ci_high")),
                first(said, "sd", "se"),
                *(said.get(name) for name in ("estimate_type", "method", "p_value")),
            )
            for outcome in study.get("outcomes", [])
            for said in outcome.get("analyses", [])
        )
        assert printed == offered
        count += printed.total()
    assert count == 52


def printed_events(module: Json) -> Iterator[Cell]:
    groups = titles(module.get("eventGroups"))
    for serious, name in ((True, "seriousEvents"), (False, "otherEvents")):
        for event in module.get(name, []):
            about = (spaced(event["term"]), spaced(event.get("organSystem")), serious)
            for said in event["stats"]:
                numbers = (said.get("numAffected"), said.get("numAtRisk"), said.get("numEvents"))
                yield (*about, groups[said["groupId"]], *numbers)


def test_every_adverse_event_is_there() -> None:
    count = 0
    for results, study in with_results():
        printed = Counter(printed_events(results.get("adverseEventsModule", {})))
        arms = named(study)
        offered = Counter(
            (
                e["event"],
                e.get("organ_system"),
                e["serious"],
                arms[e["arm"]],
                e["events"],
                e.get("n"),
                e.get("occurrences"),
            )
            for e in study.get("adverse_events", [])
            if e.get("organ_system") != "Total"
        )
        assert printed == offered
        count += printed.total()
    assert count == 5135


def test_every_total_of_adverse_events_is_there() -> None:
    events = {"deaths": "All-Cause Mortality", "serious": "Total, serious adverse events"}
    events["other"] = "Total, other adverse events"
    count = 0
    for results, study in with_results():
        arms = named(study)
        offered = {
            (e["event"], arms[e["arm"]]): (e["events"], e.get("n"))
            for e in study.get("adverse_events", [])
            if e.get("organ_system") == "Total"
        }
        printed = {
            (event, " ".join(group["title"].split()).casefold()): (
                group[f"{kind}NumAffected"],
                group[f"{kind}NumAtRisk"],
            )
            for group in results.get("adverseEventsModule", {}).get("eventGroups", [])
            for kind, event in events.items()
            if f"{kind}NumAffected" in group
        }
        assert offered == printed
        count += len(printed)
    assert count > 100


def test_the_whole_flow_is_there() -> None:
    count = 0
    for results, study in with_results():
        module = results.get("participantFlowModule", {})
        groups, arms = titles(module.get("groups")), named(study)
        printed = Counter(
            (spaced(period["title"]), what, why, groups[said["groupId"]], number(said["numSubjects"]))
            for period in module.get("periods", [])
            for part, inner in (("milestones", "achievements"), ("dropWithdraws", "reasons"))
            for step in period.get(part, [])
            for said in step[inner]
            for what, why in [(step["type"], None) if part == "milestones" else ("NOT COMPLETED", step["type"])]
        )
        offered = Counter(
            (step["period"], step["milestone"], step.get("reason"), arms[step["arm"]], step["n"])
            for step in study.get("participant_flow", [])
        )
        assert printed == offered
        count += printed.total()
    assert count == 297


def test_no_arm_has_two_names() -> None:
    for _, study in with_results():
        registered = [arm for arm in study["arms"] if "type" in arm]
        keys = [arm["key"] for arm in study["arms"]]
        assert len(set(keys)) == len(keys)
        assert len({arm["name"].casefold() for arm in registered}) == len(registered)
