"""Whatever can be entered is kept and shown: a record of each type with every field it has, in and out again."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from pydantic import BaseModel
from sqlalchemy import Engine, select

from app.database.engine import reading
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.releases.load import load
from app.store import integrity as maintaining
from app.store.documents import Document
from tests.whole_records import whole_record

Json = dict[str, Any]

QUOTED: Json = {"source": "s", "section": "Results", "quote": "fell", "start": 9, "paths": {"note": "/a/0/b~1c"}}
CITED: Json = {"note": "N", "needs_primary_source": True, "provenance": [QUOTED]}
RESULT: Json = {
    "arm": "a",
    "row_title": "Day 29",
    "category_title": "Mild",
    "n": 6,
    "units_n": 12,
    "events": 3,
    "percent": 50,
    "mean": -5.2,
    "median": 40,
    "value": 40.0,
    "sd": 1.5,
    "se": 0.25,
    "spread": 7,
    "lower": -1.0,
    "upper": 2,
    "printed": "<0.1",
    "note": "RN",
}
EVERYTHING: dict[RecordType, Json] = {
    "sources": {
        "id": "s",
        "kind": "article",
        "tier": "primary",
        "title": "A title",
        "url": "https://example.org/a",
        "publisher": "P",
        "licence": "CC0",
        "retrieved_on": "2026-01-02",
        "set_id": "485d9b71-6881-42c5-a620-a4360c7192ab",
        "version": 34,
        "effective_date": "2023-11",
        "text": "The pain fell and fell.",
        "sha256": "8ca9fda3b2d2ef4f46d7b9e7aa0a1b9ae2a9d67d2a2ab8bfd1c5f1a9bde66a0c",
        "note": "N",
        "absent": {},
    },
    "products": {
        **CITED,
        "id": "p",
        "kind": "product",
        "name": "onaX",
        "brand_names": ["B1", "B2"],
        "former_brand_names": ["F"],
        "us_suffix_name": "onaX-abcd",
        "synonyms": ["Syn"],
        "serotype": "A",
        "manufacturer": "M",
        "former_manufacturers": ["Old M"],
        "atc_code": "M03AX01",
        "unii": "E211KPY694",
        "cas_number": "93384-43-1",
        "cas_number_note": "CN",
        "contains_complexing_proteins": False,
        "units_interchangeable": False,
        "absent": {},
    },
    "indications": {
        **CITED,
        "id": "i",
        "name": "Migraine",
        "category": "therapeutic",
        "synonyms": ["M1", "M2"],
        "description": "D",
        "mesh": {"id": "D008881", "heading": "Migraine Disorders", "match": "broader"},
        "absent": {},
    },
    "publications": {
        **CITED,
        "id": "pub",
        "scope": "publication",
        "pmid": "123",
        "doi": "10.1000/x",
        "pmcid": "PMC12",
        "registry_ids": ["NCT00000001", "ISRCTN12345678"],
        "title": "A report",
        "title_kind": "printed",
        "vernacular_title": "Ein Bericht",
        "languages": ["ger", "eng"],
        "journal": "J",
        "journal_abbreviation": "J.",
        "issn": "0333-102X",
        "year": 2011,
        "date": "2011-07",
        "epub_date": "2010-12-31",
        "volume": "1",
        "issue": "2",
        "pages": "3-4",
        "authors": ["A B", "The Group", "C D"],
        "collective_authors": ["The Group"],
        "authors_complete": False,
        "publication_types": ["Review"],
        "mesh": [
            {"id": "D008881", "heading": "Migraine Disorders", "major": True, "qualifiers": ["drug therapy"]},
            {"id": None, "heading": "Humans", "major": False, "qualifiers": []},
        ],
        "keywords": ["k1", "k2"],
        "abstract": "Abs",
        "abstract_sections": ["BACKGROUND", "METHODS"],
        "summary": "Sum",
        "retraction_state": "corrected",
        "notices": [
            {"kind": "erratum-in", "pmid": "124", "citation": "J. 2012;1:2"},
            {"kind": "comment-on", "pmid": None, "citation": None},
        ],
        "absent": {},
    },
    "studies": {
        **CITED,
        "id": "st",
        "scope": "study",
        "standing": "superseded",
        "title": "Own title",
        "acronym": "ACR",
        "summary": "S",
        "design": "cohort",
        "allocation": "non-randomized",
        "intervention_model": "sequential",
        "observational_model": "case-only",
        "time_perspective": "prospective",
        "primary_purpose": "ect",
        "masking": "none",
        "phase": "2-3",
        "status": "withheld",
        "status_verified_date": "2011-02",
        "why_stopped": "W",
        "sponsor": "Sp",
        "collaborators": ["C1", "C2"],
        "conditions": [
            {"name": "Head pain", "mesh_id": None, "mesh_heading": None},
            {"name": "Migraine Disorders", "mesh_id": "D008881", "mesh_heading": "Migraine Disorders"},
        ],
        "keywords": ["K"],
        "registry_ids": ["NCT00000001", "NCT00000002"],
        "reported_pmids": ["20647170"],
        "comparators": ["placebo", "usual care"],
        "population": "Adults",
        "enrolled": 12,
        "enrolled_type": "estimated",
        "included_studies": 0,
        "follow_up_weeks": 24,
        "start_date": "2009",
        "primary_completion_date": "2010-03",
        "completion_date": "2010-03-04",
        "first_posted_date": "2009-01-02",
        "results_first_posted_date": "2011-01-02",
        "last_updated_date": "2012-01-02",
        "arms": [
            {"key": "a", "name": "A", "type": "experimental", "description": "AD", "dose": "1 U", "n": 6},
            {"key": "b", "name": "B", "type": None, "description": None, "dose": None, "n": None},
        ],
        "interventions": [
            {
                "type": "biological",
                "name": "I",
                "other_names": ["I2"],
                "description": "ID",
                "product": "p",
                "arms": ["a", "b"],
            },
            {"type": None, "name": "I3", "other_names": [], "description": None, "product": None, "arms": []},
        ],
        "adverse_events": [
            {
                "event": "E",
                "arm": "a",
                "period": "P",
                "serious": False,
                "organ_system": "O",
                "assessment": "systematic",
                "n": 6,
                "events": 3,
                "percent": 50.0,
                "occurrences": 7,
            }
        ],
        "participant_flow": [
            {"period": "P", "milestone": "STARTED", "reason": "R", "arm": "a", "n": 6, "units_n": 12, "note": "FN"},
            {"period": None, "milestone": "M", "reason": None, "arm": "b", "n": 0, "units_n": None, "note": None},
        ],
        "conclusion": "C",
        "overlaps_note": "O",
        "overlaps_inferred": True,
        "products": ["p"],
        "indications": ["i"],
        "outcomes": [
            {
                "measure": "M",
                "description": "MD",
                "role": "post-hoc",
                "kind": "continuous",
                "statistic": "least-squares-mean",
                "dispersion_type": "95% Confidence Interval",
                "unit": "U",
                "units_analyzed": "Eyes",
                "timepoint_weeks": 12,
                "timepoint_label": "week 12",
                "analysis_population": "ITT",
                "p_value": "<0.001",
                "effect": {"type": "mean-difference", "value": -2, "ci_low": -3.5, "ci_high": -1.0},
                "results": [RESULT, dict.fromkeys(RESULT) | {"arm": "b", "mean": 40.0}],
                "analyses": [
                    {
                        "arms": ["a", "b"],
                        "method": "ANCOVA",
                        "estimate_type": "Difference",
                        "value": -2.50,
                        "ci_percent": 97.5,
                        "ci_sides": "two-sided",
                        "ci_low": -3,
                        "ci_high": 40.0,
                        "sd": 0.5,
                        "se": -0.79,
                        "p_value": "< .05",
                        "hypothesis": "non-inferiority",
                        "note": "AN",
                    }
                ],
            }
        ],
        "publications": [{"publication": "pub", "reports_pooled_data": True}],
        "overlaps_with": ["other"],
        "absent": {},
    },
    "mechanisms": {
        **CITED,
        "id": "m",
        "title": "T",
        "summary": "S",
        "action_type": "inhibitor",
        "molecular_target": "SNAP-25",
        "target_uniprot": "P60880",
        "toxin_uniprot": "P0DPI1",
        "toxin_ec_number": "3.4.24.69",
        "tissue": "T",
        "effect": "E",
        "serotypes": ["A", "B"],
        "products": ["p"],
        "studies": ["st"],
        "indications": ["i"],
        "absent": {},
    },
    "safety-notes": {
        **CITED,
        "id": "n",
        "kind": "warning",
        "title": "T",
        "statement": "S",
        "frequencies": [{"event": "E", "arm": "A", "n": 10, "events": 1, "percent": 10.0}],
        "products": ["p"],
        "indications": ["i"],
        "absent": {},
    },
    "approvals": {
        **CITED,
        "id": "ap",
        "regulator": "FDA",
        "date": "2010-10",
        "population": "Adults",
        "brand_name": "B1",
        "application_number": "BLA1",
        "submission": "SUPPL-1",
        "submission_status_date": "2010-10-15",
        "product": "p",
        "indication": "i",
        "absent": {},
    },
    "dosing": {
        **CITED,
        "id": "d",
        "population": "Adults",
        "statement": "S",
        "dose": "1 to 2 U",
        "unit": "U",
        "dose_initial": 1,
        "dose_min": 1.25,
        "dose_max": 2.5,
        "dose_min_per_kg": 3,
        "dose_max_per_kg": 6.0,
        "dose_per": "axilla",
        "max_dose": 100,
        "max_dose_basis": "MB",
        "max_cumulative_dose": 400,
        "max_cumulative_basis": "CB",
        "sites": "S",
        "retreatment_interval_weeks": 12,
        "retreatment_interval_weeks_min": 10,
        "retreatment_interval_months_min": 3,
        "onset": "O",
        "duration": "D",
        "label_country": "US",
        "product": "p",
        "indication": "i",
        "absent": {},
    },
    "directions": {
        **CITED,
        "id": "dir",
        "title": "T",
        "statement": "S",
        "kind": "exploring",
        "fields_of_use": ["cosmetic", "medical"],
        "products": ["p"],
        "indications": ["i"],
        "absent": {},
    },
}
IDS = {type: record["id"] for type, record in EVERYTHING.items()}
EVERYTHING |= {
    type: {**whole_record(type, IDS), **CITED, "id": "x", "absent": {}} for type in RESOURCES if type not in EVERYTHING
}
OTHER = {"id": "other", "title": "Another", "absent": {"phase": "not-reported"}, "provenance": [{"source": "s"}]}


def fields_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


@pytest.mark.parametrize("type", RESOURCES)
def test_nothing_that_can_be_entered_is_left_out_here(type: RecordType) -> None:
    assert set(EVERYTHING[type]) == fields_of(RESOURCES[type].entered)


def shown(value: Any, like: Any) -> Any:
    """A shown value in the terms in which it was entered: embedded records as their ids."""
    if isinstance(like, list):
        padded = list(like) + [like[-1] if like else None] * len(value)
        return [shown(item, was) for item, was in zip(value, padded, strict=False)]
    if isinstance(like, dict):
        renamed = {"publication": "id"} if "publication" in like else {}
        return {name: shown(value[renamed.get(name, name)], inner) for name, inner in like.items()}
    return value["id"] if isinstance(value, dict) and isinstance(like, str) else value


def test_every_field_comes_out_as_it_went_in(engine: Engine, tmp_path: Path) -> None:
    from hashlib import sha256

    EVERYTHING["sources"]["sha256"] = sha256(EVERYTHING["sources"]["text"].encode()).hexdigest()
    for type, record in EVERYTHING.items():
        records = [record, OTHER] if type == "studies" else [record]
        (tmp_path / f"{type}.yaml").write_text(yaml.safe_dump(records, allow_unicode=True))
    assert load(engine, tmp_path).created == len(EVERYTHING) + 1
    assert load(engine, tmp_path).unchanged == len(EVERYTHING) + 1
    with reading(engine) as connection:
        rows = connection.execute(select(Document.type, Document.id, Document.body)).all()
    bodies = {(row.type, row.id): orjson.loads(row.body) for row in rows}
    for type, record in EVERYTHING.items():
        document = bodies[type, record["id"]]
        for name, value in record.items():
            if name != "text":
                assert shown(document[name], value) == value, (type, name)
                assert repr(shown(document[name], value)) == repr(value), (type, name)
    assert bodies["studies", "other"]["absent"] == {"phase": "not-reported"}
    assert list(maintaining.check(engine)) == []
