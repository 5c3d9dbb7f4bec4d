"""Records of ClinicalTrials.gov: the source items made of them, and that no file causes any other result or error."""

from typing import Any

import orjson
import pytest

from app.imports.candidates import PartialUpdate, SourceItem
from app.imports.formats.ctgov import digest_of, mapped
from app.imports.formats.ctgov.printed import exact, weeks, whole
from app.imports.formats.ctgov.vocabularies import PHASES, design
from app.imports.name_index import Names
from tests.imports.formats.ctgov_trial import NAMES, Json, assert_sound, read, trial


def unit(study: Json, names: Names = NAMES) -> SourceItem:
    found = mapped(study, names, place="here")
    assert isinstance(found, SourceItem), found
    return found


def offered(study: Json, names: Names = NAMES) -> Json:
    return unit(study, names).candidates[-1].data


def test_what_was_registered() -> None:
    study = offered(trial())
    said = {name: study[name] for name in study if isinstance(study[name], str | int)}
    assert said == {
        "id": "nct00000001",
        "title": "A Made-up Toxin in Made-up Migraine",
        "acronym": "MADEUP",
        "status": "completed",
        "status_verified_date": "2012-03",
        "start_date": "2009-01",
        "primary_completion_date": "2010-06-30",
        "completion_date": "2010-12",
        "first_posted_date": "2009-01-05",
        "results_first_posted_date": "2011-02-03",
        "last_updated_date": "2012-04-05",
        "sponsor": "Nobody Inc.",
        "design": "randomized-controlled-trial",
        "allocation": "randomized",
        "intervention_model": "parallel",
        "primary_purpose": "treatment",
        "masking": "double-blind",
        "phase": "2-3",
        "enrolled": 60,
        "enrolled_type": "actual",
        "population": "All sexes, aged 18 years to 65 years, no healthy volunteers",
    }
    assert study["registry_ids"] == ["NCT00000001", "NCT00000009", "2010-012345-67", "ISRCTN12345678"]
    assert study["collaborators"] == ["Somebody"]
    assert study["keywords"] == ["toxin"]
    assert study["comparators"] == ["placebo"]
    assert study["publications"] == [{"publication": "pmid-1"}, {"publication": "pmid-2"}]
    assert "conclusion" not in study


def test_arms_and_what_they_were_given() -> None:
    study = offered(trial())
    assert study["arms"] == [
        {"key": "toxin", "name": "Toxin", "type": "experimental", "description": "100 U\nonce", "n": 31},
        {"key": "placebo", "name": "Placebo", "type": "placebo-comparator", "n": 29},
        {"key": "placebo-ss", "name": "Placebo (SS)"},
    ]
    toxin, saline = study["interventions"]
    assert toxin == {
        "type": "drug",
        "name": "Made-up Toxin",
        "other_names": ["Botox", "MUT"],
        "description": "Into the head",
        "product": "onabotulinumtoxina",
        "arms": ["toxin"],
    }
    assert saline == {"type": "drug", "name": "Saline", "arms": ["placebo"]}
    assert study["products"] == ["onabotulinumtoxina"]


def test_conditions_are_linked_by_name_and_by_heading_and_else_kept() -> None:
    found = unit(trial())
    study = found.candidates[-1].data
    assert study["conditions"] == [
        {"name": "Chronic Migraine"},
        {"name": "Headache Disorder", "mesh_id": "D020773", "mesh_heading": "Headache Disorders"},
        {"name": "Sore Toe"},
        {"name": "Migraine Disorders", "mesh_id": "D008881", "mesh_heading": "Migraine Disorders"},
    ]
    assert study["indications"] == ["chronic-migraine", "headache", "migraine"]
    kept = [warning.text for warning in found.warnings if warning.kind.endswith("-kept-as-text")]
    assert kept == [
        "/protocolSection/conditionsModule/conditions: Sore Toe",
        "/protocolSection/armsInterventionsModule/interventions/1: Saline",
    ]


def test_measures_are_the_registered_outcomes_of_their_name_and_time() -> None:
    outcomes = offered(trial())["outcomes"]
    assert [(o["measure"], o.get("role"), o["kind"], o.get("timepoint_weeks"), "results" in o) for o in outcomes] == [
        ("Headache days", "primary", "continuous", 24, True),
        ("Responders", "secondary", "binary", 24, True),
        ("Eyes that blink", "post-hoc", "descriptive", None, True),
        ("Survival", "other", "descriptive", None, True),
        ("Responders", "secondary", "descriptive", 12, False),
        ("Mood", "secondary", "descriptive", None, False),
        ("Never reported", "other", "descriptive", None, False),
    ]
    assert outcomes[0]["description"] == "Counted"
    assert outcomes[0]["analysis_population"] == "All who came"


