"""Lists and records over HTTP: filters, sort, paging, selection, names."""

from typing import Any

import httpx
import pytest

from app.records.registry import RESOURCES
from app.records.resource import Resource

Json = dict[str, Any]


def get(api: httpx.Client, path: str, **parameters: Any) -> Json:
    answer = api.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def ids(api: httpx.Client, path: str, **parameters: Any) -> list[str]:
    return [item["id"] for item in get(api, path, limit=1000, **parameters)["items"]]


def everything(api: httpx.Client, path: str) -> list[Json]:
    return get(api, path, limit=1000)["items"]  # type: ignore[no-any-return]


def walk(api: httpx.Client, url: str | None) -> list[str]:
    """All ids of a list, page by page."""
    found: list[str] = []
    while url:
        page = api.get(url).json()
        found += [item["id"] for item in page["items"]]
        url = page["next"]
    return found


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
def test_every_record_is_served(api: httpx.Client, resource: Resource) -> None:
    page = get(api, resource.path, limit=1000)
    assert page["total"] == len(page["items"]) > 0
    assert page["next"] is None
    for record in page["items"][:20]:
        assert api.get(f"{resource.path}/{record['id']}").json() == record


@pytest.mark.parametrize("resource", [r for r in RESOURCES.values() if r.type != "sources"], ids=lambda r: r.type)
def test_every_record_has_its_source(api: httpx.Client, resource: Resource) -> None:
    for record in everything(api, resource.path):
        assert record["provenance"], record["id"]
        assert {entry["status"] for entry in record["provenance"]} <= {"ok", "unquoted"}


@pytest.mark.parametrize(
    "sort",
    [
        "id",
        "-id",
        "year",
        "-year",
        "-year,title",
        "title,-year",
        "phase,-enrolled",
        "-phase,enrolled,-year",
        "-evidence_level,design,-title",
    ],
)
def test_pages_join_up_in_the_order_asked_for(api: httpx.Client, sort: str) -> None:
    found = walk(api, f"/v1/studies?sort={sort}&limit=7")
    expected = sorted(everything(api, "/v1/studies"), key=lambda study: study["id"], reverse=sort == "-id")
    for part in reversed(sort.split(",")):
        name = part.removeprefix("-")
        have = [study for study in expected if study[name] is not None]
        have.sort(key=lambda study: study[name], reverse=part.startswith("-"))
        expected = have + [study for study in expected if study[name] is None]
    assert found == [study["id"] for study in expected]


def test_the_last_page_has_no_next_and_links_say_the_same(api: httpx.Client) -> None:
    first = api.get("/v1/mechanisms?limit=10")
    assert first.headers["link"] == f'<{first.json()["next"]}>; rel="next"'
    last = api.get(first.json()["next"])
    assert last.json()["next"] is None
    assert "link" not in last.headers
    assert len(first.json()["items"]) + len(last.json()["items"]) == last.json()["total"]


def test_limit_0_is_the_count_alone(api: httpx.Client) -> None:
    assert get(api, "/v1/studies", limit=0) == {"items": [], "total": 194, "next": None}


def test_any_of_none_of_missing_and_present(api: httpx.Client) -> None:
    studies = everything(api, "/v1/studies")
    phase = {study["id"]: study["phase"] for study in studies}
    assert ids(api, "/v1/studies", phase="2,4") == [i for i in phase if phase[i] in ("2", "4")]
    assert ids(api, "/v1/studies", phase="not:3") == [i for i in phase if phase[i] != "3"]
    assert ids(api, "/v1/studies", phase="missing") == [i for i in phase if phase[i] is None]
    assert ids(api, "/v1/studies", phase="present") == [i for i in phase if phase[i]]


def test_none_of_and_missing_over_links(api: httpx.Client) -> None:
    products = {s["id"]: [p["id"] for p in s["products"]] for s in everything(api, "/v1/studies")}
    without = [i for i, held in products.items() if "onabotulinumtoxina" not in held]
    assert ids(api, "/v1/studies", product="not:botox") == without
    assert ids(api, "/v1/studies", product="missing") == [i for i, held in products.items() if not held]


