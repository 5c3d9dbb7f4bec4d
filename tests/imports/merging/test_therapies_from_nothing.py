"""A label, registry records and articles of one drug give all kinds of records, linked, in whatever order they come."""

import random
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import permutations
from typing import Any, NamedTuple

import orjson
import pytest
from sqlalchemy import Engine, func, select

from app.database.engine import open_engine, reading
from app.imports.candidates import SourceItem
from app.imports.name_index import read_names
from app.imports.provisional import NOTE
from app.imports.registry import FORMATS
from app.store import integrity as maintaining
from app.store.documents import Document
from tests.conftest import _copied
from tests.importing import paper, take
from tests.imports.merging.stored import document, edit, ids
from tests.offered import DATA

Json = dict[str, Any]


class File(NamedTuple):
    """A file of a format."""

    format: str
    content: bytes


def trial(number: int, *interventions: Json, conditions: Iterable[tuple[str, str]] = (), pmid: str = "") -> File:
    """A registry record with interventions, and with conditions each with its MeSH id; empty for none."""
    meshes = [{"id": id, "term": name} for name, id in conditions if id]
    references = {"references": [{"pmid": pmid, "type": "RESULT", "citation": "A"}]} if pmid else {}
    study = {
        "protocolSection": {
            "identificationModule": {"nctId": f"NCT{number:08}", "briefTitle": f"Trial {number}"},
            "conditionsModule": {"conditions": [name for name, _ in conditions]},
            "armsInterventionsModule": {"interventions": list(interventions)},
            "referencesModule": references,
        },
        "derivedSection": {"conditionBrowseModule": {"meshes": meshes}},
    }
    return File("ctgov", orjson.dumps(study))


def drug(name: str, *others: str, type: str = "DRUG") -> Json:
    return {"type": type, "name": name} | ({"otherNames": list(others)} if others else {})


def label(number: int, name: str, brand: str, use: str) -> File:
    """A label with a mechanism, an indication, a dose and a warning."""
    sections = {
        "43679-0": f"<text>{name} inhibits an enzyme.</text>",
        "34067-9": f"<text>{brand} is indicated for the treatment of {use}.</text>",
        "34068-7": "<text>The recommended dose is 10 mg once daily.</text>",
        "34071-1": "<text>It may harm the liver.</text>",
    }
    product = (
        f"<subject><manufacturedProduct><manufacturedProduct><name>{brand}</name><asEntityWithGeneric><genericMedicine>"
        f"<name>{name}</name></genericMedicine></asEntityWithGeneric></manufacturedProduct></manufacturedProduct></subject>"
    )
    coded = "".join(f'<section><code code="{code}"/>{text}</section>' for code, text in sections.items())
    body = "".join(f"<component>{each}</component>" for each in (f"<section>{product}</section>", coded))
    parts = body.replace("</section><section>", "</section></component><component><section>")
    content = (
        f'<document xmlns="urn:hl7-org:v3"><title>{brand}</title>'
        f'<setId root="{number:08}-0000-4000-8000-000000000000"/>'
        f"<component><structuredBody>{parts}</structuredBody></component></document>"
    )
    return File("label", content.encode())


def bring(engine: Engine, *files: File) -> None:
    """Imports files, each in a run of its own, as a reader reads them then."""
    for file in files:
        with reading(engine) as connection:
            names = read_names(connection)
            runs = connection.scalar(select(func.max(Document.revision))) or 0
        items = list(FORMATS[file.format].units(BytesIO(file.content), "a file", names))
        assert all(isinstance(item, SourceItem) for item in items)
        report = take(engine, *items, format=file.format, name=f"import-{runs}")
        assert not report.refusals_total, report.refusals


def lasting(value: Any) -> Any:
    """A document without the times at which it was written."""
    if isinstance(value, dict):
        times = ("checked_at", "retrieved_on", "version", "updated_at", "created_at", "revision")
        return {name: lasting(each) for name, each in value.items() if name not in times}
    return [lasting(each) for each in value] if isinstance(value, list) else value


