"""Words find records: the language, synonyms, why a hit is one, and help where there is none."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text
from tantivy import Query

from app.common.problems import Invalid
from app.database.engine import open_engine
from app.database.engine import reading as read_only
from app.query import name_resolution as naming
from app.query import pages as reading
from app.query.record_queries import read_list_query
from app.query.search_syntax import parse
from app.query.sql_filters import conditions
from app.records.document_paths import parts, value_paths
from app.records.registry import RESOURCES
from app.records.studies.models import Study
from app.records.studies.resource import STUDIES
from app.releases.load import load
from app.search.analysis import terms
from app.search.index import SearchIndex
from app.search.query_compiler import SCHEMA, filter_query
from app.search.service import all_ids, count
from benchmarks.data import grow
from tests.conftest import SEEDED, NewDatabase, await_index, serving, settings_for

Json = dict[str, Any]


def search(api: httpx.Client, q: str, path: str = "/v1/search", **parameters: Any) -> Json:
    answer = api.get(path, params={"q": q, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def found(api: httpx.Client, q: str, path: str = "/v1/studies", **parameters: Any) -> list[str]:
    return [item["id"] for item in search(api, q, path, limit=1000, **parameters)["items"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("randomised", "randomized"),
        ("sialorrhea", "sialorrhoea"),
        ("paediatric", "pediatric"),
        ("haematuria", "hematuria"),
    ],
)
def test_british_and_american_words_find_the_same(api: httpx.Client, one: str, other: str) -> None:
    answers = [search(api, word, expand="false", limit=1000) for word in (one, other)]
    assert answers[0]["total"] == answers[1]["total"] > 0
    assert [item["id"] for item in answers[0]["items"]] == [item["id"] for item in answers[1]["items"]]


def test_a_passage_is_marked_as_it_is_printed(api: httpx.Client) -> None:
    marked = {
        hit["snippet"]["text"][start:end].lower()
        for hit in search(api, "randomized", limit=1000)["search"]["hits"]
        for start, end in hit["snippet"]["marks"]
    }
    assert {"randomised", "randomized"} <= marked


def test_all_words_must_be_there_unless_none_has_them_all(api: httpx.Client) -> None:
    every = search(api, "topiramate migraine", "/v1/studies")
    assert every["search"]["match"] == "all"
    assert {"topiram", "migrain"} <= {
        term for hit in every["search"]["hits"] for some in hit["matched"].values() for term in some
    }
    best = search(api, "topiramate wrinkles glabellar cerebral", "/v1/studies")
    assert best["search"]["match"] == "any"
    assert best["total"] > 0
    none = search(api, "topiramate wrinkles glabellar cerebral", "/v1/studies", match="all")
    assert (none["search"]["match"], none["total"]) == ("all", 0)
    assert len(found(api, "topiramate migraine", match="any")) > len(found(api, "topiramate migraine"))


def test_phrases_or_without_beginnings_and_fields(api: httpx.Client) -> None:
    phrase = set(found(api, '"eyelid ptosis"', expand="false"))
    assert phrase
    assert phrase < set(found(api, "eyelid OR ptosis"))
    assert set(found(api, "ptosis -eyelid", expand="false")).isdisjoint(found(api, "eyelid", expand="false"))
    assert set(found(api, "migraine")) <= set(found(api, "migr*"))
    titled = found(api, "title:migraine")
    assert titled
    assert set(titled) < set(found(api, "migraine", expand="false"))
    assert "poewe-1998" in found(api, 'event:dysphagia OR event:"dry mouth"')
    assert set(found(api, "(dysphagia OR ptosis) dysport")) >= {"poewe-1998"}


@pytest.mark.parametrize("q", ["migraine NOT children", "migraine AND NOT children", "migraine !children"])
def test_not_excludes_however_it_is_written(api: httpx.Client, q: str) -> None:
    wanted = found(api, "migraine -children", "/v1/studies")
    assert found(api, q) == wanted
    assert set(wanted).isdisjoint(found(api, "children", match="all", expand="false"))
    both = "migraine NOT (children OR dysphagia)"
    assert set(found(api, both)) == set(found(api, "migraine -children -dysphagia"))


def test_and_requires_both_words_whatever_match_is(api: httpx.Client) -> None:
    assert set(found(api, "dysphagia AND wryneck", match="any")) == set(found(api, "dysphagia wryneck", match="all"))


def test_operators_in_small_letters_are_words_and_the_answer_says_so(api: httpx.Client) -> None:
    assert search(api, "migraine not children", "/v1/studies")["search"]["plain_words"] == ["not"]
    assert "plain_words" not in search(api, 'migraine "not children"', "/v1/studies")["search"]
    assert found(api, "dysphagia and wryneck") == found(api, "dysphagia wryneck")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("botox", "onabotulinumtoxinA"),
        ("frown lines", "glabellar lines"),
        ("OAB", "overactive bladder"),
        ("wryneck", "cervical dystonia"),
        ("dysport", "abobotulinumtoxinA"),
    ],
)
def test_names_of_one_thing_find_each_other(api: httpx.Client, one: str, other: str) -> None:
    by_one, exact = search(api, one, limit=1000), search(api, f'"{other}"', limit=1000, expand="false")
    assert exact["total"]
    assert {hit["id"] for hit in exact["search"]["hits"]} <= {hit["id"] for hit in by_one["search"]["hits"]}
    for asked, told in ((one, other), (other, one)):
        expanded = search(api, asked)["search"]["expanded"]
        assert told.lower() in {name.lower() for names in expanded.values() for name in names}
    assert search(api, one, expand="false")["search"]["expanded"] == {}


def test_words_are_found_without_case_accents_and_endings(api: httpx.Client) -> None:
    assert found(api, "MIGRAINES") == found(api, "migraine") == found(api, "migräine")


def test_each_hit_explains_itself(api: httpx.Client) -> None:
    page = search(api, "headache episodes", "/v1/studies", limit=5)
    hits = page["search"]["hits"]
    assert [hit["id"] for hit in hits] == [item["id"] for item in page["items"]]
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    for hit in hits:
        snippet = hit["snippet"]
        marked = [snippet["text"][start:end] for start, end in snippet["marks"]]
        assert marked
        assert {terms(word)[0] for word in marked} <= set(hit["matched"][snippet["part"]])


def test_words_combine_with_filters_sort_paging_and_fields(api: httpx.Client) -> None:
    narrowed = search(api, "migraine", "/v1/studies", phase="3", fields="id,phase", sort="-year", limit=3)
    assert {item["phase"] for item in narrowed["items"]} == {"3"}
    walked: list[str] = []
    url: str | None = "/v1/studies?q=placebo&limit=7"
    while url:
        page = api.get(url).json()
        walked += [item["id"] for item in page["items"]]
        url = page["next"]
    assert len(walked) == len(set(walked)) == page["total"]
    assert walked == found(api, "placebo")
    ordered = found(api, "placebo", sort="-year,title")
    everything = [s["id"] for s in api.get("/v1/studies?sort=-year,title&limit=1000").json()["items"]]
    assert ordered == [id for id in everything if id in set(walked)]


def test_no_hit_helps(api: httpx.Client) -> None:
    page = search(api, "migrane", "/v1/studies", expand="false")
    assert page["total"] == 0
    assert page["search"]["spelling"][0]["word"] == "migrane"
    assert "migraine" in page["search"]["spelling"][0]["nearest"]
    hidden = search(api, "topiramate", "/v1/studies", phase="2", design="cohort")
    assert hidden["total"] == 0
    for entry in hidden["search"]["without"]:
        rest = {"phase": "2", "design": "cohort"}
        del rest[entry["parameter"]]
        assert entry["total"] == search(api, "topiramate", "/v1/studies", **rest)["total"] > 0


def test_a_search_across_types_counts_each(api: httpx.Client) -> None:
    page = search(api, "dysphagia", limit=1000)
    assert sum(page["search"]["types"].values()) == page["total"] == len(page["items"])
    for type, number in page["search"]["types"].items():
        assert search(api, "dysphagia", f"/v1/{type}", limit=0)["total"] == number
    some = search(api, "dysphagia", type="studies,safety-notes", limit=1000)
    assert {item["type"] for item in some["items"]} == {"studies", "safety-notes"}


def test_similar_studies(api: httpx.Client) -> None:
    ids = [item["id"] for item in api.get("/v1/studies/PREEMPT%201/similar?limit=3").json()["items"]]
    assert "preempt-2" in ids
    assert "preempt-1" not in ids
    assert api.get("/v1/studies/none-such/similar").status_code == 404


@pytest.mark.parametrize("type", RESOURCES)
def test_facets_are_what_the_list_would_return(api: httpx.Client, type: str) -> None:
    resource = RESOURCES[type]  # type: ignore[index]
    names = [name for name, kind in resource.kinds.items() if kind.name in ("word", "reference", "boolean")]
    for name in names[:8]:
        page = api.get(f"/v1/{type}", params={"facets": name, "limit": "0", "facet_limit": "10000"}).json()
        facet = page["facets"][name]
        assert facet["distinct"] == len(facet["values"])
        assert api.get(f"/v1/{type}", params={name: "missing", "limit": "0"}).json()["total"] == facet["missing"]
        for entry in facet["values"][:5]:
            value = str(entry["value"]).lower() if isinstance(entry["value"], bool) else entry["value"]
            assert api.get(f"/v1/{type}", params={name: value, "limit": "0"}).json()["total"] == entry["count"]


def test_facets_cross_and_follow_the_live_query(api: httpx.Client) -> None:
    asked: Json = {
        "q": "toxin",
        "year": "2010..",
        "facets": "design,year,indication*design",
        "facet_limit": 500,
        "limit": 0,
    }
    page = api.get("/v1/studies", params=asked).json()
    table = page["facets"]["indication*design"]["values"]
    for entry in table[:6]:
        for inner in entry["by"]:
            narrowed = {
                "q": "toxin",
                "year": "2010..",
                "indication": entry["value"],
                "design": inner["value"],
                "limit": 0,
            }
            assert api.get("/v1/studies", params=narrowed).json()["total"] == inner["count"]
    assert all(isinstance(entry["value"], int) for entry in page["facets"]["year"]["values"])


HOSTILE = [
    "a" * 3000,
    " OR ".join(["x"] * 200),
    "the of and",
    "!!! ???",
    '"unclosed',
    "(((((((((((((a)))))))))))))",
    "a OR",
    "a NOT",
    "AND a",
    "a AND OR b",
    "NOT",
    "-",
    "*",
    "a*",
    "title:",
    "titel:migraine",
    "()",
]


@pytest.mark.parametrize("q", HOSTILE)
def test_what_cannot_be_looked_for_is_a_clear_problem(api: httpx.Client, q: str) -> None:
    for path in ("/v1/search", "/v1/studies"):
        answer = api.get(path, params={"q": q})
        assert answer.status_code == 422, answer.text
        assert [fault["parameter"] for fault in answer.json()["errors"]] == ["q"]


@pytest.mark.parametrize("q", ["מיגרנה", "a\tb\x07c", "(a+)+$ [x]{1,99999}", "AND NOT OR-x", "x:y:z" * 3, "é" * 50])
def test_odd_queries_are_answered(api: httpx.Client, q: str) -> None:
    assert api.get("/v1/search", params={"q": q}).status_code in (200, 422)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(Invalid):
        assert parse(text, parts())


def test_unknown_facets_are_refused(api: httpx.Client) -> None:
    for value in ("title", "desing", "design*phase*year", "conclusion"):
        assert api.get("/v1/studies", params={"facets": value}).status_code == 422


def test_every_filter_has_its_values_in_the_documents() -> None:
    for type, resource in RESOURCES.items():
        assert set(value_paths(type)) | {"absent", "absence_reason"} >= set(resource.filters)
        assert RESOURCES[type].texts["title"]


# One filter, two compilers


RAW: dict[str, Callable[[st.DrawFn, list[Any]], str]] = {
    "any": lambda draw, known: ",".join(draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))),
    "none": lambda draw, known: f"not:{draw(st.sampled_from(known))}",
    "missing": lambda draw, known: "missing",
    "present": lambda draw, known: "present",
}


@st.composite
def raw_filter(draw: st.DrawFn, known: dict[str, list[str]], ranged: dict[str, Any]) -> tuple[str, str]:
    name = draw(st.sampled_from(sorted(known)))
    if name in ranged and draw(st.booleans()):
        low, high = sorted(
            draw(st.tuples(st.sampled_from(known[name]), st.sampled_from(known[name]))), key=ranged[name]
        )
        return name, draw(st.sampled_from([f"{low}..{high}", f"{low}..", f"..{high}"]))
    return name, RAW[draw(st.sampled_from(sorted(RAW)))](draw, known[name])


@pytest.fixture(scope="module")
def index(seeded_engine: Engine) -> SearchIndex:
    return SearchIndex(None, seeded_engine)


@pytest.mark.parametrize("type", RESOURCES)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_sql_and_index_agree_on_every_filter(
    api: httpx.Client, seeded_engine: Engine, index: SearchIndex, type: str, data: st.DataObject
) -> None:
    resource = RESOURCES[type]  # type: ignore[index]
    known = _known_values(api, type)
    ranged = {n: float if k.name == "number" else str for n, k in resource.kinds.items() if k.ranged}
    chosen = data.draw(st.lists(raw_filter(known, ranged), min_size=1, max_size=3))
    raw = urlencode(chosen)
    query = read_list_query(resource.type, raw)
    with read_only(seeded_engine) as connection:
        at = reading.now(connection)
        resolved = naming.resolve(connection, resource, query)
        ids = select(resource.sorts["id"]).where(*conditions(resource, resolved.tests))
        rows = select(func.count()).select_from(ids.subquery())
        by_sql = connection.scalar(rows)
        by_index = count(index.current(connection, at), filter_query(resource.type, resolved.tests))
    assert by_sql == by_index, raw


_VALUES: dict[str, dict[str, list[str]]] = {}


def _known_values(api: httpx.Client, type: str) -> dict[str, list[str]]:
    """Values of each filter as they are written in an address, from the documents."""
    if type not in _VALUES:
        from app.records.document_paths import at

        documents = api.get(f"/v1/{type}?limit=1000").json()["items"]
        found = {n: {v for d in documents for v in at(d, p)} for n, p in value_paths(type).items()}
        _VALUES[type] = {n: sorted(map(_written, vs))[:40] for n, vs in found.items() if vs}
    return _VALUES[type]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


@pytest.fixture(scope="module", params=[600, pytest.param(5_000, marks=pytest.mark.long)])
def many(request: pytest.FixtureRequest, backend: str, new_seeded: NewDatabase) -> Iterator[Engine]:
    """The seeds with copies of their studies, of many years and sizes."""
    engine = open_engine(new_seeded(backend))
    grow(engine, request.param)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def index_of_many(many: Engine) -> SearchIndex:
    index = SearchIndex(None, many)
    with read_only(many) as connection:
        index.build(connection, reading.now(connection))
    return index


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_sql_and_index_find_the_same_of_many(
    api: httpx.Client, many: Engine, index_of_many: SearchIndex, data: st.DataObject
) -> None:
    known = _known_values(api, "studies") | {"year": ["1990", "2005", "2020"], "enrolled": ["10", "500", "3000.5"]}
    ranged = {n: float if k.name == "number" else str for n, k in STUDIES.kinds.items() if k.ranged}
    raw = urlencode(data.draw(st.lists(raw_filter(known, ranged), min_size=1, max_size=4)))
    with read_only(many) as connection:
        query = naming.resolve(connection, STUDIES, read_list_query("studies", raw))
        rows = select(Study.id).where(*conditions(STUDIES, query.tests, many=data.draw(st.booleans())))
        by_sql = set(connection.scalars(rows))
        searcher = index_of_many.current(connection, reading.now(connection))
    assert set(all_ids(searcher, filter_query("studies", query.tests))) == by_sql, raw


# The index follows the database


BUILD = """
import sys
from pathlib import Path
from app.database.engine import open_engine, reading as read_only
from app.query import pages as reading
from app.search.index import SearchIndex
engine = open_engine(sys.argv[1])
index = SearchIndex(Path(sys.argv[2]), engine)
with read_only(engine) as connection:
    print("begun", flush=True)
    index.build(connection, reading.now(connection))
