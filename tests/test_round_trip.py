"""Whatever can be entered is kept and shown: a record of each type with every field it has, in and out again."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from pydantic import BaseModel
from sqlalchemy import Engine, select

from app import maintaining
from app.catalogue import RESOURCES
from app.db import reading
from app.documents import Document
from app.fields import RecordType
from app.loading.service import load

Json = dict[str, Any]

QUOTED: Json = {"source": "s", "section": "Results", "quote": "fell", "start": 9}
CITED: Json = {"note": "N", "needs_primary_source": True, "provenance": [QUOTED]}
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
        "title": "A report",
        "title_kind": "printed",
        "journal": "J",
        "year": 2011,
        "volume": "1",
        "issue": "2",
        "pages": "3-4",
        "authors": ["A B", "C D"],
        "authors_complete": False,
        "publication_types": ["Review"],
        "abstract": "Abs",
        "summary": "Sum",
        "retraction_state": "corrected",
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
        "masking": "none",
        "phase": "2-3",
        "status": "completed",
        "registry_ids": ["NCT00000001", "NCT00000002"],
        "comparators": ["placebo", "usual care"],
        "population": "Adults",
        "enrolled": 12,
        "included_studies": 0,
        "follow_up_weeks": 24,
        "start_date": "2009",
        "completion_date": "2010-03-04",
        "arms": [{"key": "a", "name": "A", "dose": "1 U", "n": 6}, {"key": "b", "name": "B", "dose": None, "n": None}],
        "adverse_events": [{"event": "E", "arm": "a", "period": "P", "n": 6, "events": 3, "percent": 50.0}],
        "conclusion": "C",
        "overlaps_note": "O",
        "overlaps_inferred": True,
        "products": ["p"],
        "indications": ["i"],
        "outcomes": [
            {
                "measure": "M",
                "role": "primary",
                "kind": "continuous",
                "timepoint_weeks": 12,
                "timepoint_label": "week 12",
                "analysis_population": "ITT",
                "p_value": "<0.001",
                "effect": {"type": "mean-difference", "value": -2, "ci_low": -3.5, "ci_high": -1.0},
                "results": [
                    {"arm": "a", "n": 6, "events": 3, "percent": 50, "mean": -5.2, "sd": 1.5, "se": 0.25},
                    {"arm": "b", "n": None, "events": None, "percent": None, "mean": 40.0, "sd": None, "se": None},
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
    assert load(engine, tmp_path).created == 11
    assert load(engine, tmp_path).unchanged == 11
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
