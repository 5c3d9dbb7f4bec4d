"""Domain rules, one good and one broken record each, and the tables that they go by."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from app.common.validation_errors import shape_faults
from app.records.publications.schemas import PublicationIn
from app.records.registry import RESOURCES
from app.records.studies.rules import EVIDENCE_LEVELS, MEASURED
from app.records.vocabularies import Design, OutcomeKind, RecordType
from tests.whole_records import whole_record

CITED = {"id": "x", "provenance": [{"source": "s"}]}
MINIMAL: dict[RecordType, dict[str, Any]] = {
    "sources": {"id": "x", "kind": "web-page", "tier": "other", "url": "https://example.org"},
    "products": {**CITED, "name": "X"},
    "indications": {**CITED, "name": "X"},
    "publications": {**CITED, "title": "X"},
    "studies": {**CITED, "title": "X", "arms": [{"key": "a", "name": "A"}, {"key": "b", "name": "B"}]},
    "mechanisms": {**CITED, "title": "X", "summary": "Y"},
    "safety-notes": {**CITED, "title": "X", "statement": "Y", "kind": "warning", "products": ["p"]},
    "approvals": {**CITED, "product": "p", "indication": "i", "regulator": "FDA"},
    "dosing": {**CITED, "product": "p", "indication": "i", "dose": "20 U", "unit": "U"},
    "directions": {**CITED, "title": "X", "statement": "Y", "kind": "refining"},
}
BODY = {"scope": "body-of-evidence", "title": "T", "summary": "S", "arms": []}


def binary(**result: Any) -> dict[str, Any]:
    return {"outcomes": [{"measure": "M", "kind": "binary", "results": [{"arm": "a", **result}]}]}


def analysed(**analysis: Any) -> dict[str, Any]:
    return {"outcomes": [{"measure": "M", "kind": "ratio", "analyses": [analysis]}]}


GOOD: list[tuple[RecordType, dict[str, Any]]] = [
    *((type, {}) for type in RESOURCES),
    ("studies", BODY),
    ("studies", binary(n=3, events=1, percent=33)),
    ("studies", binary(n=3, events=1, percent=33.3)),
    ("studies", binary(n=3, events=2, percent=66.6)),
    ("studies", binary(n=3, printed="NA")),
    ("studies", {"start_date": "2010", "completion_date": "2010-03"}),
    ("studies", {"outcomes": [{"measure": "M", "kind": "continuous", "results": [{"arm": "b", "mean": -5.2}]}]}),
    ("sources", {"kind": "compilation", "url": None}),
    ("dosing", {"dose": None, "statement": "S", "indication": None}),
    ("dosing", {"dose_min": 10, "dose_max": 30, "max_dose": 10, "max_dose_basis": "muscle", "dose_per": "muscle"}),
]
BROKEN: list[tuple[RecordType, dict[str, Any], str]] = [
    ("sources", {"url": None}, "/url"),
    ("sources", {"text": "a", "sha256": "0" * 64}, "/sha256"),
    ("sources", {"sha256": "0" * 64}, "/sha256"),
    ("products", {"kind": "class", "brand_names": ["B"]}, "/kind"),
    ("products", {"brand_names": ["B", "B"]}, "/brand_names/1"),
    ("indications", {"synonyms": ["S", "S"]}, "/synonyms/1"),
    ("publications", {"title": None}, "/title"),
    ("publications", {"scope": "body-of-literature", "pmid": "1"}, "/pmid"),
    ("publications", {"authors": ["A B", "et al."]}, "/authors/1"),
    ("publications", {"authors": ["A B"], "collective_authors": ["The Group"]}, "/collective_authors/0"),
    ("publications", {"date": "2010-07", "year": 2011}, "/date"),
    ("publications", {"registry_ids": ["NCT1", "NCT1"]}, "/registry_ids/1"),
    ("studies", {"title": None}, "/title"),
    ("studies", {**BODY, "design": "cohort"}, "/design"),
    ("studies", {**BODY, "enrolled": 3}, "/enrolled"),
    ("studies", {**BODY, "registry_ids": ["NCT1"]}, "/registry_ids"),
    ("studies", {**BODY, "summary": None}, "/summary"),
    ("studies", {"interventions": [{"name": "I", "product": "p"}]}, "/interventions/0/product"),
    ("studies", {"interventions": [{"name": "I", "arms": ["a", "z"]}]}, "/interventions/0/arms/1"),
    ("studies", {"participant_flow": [{"milestone": "STARTED", "arm": "z"}]}, "/participant_flow/0/arm"),
    ("studies", {"conditions": [{"name": "C", "mesh_id": "D000001"}]}, "/conditions/0"),
    ("studies", analysed(arms=["z"]), "/outcomes/0/analyses/0/arms/0"),
    ("studies", analysed(ci_low=2, ci_high=1), "/outcomes/0/analyses/0/ci_low"),
    ("studies", binary(events=1, lower=2, upper=1.5), "/outcomes/0/results/0/lower"),
    ("studies", {"primary_completion_date": "2011", "completion_date": "2010-12"}, "/primary_completion_date"),
    ("studies", {"first_posted_date": "2011-02-03", "last_updated_date": "2011-02-01"}, "/first_posted_date"),
    ("studies", {"products": ["p", "p"]}, "/products/1"),
    ("studies", {"arms": [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]}, "/arms/1"),
    ("studies", {"overlaps_with": ["x"]}, "/overlaps_with"),
    ("studies", {"adverse_events": [{"event": "E", "arm": "z", "events": 1}]}, "/adverse_events/0/arm"),
    ("studies", {"adverse_events": [{"event": "E", "arm": "a"}]}, "/adverse_events/0"),
    ("studies", binary(mean=3), "/outcomes/0/results/0"),
    ("studies", binary(n=3, events=4), "/outcomes/0/results/0/events"),
    ("studies", binary(n=0, percent=4), "/outcomes/0/results/0/n"),
    ("studies", binary(n=3, events=1, percent=34), "/outcomes/0/results/0/percent"),
    ("studies", binary(n=10, events=4, percent=40.4), "/outcomes/0/results/0/percent"),
    (
        "studies",
        {"outcomes": [{"measure": "M", "kind": "continuous", "results": [{"arm": "a", "percent": 3}]}]},
        "/outcomes/0/results/0",
    ),
    (
        "studies",
        {
            "outcomes": [
                {
                    "measure": "M",
                    "kind": "ratio",
                    "effect": {"type": "risk-ratio", "value": 1, "ci_low": 2, "ci_high": 1},
                }
            ]
        },
        "/outcomes/0/effect/ci_low",
    ),
    ("studies", {"start_date": "2011", "completion_date": "2010-03"}, "/start_date"),
    ("mechanisms", {"summary": None}, "/summary"),
    ("mechanisms", {"studies": ["s", "s"]}, "/studies/1"),
    ("safety-notes", {"products": []}, "/products"),
    ("safety-notes", {"indications": ["i", "i"]}, "/indications/1"),
    ("safety-notes", {"frequencies": [{"event": "E"}]}, "/frequencies/0"),
    ("safety-notes", {"frequencies": [{"event": "E", "n": 10, "events": 1, "percent": 20}]}, "/frequencies/0/percent"),
    ("approvals", {"submission": "S"}, "/submission"),
    ("approvals", {"submission_status_date": "2010"}, "/submission_status_date"),
    ("dosing", {"dose": None}, "/dose"),
    ("dosing", {"unit": None, "dose_min": 3}, "/dose_min"),
    ("dosing", {"indication": None, "dose_min": 3}, "/dose_min"),
    ("dosing", {"dose": "some", "dose_min": 3, "dose_max": 2}, "/dose_min"),
    ("dosing", {"dose": "some", "dose_max": 3, "max_dose": 2, "max_dose_basis": "B"}, "/dose_max"),
    ("dosing", {"dose": "20 mg"}, "/unit"),
    ("dosing", {"dose_max": 10}, "/dose"),
    ("publications", {"year": 2099}, "/year"),
    ("dosing", {"max_dose": 2}, "/max_dose"),
    ("studies", {"arms": [{"key": "a", "name": "A", "n": 9}], "enrolled": 8}, "/enrolled"),
    ("directions", {"products": ["p", "p"]}, "/products/1"),
]


def minimal(type: RecordType) -> dict[str, Any]:
    """The smallest record of a type, or a whole one of a type that is not above."""
    return MINIMAL.get(type) or {**whole_record(type, dict.fromkeys(RESOURCES, "p")), **CITED}


def faults(type: RecordType, changed: dict[str, Any]) -> list[str]:
    record = RESOURCES[type].entered.model_validate({**minimal(type), **changed})
    return [fault.pointer for fault in RESOURCES[type].faults(record)]


@pytest.mark.parametrize(("type", "changed"), GOOD)
def test_good_records_break_no_rule(type: RecordType, changed: dict[str, Any]) -> None:
    assert faults(type, changed) == []


@pytest.mark.parametrize(("type", "changed", "pointer"), BROKEN)
def test_a_broken_rule_names_its_place(type: RecordType, changed: dict[str, Any], pointer: str) -> None:
    assert faults(type, changed) == [pointer]


def test_every_rule_is_broken_by_some_record() -> None:
    for type, resource in RESOURCES.items():
        records = [resource.entered.model_validate({**minimal(t), **c}) for t, c, _ in BROKEN if t == type]
        for rule in resource.rules:
            assert any(list(rule(record)) for record in records), f"{type}: {rule}"


@pytest.mark.parametrize(
    ("type", "changed"),
    [
        ("studies", {"enrolled": -1}),
        ("studies", {"enrolled": 1.5}),
        ("studies", {"enrolled": "3"}),
        ("studies", {"enrolled": True}),
        ("studies", {"phase": 3}),
        ("products", {"units_interchangeable": "false"}),
        ("studies", {"start_date": "2010-13"}),
        ("studies", {"start_date": "2010-02-30"}),
        ("studies", {"start_date": 2010}),
        ("studies", {"id": "Upper"}),
        ("studies", {"id": "a/b"}),
        ("studies", {"id": "a" * 121}),
        ("studies", binary(percent=101)),
        ("studies", binary(percent=float("nan"))),
        ("studies", binary(percent=float("inf"))),
        ("publications", {"pmid": "0123x"}),
        ("publications", {"doi": "https://doi.org/10.1/x"}),
        ("publications", {"year": 3000}),
        ("products", {"unii": "short"}),
        ("sources", {"url": "javascript:alert(1)"}),
    ],
)
def test_values_out_of_bounds_are_refused(type: RecordType, changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        faults(type, changed)


@pytest.mark.parametrize("type", RESOURCES)
def test_a_whole_record_is_made_of_every_type(type: RecordType) -> None:
    """The examples of the models are values that they allow."""
    entered = RESOURCES[type].entered
    made = entered.model_validate({**whole_record(type, dict.fromkeys(RESOURCES, "p")), "id": "x"})
    assert made.model_fields_set == set(entered.model_fields)


def test_every_design_has_a_level_or_a_reason_to_have_none() -> None:
    assert set(EVIDENCE_LEVELS) == set(get_args(Design))
    assert {level for level in EVIDENCE_LEVELS.values() if level is not None} == {1, 2, 3, 4, 5}
    assert set(MEASURED) == set(get_args(OutcomeKind))


def test_identifiers_are_entered_in_their_canonical_form() -> None:
    entered = PublicationIn.model_validate(
        {
            "id": "p",
            "doi": "https://doi.org/10.1002%2FABC.",
            "pmid": "PMID: 020647170",
            "pmcid": "pmc5799088",
            "issn": "03331024",
            "registry_ids": ["nct 00156910", "CTRI/2010/091/000123"],
            "title": "A title",
        }
        | CITED
    )
    assert entered.doi == "10.1002/ABC"
    assert (entered.pmid, entered.pmcid, entered.issn) == ("20647170", "PMC5799088", "0333-1024")
    assert entered.registry_ids == ["NCT00156910", "CTRI/2010/091/000123"]


@pytest.mark.parametrize(("name", "value"), [("doi", "10.1002"), ("pmid", "20647170x"), ("issn", "0333"), ("pmcid", 5)])
def test_what_is_no_identifier_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        PublicationIn.model_validate({"id": "p", "title": "A title", name: value} | CITED)


def test_arms_have_no_more_participants_than_the_study() -> None:
    arms = [{"key": "a", "name": "A", "n": 20}, {"key": "b", "name": "B", "n": 20}]
    study = MINIMAL["studies"] | {"arms": arms, "enrolled": 20, "design": "randomized-controlled-trial"}
    parsed = RESOURCES["studies"].entered.model_validate(study)
    assert [fault.pointer for fault in RESOURCES["studies"].faults(parsed)] == ["/enrolled"]
    for shared in ({"intervention_model": "within-person"}, {"intervention_model": "crossover"}, {"enrolled": 40}):
        parsed = RESOURCES["studies"].entered.model_validate(study | shared)
        assert RESOURCES["studies"].faults(parsed) == []
    parsed = RESOURCES["studies"].entered.model_validate(study | {"intervention_model": "crossover", "enrolled": 19})
    assert [fault.pointer for fault in RESOURCES["studies"].faults(parsed)] == ["/enrolled"]


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"dose": "20 U", "unit": "U", "dose_min": 20, "dose_max": 20}, []),
        ({"dose": "20 units", "unit": "U"}, []),
        ({"dose": "20 mg", "unit": "U"}, ["/unit"]),
        ({"dose": "26, 31 or 36 U", "unit": "U", "dose_min": 26, "dose_max": 36}, []),
        ({"dose": "26, 31 or 46 U", "unit": "U", "dose_min": 26, "dose_max": 36}, ["/dose"]),
        ({"dose": "10 U", "unit": "U", "dose_min": 20}, ["/dose"]),
        ({"dose": "10 U to start; 20 to 40 U", "unit": "U", "dose_min": 20, "dose_max": 40, "dose_initial": 10}, []),
        ({"dose": "3 to 6 U/kg", "unit": "U", "dose_min_per_kg": 3, "dose_max_per_kg": 6, "dose_max": 2}, []),
        ({"dose": "3 to 8 U/kg", "unit": "U", "dose_min_per_kg": 3, "dose_max_per_kg": 6}, ["/dose"]),
        ({"dose": "40 U (20 U with 20 U)", "unit": "U", "dose_min": 40, "dose_max": 40}, []),
    ],
)
def test_the_text_of_a_dose_agrees_with_its_numbers(change: dict[str, Any], pointers: list[str]) -> None:
    parsed = RESOURCES["dosing"].entered.model_validate(MINIMAL["dosing"] | change)
    assert [fault.pointer for fault in RESOURCES["dosing"].faults(parsed)] == pointers


def test_a_publication_of_the_far_future_is_refused() -> None:
    year = datetime.now(UTC).year
    for told, count in ((year + 1, 0), (year + 2, 1)):
        parsed = PublicationIn.model_validate(MINIMAL["publications"] | {"year": told})
        assert len(RESOURCES["publications"].faults(parsed)) == count


def test_an_unknown_arm_names_those_that_there_are() -> None:
    arms = [{"key": "placebo", "name": "P"}, {"key": "ona", "name": "O"}]
    event = {"event": "ptosis", "arm": "placbo", "events": 1}
    parsed = RESOURCES["studies"].entered.model_validate(MINIMAL["studies"] | {"arms": arms, "adverse_events": [event]})
    assert "placebo" in RESOURCES["studies"].faults(parsed)[0].nearest


def test_the_form_of_a_field_is_said_in_words() -> None:
    for field, value in (
        ("year", "x"),
        ("date", "July"),
        ("doi", "abc"),
        ("id", "A b"),
        ("pmcid", "x"),
        ("languages", ["en"]),
    ):
        with pytest.raises(ValidationError) as raised:
            PublicationIn.model_validate(MINIMAL["publications"] | {field: value})
        faults = shape_faults(PublicationIn, raised.value)
        assert not [fault for fault in faults if "pattern" in fault.detail or "^" in fault.detail], faults