def test_every_cell_keeps_its_place_and_its_number() -> None:
    found = unit(trial())
    days, responders, eyes, survival = (o["results"] for o in found.candidates[-1].data["outcomes"][:4])
    assert days == [
        {"arm": "toxin", "n": 31, "mean": -8.4, "sd": 6.0},
        {"arm": "placebo", "n": 29, "printed": "NA", "note": "Lost in a flood"},
    ]
    assert responders == [
        {"arm": "toxin", "row_title": "Women", "n": 20, "events": 12},
        {"arm": "toxin", "row_title": "All", "n": 31, "events": 15},
        {"arm": "placebo-ss", "row_title": "All", "n": 29, "printed": "30"},
    ]
    assert eyes == [{"arm": "toxin", "n": 31, "units_n": 1062, "value": 1001}]
    assert survival == [
        {"arm": "toxin", "category_title": "Grade 1", "median": 15.6, "lower": 9.6},
        {"arm": "toxin", "category_title": "Grade 2", "printed": "<0.1"},
    ]
    left_out = [warning.text.rpartition("/")[2] for warning in found.warnings if warning.kind == "number-left-out"]
    assert left_out == ["value: NA", "spread: NA", "value: 30", "upperLimit: NA", "value: <0.1"]


def test_analyses_and_the_one_effect() -> None:
    (outcome, *_) = offered(trial())["outcomes"]
    assert outcome["analyses"] == [
        {
            "arms": ["toxin", "placebo"],
            "method": "ANCOVA",
            "estimate_type": "Mean Difference (Final Values)",
            "value": -1.8,
            "ci_percent": 95,
            "ci_low": -2.52,
            "ci_high": -1.13,
            "se": 0.4,
            "ci_sides": "two-sided",
            "p_value": "<0.001",
            "hypothesis": "superiority",
            "note": "Not adjusted",
        }
    ]
    assert outcome["effect"] == {"type": "mean-difference", "value": -1.8, "ci_low": -2.52, "ci_high": -1.13}
    assert outcome["p_value"] == "<0.001"
    other = trial()
    other["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0]["ciPctValue"] = "90"
    assert offered(other)["outcomes"][0]["effect"] == {"type": "mean-difference", "value": -1.8}


def test_harms_and_flow() -> None:
    found = unit(trial())
    study = found.candidates[-1].data
    rows = [(e["event"], e["arm"], e.get("serious"), e["events"], e.get("n")) for e in study["adverse_events"]]
    assert rows == [
        ("All-Cause Mortality", "toxin", None, 0, 31),
        ("Total, serious adverse events", "toxin", True, 1, 31),
        ("Total, other adverse events", "toxin", False, 5, 31),
        ("Total, serious adverse events", "placebo", True, 0, 29),
        ("Fall", "toxin", True, 1, 31),
        ("Fall", "placebo", True, 30, None),
        ("Neck pain", "toxin", False, 5, 31),
    ]
    fall = study["adverse_events"][4]
    assert (fall["assessment"], fall["occurrences"], fall["period"]) == ("non-systematic", 2, "24 weeks")
    assert [warning.kind for warning in found.warnings if "adverse" in warning.text] == ["inconsistent-number"]
    assert study["participant_flow"] == [
        {"period": "Overall Study", "milestone": "STARTED", "arm": "toxin", "n": 31},
        {"period": "Overall Study", "milestone": "STARTED", "arm": "placebo", "n": 29, "note": "One came late"},
        {"period": "Overall Study", "milestone": "NOT COMPLETED", "arm": "toxin", "n": 1},
        {"period": "Overall Study", "milestone": "NOT COMPLETED", "arm": "placebo", "n": 0},
        {
            "period": "Overall Study",
            "milestone": "NOT COMPLETED",
            "reason": "Lost to Follow-up",
            "arm": "toxin",
            "n": 1,
        },
    ]


def test_groups_of_one_title_are_never_taken_for_one_arm() -> None:
    study = trial()
    groups = study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["groups"]
    groups[1]["title"] = "Toxin"
    results = offered(study)["outcomes"][0]["results"]
    assert [result["arm"] for result in results] == ["toxin-2", "toxin-3"]
    study = trial()
    study["protocolSection"]["armsInterventionsModule"]["armGroups"][1]["label"] = "toxin"
    assert offered(study)["outcomes"][0]["results"][0]["arm"] not in ("toxin", "toxin-2")


def test_the_source_and_where_each_field_is_from() -> None:
    found = unit(trial())
    source, study = (candidate.data for candidate in found.candidates)
    assert source["id"] == "ctgov-nct00000001"
    assert source["url"] == "https://clinicaltrials.gov/study/NCT00000001"
    assert source["retrieved_on"] == "2025-11-24"
    assert source["effective_date"] == "2012-04-05"
    (cited,) = study["provenance"]
    assert cited["source"] == source["id"]
    own = set(study) - {"id", "absent", "provenance"}
    assert set(cited["paths"]) == own
    for pointer in cited["paths"].values():
        value = trial()
        for part in pointer.split("/")[1:]:
            value = value[int(part) if isinstance(value, list) else part]
        assert value
    assert found.partial_updates == (PartialUpdate("publications", "1", {"retraction_state": "retracted"}),)


def test_the_digest_is_of_what_lasts() -> None:
    study, later, other = trial(), trial(), trial()
    later["derivedSection"]["miscInfoModule"]["versionHolder"] = "2026-01-01"
    other["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = 61
    turned = dict(reversed(study.items()))
    assert digest_of(study) == digest_of(later) == digest_of(turned) != digest_of(other)
    assert study == trial()


def without_meaning(study: Json) -> None:
    study["protocolSection"]["designModule"]["phases"] = ["NA"]
    study["protocolSection"]["designModule"]["designInfo"]["allocation"] = "NA"
    study["protocolSection"]["designModule"]["designInfo"]["interventionModel"] = "SINGLE_GROUP"


def test_what_has_no_meaning_for_a_study_is_absent_and_says_why() -> None:
    study = trial()
    without_meaning(study)
    found = offered(study)
    assert found["absent"] == {"allocation": "not-applicable", "phase": "not-applicable"}
    assert found["design"] == "non-randomized-trial"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("INTERVENTIONAL", "randomized", "parallel", None, None, False), "randomized-controlled-trial"),
        (("INTERVENTIONAL", "randomized", "factorial", None, None, False), "randomized-controlled-trial"),
        (("INTERVENTIONAL", "randomized", None, None, None, False), "randomized-controlled-trial"),
        (("INTERVENTIONAL", "randomized", "crossover", None, None, False), "crossover-trial"),
        (("INTERVENTIONAL", "randomized", "single-group", None, None, False), None),
        (("INTERVENTIONAL", "non-randomized", "crossover", None, None, False), "non-randomized-trial"),
        (("INTERVENTIONAL", None, "single-group", None, None, False), "non-randomized-trial"),
        (("INTERVENTIONAL", None, "parallel", None, None, False), None),
        (("INTERVENTIONAL", None, "crossover", None, None, False), None),
        (("OBSERVATIONAL", None, None, "cohort", "prospective", False), "cohort"),
        (("OBSERVATIONAL", None, None, "cohort", "cross-sectional", False), "cross-sectional"),
        (("OBSERVATIONAL", None, None, "case-control", "cross-sectional", False), "case-control"),
        (("OBSERVATIONAL", None, None, "case-only", "retrospective", False), "case-series"),
        (("OBSERVATIONAL", None, None, "other", "prospective", True), "cohort"),
        (("OBSERVATIONAL", None, None, "ecologic-or-community", "other", False), None),
        (("EXPANDED_ACCESS", None, None, None, None, False), None),
        ((None, "randomized", "parallel", None, None, False), None),
    ],
)
def test_designs_are_named_where_they_are_certain(words: Any, expected: str | None) -> None:
    assert design(*words) == expected


