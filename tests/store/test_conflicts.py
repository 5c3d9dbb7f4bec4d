"""What imported sources say otherwise, as it is shown: in the record and in a list to work off."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Engine

from tests.changing import CITED, SOURCE, Json, Typed, change
from tests.conftest import serving, settings_for
from tests.importing import paper, take, trial

OURS: Json = {"title": "Ours", "enrolled": 679, **CITED}


@pytest.fixture
def client(engine: Engine, url: str) -> Iterator[httpx.Client]:
    """Five studies by hand of which a registry says otherwise, and a paper of which PubMed does."""
    numbers = [f"NCT0000000{number}" for number in range(5)]
    studies: list[Typed] = [
        ("studies", OURS | {"id": f"ours-{number.lower()}", "registry_ids": [number]}) for number in numbers
    ]
    ours: Typed = ("publications", {"id": "aurora", "pmid": "1", "title": "Ours", "year": 2010, **CITED})
    assert change(engine, [SOURCE, *studies, ours])
    take(engine, *(trial(number, title="Ours", enrolled=700) for number in numbers))
    take(engine, paper("1", title="Theirs", year=2011), format="pubmed", name="two")
    with serving(settings_for(url)) as client:
        yield client


def test_a_record_tells_what_sources_say_otherwise(client: httpx.Client) -> None:
    study = client.get("/v1/studies/NCT00000003").json()
    assert study["enrolled"] == 679
    assert study["conflicts"] == [
        {
            "field": "enrolled",
            "current": 679,
            "current_source": None,
            "proposed": 700,
            "source": "ctgov-nct00000003",
            "rule": "person-first",
        }
    ]


def test_all_are_listed_page_by_page(client: httpx.Client) -> None:
    found, address = [], "/v1/conflicts?limit=2"
    while address:
        answer = client.get(address)
        page = answer.json()
        assert page["total"] == 7
        assert len(page["items"]) <= 2
        assert answer.links.get("next", {}).get("url") == page["next"]
        found += page["items"]
        address = page["next"]
    assert [(one["id"], one["field"]) for one in found] == [
        ("aurora", "title"),
        ("aurora", "year"),
        *((f"ours-nct0000000{number}", "enrolled") for number in range(5)),
    ]
    assert client.get(found[0]["href"]).json()["conflicts"][0]["proposed"] == found[0]["proposed"] == "Theirs"
    assert found[-1]["revision"] > 1


def test_they_can_be_chosen(client: httpx.Client) -> None:
    def total(query: str) -> int:
        return int(client.get(f"/v1/conflicts?limit=0&{query}").json()["total"])

    assert total("type=publications") == 2
    assert total("type=studies&field=enrolled") == 5
    assert total("id=aurora,ours-nct00000001") == 3
    assert total("source=pubmed-1") == 2
    assert total("rule=person-first") == 7
    assert total("rule=first-come") == 0


@pytest.mark.parametrize(
    "query",
    ["rule=person", "field=enroled", "type=study", "id=nobody", "source=nobody", "kept=1", "limit=x", "cursor=x"],
)
def test_what_is_unknown_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/v1/conflicts?{query}")
    assert answer.status_code == (400 if query == "cursor=x" else 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_it_is_asked_for_again_without_work(client: httpx.Client) -> None:
    tag = client.get("/v1/conflicts").headers["etag"]
    assert client.get("/v1/conflicts", headers={"if-none-match": tag}).status_code == 304