"""


def test_an_index_killed_at_any_moment_is_whole_afterwards(copied: Engine, sqlite_copy: Path, tmp_path: Path) -> None:
    path = tmp_path / "index"
    for number in range(8):
        command = [sys.executable, "-c", BUILD, f"sqlite:///{sqlite_copy}", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        time.sleep(number * 0.03)
        process.kill()
        process.communicate()
        change(copied, tmp_path / "change", f"Zebrafish{number}")
    index = SearchIndex(path, copied)
    assert total(copied, index) == SEEDED
    with read_only(copied) as connection:
        searcher = index.current(connection, reading.now(connection))
        assert count(searcher, Query.term_query(SCHEMA, "title", "zebrafish7")) == 1
        assert count(searcher, Query.term_query(SCHEMA, "title", "zebrafish6")) == 0


@pytest.fixture
def copied(sqlite_copy: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    yield engine
    engine.dispose()


def total(engine: Engine, index: SearchIndex) -> int:
    with read_only(engine) as connection:
        return index.current(connection, reading.now(connection)).num_docs - 1


def change(engine: Engine, folder: Path, title: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "directions.yaml").write_text(
        f"- id: refining-existing-uses\n  title: {title}\n  statement: S\n  kind: refining\n"
        "  provenance:\n  - source: article\n"
    )
    load(engine, folder)


@pytest.mark.parametrize("kept", [False, True], ids=["in memory", "shared on disk"])
def test_a_change_is_found_by_the_very_next_search(
    sqlite_copy: Path, copied: Engine, tmp_path: Path, *, kept: bool
) -> None:
    path = str(tmp_path / "index") if kept else ":memory:"
    same = settings_for(f"sqlite:///{sqlite_copy}", search_path=path)
    with serving(same) as one, serving(same) as two:
        for client in (one, two):
            await_index(client)
        for number in range(5):
            change(copied, tmp_path / "change", f"Zebrafish{number}")
            for client in (one, two):
                assert search(client, f"zebrafish{number}")["total"] == 1
                assert number == 0 or search(client, f"zebrafish{number - 1}", match="all")["total"] == 0


def test_the_index_is_kept_caught_up_and_made_anew(copied: Engine, tmp_path: Path) -> None:
    path = tmp_path / "index"
    assert total(copied, SearchIndex(path, copied)) == SEEDED
    change(copied, tmp_path / "change", "Zebrafish")
    assert total(copied, SearchIndex(path, copied)) == SEEDED
    (directory,) = path.iterdir()
    for file in directory.glob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    assert total(copied, SearchIndex(path, copied)) == SEEDED
    shutil.rmtree(path)
    assert total(copied, SearchIndex(path, copied)) == SEEDED


def test_an_index_of_another_database_is_not_used(copied: Engine, seeded_engine: Engine, tmp_path: Path) -> None:
    with copied.begin() as connection:
        connection.execute(text("UPDATE database_state SET epoch = '0123456789abcdef'"))
    total(copied, SearchIndex(tmp_path / "index", copied))
    total(seeded_engine, SearchIndex(tmp_path / "index", seeded_engine))
    assert len(list((tmp_path / "index").iterdir())) == 2


def test_lists_answer_while_the_index_cannot(sqlite_copy: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    with serving(settings_for(f"sqlite:///{sqlite_copy}", search_path=str(blocked))) as client:
        assert client.get("/v1/studies?limit=0").json()["total"] == 194
        for path in (
            "/v1/studies?q=botox",
            "/v1/studies?facets=design",
            "/v1/search?q=x",
            "/v1/studies?q=x&format=csv",
        ):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/search-not-ready")
            assert int(answer.headers["retry-after"]) > 0