def documents(engine: Engine) -> dict[tuple[str, str], Any]:
    with reading(engine) as connection:
        query = select(Document.type, Document.id, Document.body).where(Document.until_revision.is_(None))
        rows = connection.execute(query.where(Document.change != "deleted")).all()
    return {(type, id): lasting(orjson.loads(body)) for type, id, body in rows}


Imported = Callable[[Iterable[File]], dict[tuple[str, str], Any]]
"""Imports files into a new database, proves it, and returns its documents."""


@pytest.fixture
def imported(
    migrated_template: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Imported:
    def into_new(files: Iterable[File]) -> dict[tuple[str, str], Any]:
        engine = open_engine(_copied(migrated_template, tmp_path_factory.mktemp("new"), request))
        bring(engine, *files)
        found = documents(engine)
        assert list(maintaining.check(engine)) == []
        engine.dispose()
        return found

    return into_new


HYPERTENSION = (("Hypertension", "D006973"),)
ATORVASTATIN = label(1, "atorvastatin calcium", "Lipitor", "hyperlipidemia")


def test_a_label_a_registry_record_and_an_article_give_all_kinds_of_records_linked(engine: Engine) -> None:
    bring(engine, ATORVASTATIN)
    conditions = (("Hyperlipidemia", ""), *HYPERTENSION)
    bring(engine, trial(1, drug("Atorvastatin 40mg/Day"), drug("Placebo"), conditions=conditions, pmid="7"))
    take(engine, paper("7"), format="pubmed", name="papers")
    study = document(engine, "studies", "nct00000001")
    assert [each["id"] for each in study["products"]] == ["atorvastatin"]
    assert [each["id"] for each in study["indications"]] == ["hyperlipidemia", "hypertension"]
    assert [each["id"] for each in study["publications"]] == ["pmid-7"]
    for type in ("mechanisms", "safety-notes", "approvals", "dosing"):
        assert len(ids(engine, type)) == 1
    assert ids(engine, "products") == {"atorvastatin"}
    assert document(engine, "products", "atorvastatin")["note"] is None
    assert document(engine, "indications", "hypertension")["note"] == NOTE


def test_what_registry_records_name_waits_for_a_person(engine: Engine) -> None:
    interventions = (
        drug("Metformin Extended-Release 500 mg BID"),
        drug("Insulin Glargine 100 U/mL"),
        drug("adalimumab", type="BIOLOGICAL"),
        drug("Placebo for metformin"),
        drug("Amlodipine + Atorvastatin"),
        drug("sitagliptin or linagliptin"),
        drug("Background metformin"),
        drug("Standard of care"),
        drug("Laparoscopy", type="PROCEDURE"),
        drug("Walking", type="BEHAVIORAL"),
    )
    bring(engine, trial(1, *interventions, conditions=HYPERTENSION))
    assert ids(engine, "products") == {"metformin", "insulin-glargine", "adalimumab"}
    product = document(engine, "products", "metformin")
    assert (product["note"], product["needs_primary_source"]) == (NOTE, True)
    assert [each["source"] for each in product["provenance"]] == ["ctgov-nct00000001"]
    [mesh] = [document(engine, "indications", "hypertension")["mesh"]]
    assert mesh == {"id": "D006973", "heading": "Hypertension", "match": "exact"}
    edit(engine, "products", "metformin", note=None, needs_primary_source=False)
    bring(engine, trial(2, drug("metformin")))
    seen = document(engine, "products", "metformin")
    assert (seen["note"], seen["needs_primary_source"]) == (None, False)
    assert [each["id"] for each in document(engine, "studies", "nct00000002")["products"]] == ["metformin"]


def test_parts_of_conditions_are_no_indications(engine: Engine) -> None:
    """NLM derives Hernia from `Herniated Disc` and Stroke from what follows one; a label is for stroke itself."""
    late = trial(1, conditions=(("Dysarthria as Late Effect of Stroke", ""),))
    derived = orjson.loads(late.content)
    derived["derivedSection"]["conditionBrowseModule"]["meshes"] = [
        {"id": "D020521", "term": "Stroke"},
        {"id": "D006547", "term": "Hernia"},
    ]
    late = late._replace(content=orjson.dumps(derived))
    bring(engine, late, label(1, "alteplase", "Activase", "stroke"), late)
    assert ids(engine, "indications") == {"stroke"}
    assert document(engine, "studies", "nct00000001")["indications"] == []


def test_the_same_registry_record_after_a_label_changes_nothing(engine: Engine) -> None:
    """The record has a condition without a heading, and its drug is provisional before the label comes."""
    record = trial(1, drug("Humira"), drug("adalimumab"), conditions=(("Pain of knees", ""), *HYPERTENSION))
    bring(engine, record, label(1, "adalimumab", "Humira", "psoriasis"))
    before = documents(engine)
    assert [each["id"] for each in document(engine, "studies", "nct00000001")["products"]] == ["adalimumab"]
    bring(engine, record)
    assert documents(engine) == before


ORDERS: dict[str, tuple[File, ...]] = {
    "by its brand alone": (
        label(1, "adalimumab", "Humira", "psoriasis"),
        trial(1, drug("Humira")),
        trial(2, drug("Adalimumab 40 mg")),
    ),
    "by another name": (
        label(1, "certolizumab pegol", "Cimzia", "psoriasis"),
        trial(1, drug("CDP870", "Cimzia")),
        trial(2, drug("CDP870")),
    ),
    "of salts and forms": (
        ATORVASTATIN,
        label(2, "atorvastatin", "Atorva", "hyperlipidemia"),
        trial(1, drug("Atorvastatin calcium 10 mg tablets")),
    ),
    "of conditions": (
        label(1, "sumatriptan", "Imitrex", "migraine"),
        trial(1, drug("Sumatriptan"), conditions=(("Migraine", "D008881"),)),
        trial(2, drug("Sumatriptan"), conditions=(("Migraine Disorders", "D008881"),)),
    ),
    "of the same heading": (
        label(1, "amlodipine besylate", "Norvasc", "hypertension"),
        trial(1, drug("Amlodipine"), conditions=HYPERTENSION),
        trial(2, drug("Norvasc 5 mg"), conditions=HYPERTENSION),
    ),
    "of registry records alone": tuple(
        trial(number, drug("Drug: Docetaxel 75 mg/m2"), conditions=HYPERTENSION) for number in (1, 2, 3)
    ),
}


@pytest.mark.parametrize("what", ORDERS)
def test_the_order_of_imports_does_not_matter(imported: Imported, what: str) -> None:
    """Labels keep their order, because the first label stands where two differ."""
    labels = [file for file in ORDERS[what] if file.format == "label"]
    orders = [each for each in permutations(ORDERS[what]) if [file for file in each if file in labels] == labels]
    found = [imported(order) for order in orders]
    for other in found[1:]:
        assert other == found[0]


@pytest.mark.skipif(not (DATA / "labels").is_dir(), reason="real files are not here")
def test_the_order_of_real_files_does_not_matter(imported: Imported) -> None:
    labels = [File("label", path.read_bytes()) for path in (DATA / "labels").glob("*.xml") if "otc" not in path.name]
    trials = [path.read_bytes() for path in sorted((DATA / "ctgov/studies").glob("*.json"))][::4]
    first = imported([*labels, _together(trials)])
    assert {type for type, _ in first} >= {"mechanisms", "studies", "indications", "safety-notes", "products"}
    for seed in range(3):
        chance = random.Random(seed)
        chance.shuffle(trials)
        at = chance.randrange(1, len(trials))
        files = [*labels, _together(trials[:at]), _together(trials[at:])]
        chance.shuffle(files)
        assert imported(files) == first


def _together(studies: list[bytes]) -> File:
    return File("ctgov", b"\n".join(orjson.dumps(orjson.loads(study)) for study in studies))
