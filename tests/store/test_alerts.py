"""What rests on a retracted publication says so: in the same revision, for as long as it is retracted."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, func, select, text

from app.database.engine import reading, writing
from app.query.record_queries import read_list_query
from app.query.sql_filters import conditions
from app.records.base_models import Alert
from app.records.document_paths import values
from app.records.registry import RESOURCES
from app.releases.load import load
from app.store import integrity as maintaining
from app.store.documents import Document, State
from tests.conftest import serving, settings_for

FILES = {
    "sources": """
- {id: pubmed, kind: bibliographic-record, tier: primary, url: "https://pubmed.ncbi.nlm.nih.gov/100/"}
- {id: resolver, kind: article, tier: primary, url: "http://dx.doi.org/10.1000/ABC%2f1"}
- {id: registry, kind: registry-record, tier: primary, url: "https://example.org/NCT1"}
- {id: page, kind: web-page, tier: other, url: "https://example.org/pubmed.ncbi.nlm.nih.gov/100/"}
- {id: aggregate, kind: compilation, tier: other, url: "https://doi.org/10.1000/abc/1"}
""",
    "publications": """
- {id: bad, pmid: "100", doi: 10.1000/Abc/1, title: Bad, provenance: [{source: pubmed}, {source: aggregate}]}
- {id: good, pmid: "1001", title: Good, provenance: [{source: registry}, {source: aggregate}]}
""",
    "studies": """
- {id: reported, title: R, publications: [{publication: good}, {publication: bad}], provenance: [{source: registry}]}
- {id: citing, title: C, provenance: [{source: resolver}]}
- {id: sound, title: S, publications: [{publication: good}], provenance: [{source: registry}, {source: aggregate}]}
""",
    "mechanisms": """
- {id: by-report, title: M, effect: E, studies: [reported], provenance: [{source: registry}]}
- {id: by-citation, title: M, effect: E, studies: [sound, citing], provenance: [{source: registry}]}
- {id: unmoved, title: M, effect: E, studies: [sound], provenance: [{source: aggregate}]}
""",
    "safety-notes": """