def test_numbers_are_held_exactly_or_not_at_all() -> None:
    held = {"1,234": 1234, "-0.5": -0.5, ".05": 0.05, "40": 40, "1e3": 1000.0, "−2": -2, " 7 ": 7, "1,234.5": 1234.5}
    assert {text: exact(text) for text in held} == held
    for text in ("NA", "<0.1", "12 (3)", "1,23", "5 %", "", "0.12345678901234567890", "1e400", "1e-400", "٣", "--1"):
        assert exact(text) is None, text
    assert exact("0.1234567890123") == 0.1234567890123
    assert (whole("1,062"), whole("12.0"), whole("-1"), whole("99999999999")) == (1062, None, None, None)
    assert (weeks("Week 12"), weeks("12 weeks"), weeks("84 days"), weeks("At week 4.")) == (12, 12, 12, 4)
    for frame in ("3 months", "Day 29", "85 days", "Baseline and week 12", "up to 12 weeks", None):
        assert weeks(frame) is None, frame


def test_every_phase_has_its_word() -> None:
    assert set(PHASES.values()) == {"early-1", "1", "1-2", "2", "2-3", "3", "4"}


def test_dates_that_contradict_each_other_are_left_out() -> None:
    study = trial()
    status = study["protocolSection"]["statusModule"]
    status["completionDateStruct"]["date"] = "2008"
    status["studyFirstPostDateStruct"]["date"] = "2009-02-30"
    found = unit(study)
    dates = [name for name in found.candidates[-1].data if name.endswith("_date")]
    assert dates == ["status_verified_date", "results_first_posted_date", "last_updated_date"]
    assert {"inconsistent-date", "inconsistent-dates"} <= {warning.kind for warning in found.warnings}
    assert_sound(found)