def test_ranges_with_either_end_open(api: httpx.Client) -> None:
    year = {study["id"]: study["year"] for study in everything(api, "/v1/studies")}
    assert ids(api, "/v1/studies", year="2005..2015") == [i for i in year if year[i] and 2005 <= year[i] <= 2015]
    assert ids(api, "/v1/studies", year="..2000") == [i for i in year if year[i] and year[i] <= 2000]
    assert ids(api, "/v1/studies", year="2020..") == [i for i in year if year[i] and year[i] >= 2020]


def test_a_date_stands_for_all_it_contains(api: httpx.Client) -> None:
    date = {approval["id"]: approval["date"] for approval in everything(api, "/v1/approvals")}
    assert ids(api, "/v1/approvals", date="2010") == [i for i in date if date[i].startswith("2010")]
    assert ids(api, "/v1/approvals", date="..2010-07") == [i for i in date if date[i][:7] <= "2010-07"]
    assert ids(api, "/v1/approvals", date="not:2010") == [i for i in date if not date[i].startswith("2010")]
    assert "onabotulinumtoxina-chronic-migraine-mhra-2010-07" in ids(api, "/v1/approvals", date="2010-07..2010-07")


def test_a_parameter_given_twice_must_hold_twice(api: httpx.Client) -> None:
    both = api.get("/v1/studies?product=botox&product=dysport&limit=1000").json()["items"]
    assert both
    for study in both:
        assert {"onabotulinumtoxina", "abobotulinumtoxina"} <= {product["id"] for product in study["products"]}


def test_text_filters_take_the_whole_text_in_any_case_and_commas_in_quotes(api: httpx.Client) -> None:
    assert ids(api, "/v1/approvals", regulator="fda") == ids(api, "/v1/approvals", regulator="FDA") != []
    maker = '"Solstice Neurosciences, LLC"'
    assert ids(api, "/v1/products", manufacturer=maker) == ["rimabotulinumtoxinb"]


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("/v1/studies", {"indication": "chronic-migraine", "product": "botox"}, "preempt-1"),
        ("/v1/studies", {"indication": "transformed migraine"}, "preempt-1"),
        ("/v1/studies", {"mechanism": "snap25-cleavage"}, "mech-montecucco-schiavo-1995"),
        ("/v1/studies", {"publication": "10.1177/0333102410364676"}, "preempt-1"),
        ("/v1/studies", {"registry_id": "nct01516892"}, "compel"),
        ("/v1/studies", {"scope": "body-of-evidence"}, "botox-pivotal-trials"),
        ("/v1/safety-notes", {"product": "botox", "kind": "boxed-warning"}, "boxed-distant-spread"),
        ("/v1/safety-notes", {"quote": "present"}, "botox-high-safety-profile"),
        ("/v1/mechanisms", {"study": "mech-montecucco-schiavo-1995"}, "snap25-cleavage"),
        ("/v1/mechanisms", {"product": "botox"}, "acetylcholine-release-inhibition"),
        ("/v1/publications", {"study": "preempt-1"}, "pmid-20647170"),
        ("/v1/publications", {"author": "Aurora SK"}, "pmid-20647170"),
        ("/v1/indications", {"approved_by": "FDA", "approved_product": "xeomin"}, "blepharospasm"),
        ("/v1/indications", {"product": "xeomin"}, "blepharospasm"),
        (
            "/v1/dosing",
            {"product": "botox", "indication": "glabellar-lines"},
            "onabotulinumtoxina-glabellar-lines-adults-us",
        ),
        ("/v1/directions", {"field_of_use": "cosmetic"}, "refining-existing-uses"),
        ("/v1/sources", {"text": "present"}, "article"),
        ("/v1/studies", {"source": "https://pubmed.ncbi.nlm.nih.gov/20647170/"}, "preempt-1"),
        ("/v1/studies", {"evidence_basis": "secondary", "needs_primary_source": "true"}, "abo-gl-2-pivotal"),
    ],
)
def test_cross_links_work_as_filters(api: httpx.Client, path: str, parameters: Json, expected: str) -> None:
    found = ids(api, path, **parameters)
    assert expected in found
    assert len(found) < get(api, path, limit=0)["total"]