- {id: note, kind: tolerability, title: N, statement: N, provenance: [{source: page}, {source: pubmed}]}
- {id: calm, kind: tolerability, title: N, statement: N, provenance: [{source: page}, {source: aggregate}]}
""",
}
RESTING = {
    ("studies", "reported"),
    ("studies", "citing"),
    ("mechanisms", "by-report"),
    ("mechanisms", "by-citation"),
    ("safety-notes", "note"),
}


def put(path: Path, **files: str) -> Path:
    for name, content in files.items():
        (path / f"{name.replace('_', '-')}.yaml").write_text(content)
    return path


@pytest.fixture
def seeds(engine: Engine, tmp_path: Path) -> Path:
    load(engine, put(tmp_path, **FILES))
    return tmp_path


def marked(path: Path, state: str | None) -> Path:
    mark = f", retraction_state: {state}" if state else ""
    return put(path, publications=FILES["publications"].replace("title: Bad", f"title: Bad{mark}"))


def documents(engine: Engine) -> dict[tuple[str, str], dict[str, Any]]:
    query = select(Document.type, Document.id, Document.body).where(Document.until_revision.is_(None))
    with reading(engine) as connection:
        return {(type, id): orjson.loads(body) for type, id, body in connection.execute(query)}


def alerted(engine: Engine) -> set[tuple[str, str]]:
    return {key for key, document in documents(engine).items() if document.get("alerts")}


def test_a_retraction_travels_in_its_own_revision_and_back(engine: Engine, seeds: Path) -> None:
    assert alerted(engine) == set()
    done = load(engine, marked(seeds, "retracted"))
    assert (done.updated, done.refreshed) == (1, len(RESTING))
    assert alerted(engine) == RESTING
    with reading(engine) as connection:
        revision = connection.scalars(select(State.revision)).one()
        changed = select(Document.type, Document.id).where(Document.revision == revision)
        assert {tuple(row) for row in connection.execute(changed)} == {*RESTING, ("publications", "bad")}
    for key in RESTING:
        document = documents(engine)[key]
        assert document["alert"] == "retracted"
        assert document["alerts"] == [{"publication": "bad", "state": "retracted"}]
    study = documents(engine)["studies", "reported"]
    assert [report["retraction_state"] for report in study["publications"]] == [None, "retracted"]
    assert list(maintaining.check(engine)) == []

    assert load(engine, marked(seeds, "corrected")).refreshed == len(RESTING)
    assert {documents(engine)[key]["alert"] for key in RESTING} == {"corrected"}
    assert load(engine, marked(seeds, "none")).refreshed == len(RESTING)
    assert alerted(engine) == set()
    assert list(maintaining.check(engine)) == []


def test_the_worst_of_two_speaks(engine: Engine, seeds: Path) -> None:
    both = FILES["publications"].replace("title: Bad", "title: Bad, retraction_state: corrected")
    load(engine, put(seeds, publications=both.replace("title: Good", "title: Good, retraction_state: retracted")))
    found = documents(engine)
    assert found["studies", "reported"]["alert"] == "retracted"
    assert [alert["state"] for alert in found["mechanisms", "by-report"]["alerts"]] == ["corrected", "retracted"]
    assert found["studies", "citing"]["alert"] == "corrected"
    assert list(maintaining.check(engine)) == []


def test_a_change_of_what_is_cited_changes_what_is_rested_on(engine: Engine, seeds: Path) -> None:
    load(engine, marked(seeds, "retracted"))
    load(engine, put(seeds, studies=FILES["studies"].replace(", {publication: bad}", "")))
    assert alerted(engine) == RESTING - {("studies", "reported"), ("mechanisms", "by-report")}
    load(engine, put(seeds, sources=FILES["sources"].replace("/100/", "/1000/").replace("ABC%2f1", "other")))
    assert alerted(engine) == set()
    load(engine, put(seeds, sources=FILES["sources"]))
    assert alerted(engine) == RESTING - {("studies", "reported"), ("mechanisms", "by-report")}
    assert list(maintaining.check(engine)) == []


def test_an_identifier_given_later_finds_who_cites_it(engine: Engine, seeds: Path) -> None:
    unnamed = FILES["publications"].replace('pmid: "100", doi: 10.1000/Abc/1, title: Bad', "title: Bad")
    load(engine, put(seeds, publications=unnamed.replace("title: Bad", "title: Bad, retraction_state: retracted")))
    assert alerted(engine) == {("studies", "reported"), ("mechanisms", "by-report")}
    load(engine, marked(seeds, "retracted"))
    assert alerted(engine) == RESTING


@pytest.mark.parametrize("type", ["studies", "mechanisms", "safety-notes"])
def test_alerts_can_be_asked_for(engine: Engine, seeds: Path, type: Any) -> None:
    load(engine, marked(seeds, "expression-of-concern"))
    resource, all_of = RESOURCES[type], {id: d for (of, id), d in documents(engine).items() if of == type}
    expected = {id for of, id in RESTING if of == type}
    asked = {
        "retracted,expression-of-concern": expected,
        "retracted": set(),
        "missing": all_of.keys() - expected,
        "not:expression-of-concern": all_of.keys() - expected,
    }
    for wanted, ids in asked.items():
        query = read_list_query(type, f"alert={wanted}")
        statement = select(resource.sorts["id"]).where(*conditions(resource, query.tests))
        with reading(engine) as connection:
            assert set(connection.scalars(statement)) == ids, wanted
    assert {id for id, document in all_of.items() if values(type, document).get("alert")} == expected


def test_alerts_are_counted_and_found_over_http(url: str, engine: Engine, seeds: Path) -> None:
    load(engine, marked(seeds, "retracted"))
    with serving(settings_for(url)) as client:
        found = client.get("/v1/studies?alert=retracted&fields=id,alert&q=title:c").json()
        assert found["items"] == [{"id": "citing", "alert": "retracted"}]
        facets = client.get("/v1/studies?facets=alert&limit=0").json()["facets"]
        assert "retracted" in orjson.dumps(facets).decode()
        assert client.get("/v1/studies?alert=retractd").status_code == 422


def test_check_proves_alerts_and_rebuild_makes_them(engine: Engine, seeds: Path) -> None:
    load(engine, marked(seeds, "retracted"))
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM alerts WHERE record_type = 'safety-notes'"))
        connection.execute(text("INSERT INTO alerts VALUES ('mechanisms', 'unmoved', 'bad', 'corrected')"))
        connection.commit()
    faults = list(maintaining.check(engine))
    assert "safety-notes/note: the alerts are not what its rows say" in faults
    assert "mechanisms/unmoved: the alerts are not what its rows say" in faults
    maintaining.rebuild(engine, actor="test")
    assert list(maintaining.check(engine)) == []


def test_the_seeds_raise_no_alert(seeded_engine: Engine) -> None:
    """None of the seeds' publications is marked: their retraction state was not looked up."""
    with reading(seeded_engine) as connection:
        assert connection.scalars(select(func.count()).select_from(Alert)).one() == 0
    assert {d["retraction_state"] for (of, _), d in documents(seeded_engine).items() if of == "publications"} == {None}