def test_long_text_is_cut_at_a_word_and_said() -> None:
    study = trial()
    study["protocolSection"]["identificationModule"]["briefTitle"] = "word " * 2_000_000
    study["protocolSection"]["contactsLocationsModule"] = {"locations": [{"city": "X"}] * 1000}
    (found,) = read(orjson.dumps(study))
    assert isinstance(found, SourceItem)
    title = found.candidates[-1].data["title"]
    assert title.endswith("word…")
    assert len(title) <= 600
    assert "cut-short" in {warning.kind for warning in found.warnings}
    assert_sound(found)


def test_a_registered_time_is_not_that_of_results_measured_at_another() -> None:
    study = trial()
    measure = study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    measure["timeFrame"] = "Baseline and 6 months"
    outcome = offered(study)["outcomes"][0]
    assert (outcome["timepoint_label"], outcome.get("timepoint_weeks")) == ("Baseline and 6 months", None)
    del measure["timeFrame"]
    outcome = offered(study)["outcomes"][0]
    assert (outcome["timepoint_label"], outcome.get("timepoint_weeks")) == ("24 weeks", 24)


@pytest.mark.parametrize("printed", ["0,123", "-0,250", "00,123"])
def test_a_decimal_comma_is_no_comma_of_thousands(printed: str) -> None:
    assert exact(printed) is None
    assert whole(printed) is None


@pytest.mark.parametrize(
    ("beside", "is_a_number"), [("0,875", False), ("12,5", False), ("2,875", True), ("0.875", True)]
)
def test_a_comma_beside_a_decimal_comma_may_be_one_too(beside: str, is_a_number: bool) -> None:
    study = trial()
    measure = study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    first, second = measure["classes"][0]["categories"][0]["measurements"][:2]
    first["value"], second["value"] = "1,500", beside
    for measurement in (first, second):
        for name in ("spread", "lowerLimit", "upperLimit"):
            measurement.pop(name, None)
    result = offered(study)["outcomes"][0]["results"][0]
    assert (result.get("mean"), result.get("printed")) == ((1500, None) if is_a_number else (None, "1,500"))


def test_an_interval_of_one_side_is_not_that_of_the_effect() -> None:
    study = trial()
    study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0]["ciNumSides"] = "ONE_SIDED"
    outcome = offered(study)["outcomes"][0]
    assert outcome["effect"] == {"type": "mean-difference", "value": -1.8}
    assert outcome["analyses"][0]["ci_low"] == -2.52


@pytest.mark.parametrize("hypothesis", ["NON_INFERIORITY", "EQUIVALENCE", "NON_INFERIORITY_OR_EQUIVALENCE"])
def test_the_p_of_sameness_is_not_that_of_a_difference(hypothesis: str) -> None:
    study = trial()
    analysis = study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0]
    assert offered(study)["outcomes"][0]["p_value"] == analysis["pValue"]
    analysis["nonInferiorityType"] = hypothesis
    outcome = offered(study)["outcomes"][0]
    assert ("p_value" in outcome, outcome["analyses"][0]["p_value"]) == (False, analysis["pValue"])


def test_a_value_of_an_id_that_two_groups_have_is_of_neither() -> None:
    study = trial()
    study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["groups"][1]["id"] = "OG000"
    found = unit(study)
    assert "results" not in found.candidates[-1].data["outcomes"][0]
    assert "value-without-group" in {warning.kind for warning in found.warnings}