def test_needs_primary_source_makes_the_evidence_secondary(api: httpx.Client) -> None:
    for study in everything(api, "/v1/studies"):
        primary = any(entry["tier"] == "primary" for entry in study["provenance"])
        expected = "primary" if primary and not study["needs_primary_source"] else "secondary"
        assert study["evidence_basis"] == expected


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/v1/products/botox", "/v1/products/onabotulinumtoxina"),
        ("/v1/products/onabotulinumtoxinA", "/v1/products/onabotulinumtoxina"),
        ("/v1/indications/OAB", "/v1/indications/overactive-bladder"),
        ("/v1/publications/20647170", "/v1/publications/pmid-20647170"),
        ("/v1/publications/10.1177/0333102410364676", "/v1/publications/pmid-20647170"),
        ("/v1/publications/https://doi.org/10.1177/0333102410364676", "/v1/publications/pmid-20647170"),
        ("/v1/studies/PREEMPT%201", "/v1/studies/preempt-1"),
        ("/v1/sources/https://pubmed.ncbi.nlm.nih.gov/20647170/", "/v1/sources/pubmed-20647170"),
    ],
)
def test_any_name_finds_the_record(api: httpx.Client, path: str, canonical: str) -> None:
    answer = api.get(path)
    assert answer.headers["content-location"] == canonical
    direct = api.get(canonical)
    assert answer.content == direct.content
    assert "content-location" not in direct.headers


def test_a_name_of_several_records_lists_them(api: httpx.Client) -> None:
    answer = api.get("/v1/studies/NCT01516892")
    assert answer.status_code == 300
    assert [fault["nearest"][0] for fault in answer.json()["errors"]] == ["compel", "compel-safety"]


def test_fields_choose_and_dots_go_into_objects(api: httpx.Client) -> None:
    found = get(api, "/v1/studies/preempt-1", fields="id,publication.year,outcomes.results.mean")
    assert set(found) == {"id", "outcomes", "publication"}
    assert found["publication"] == {"year": 2010}
    assert found["outcomes"][0] == {"results": [{"mean": -5.2}, {"mean": -5.3}]}
    listed = get(api, "/v1/studies", fields="id,publication.year", ids="preempt-1")
    assert listed["items"] == [{"id": "preempt-1", "publication": {"year": 2010}}]


def test_include_puts_whole_records_where_their_names_stood(api: httpx.Client) -> None:
    plain = get(api, "/v1/studies/preempt-1")
    wide = get(api, "/v1/studies/preempt-1", include="publications,products,provenance")
    publication = get(api, "/v1/publications/pmid-20647170")
    assert wide["publications"] == [publication | {"reports_pooled_data": None}]
    assert wide["products"] == [get(api, "/v1/products/botox")]
    cited = [entry.pop("source_record") for entry in wide["provenance"]]
    assert cited[0] == get(api, f"/v1/sources/{plain['provenance'][0]['source']}")
    assert wide["provenance"] == plain["provenance"]


def test_fields_reach_into_what_is_included(api: httpx.Client) -> None:
    found = get(api, "/v1/studies/preempt-1", include="publications", fields="publications.title_kind")
    assert found == {"publications": [{"title_kind": "printed"}]}
    assert api.get("/v1/studies/preempt-1?fields=publications.title_kind").status_code == 422


def test_ids_ask_for_many_at_once_by_any_name(api: httpx.Client) -> None:
    wanted = "preempt-1,PREEMPT 2,nct01516892"
    assert ids(api, "/v1/studies", ids=wanted) == ["compel", "compel-safety", "preempt-1", "preempt-2"]
    every = [study["id"] for study in everything(api, "/v1/studies")]
    assert len(get(api, "/v1/studies", ids=",".join(every))["items"]) == len(every)


def test_numbers_keep_their_print(api: httpx.Client) -> None:
    text = api.get("/v1/studies/preempt-1").text
    assert '"mean":-5.2' in text
    assert '"p_value":".006"' in text
    assert '"p_bound":{"relation":"=","number":0.006}' in text


def test_a_printed_decimal_is_not_rounded_to_a_whole_number(api: httpx.Client) -> None:
    texts = [api.get(f"{path}?limit=1000").text for path in ("/v1/studies", "/v1/safety-notes")]
    assert any('"percent":36.0' in text for text in texts)
    assert any('"percent":3,' in text or '"percent":3}' in text for text in texts)
