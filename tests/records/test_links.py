"""Lists of what one link leads to: read from the link's own index, and the same as the long way round."""

import itertools
from pathlib import Path
from urllib.parse import urlencode

import httpx
import orjson
import pytest
import yaml
from sqlalchemy import Engine, func, select

from app.database.engine import open_engine, reading
from app.database.migrations import migrate
from app.query.link_lookup import link_of
from app.query.record_queries import read_list_query
from app.records.link_tables import Linked
from app.records.studies.models import STUDY_INDICATIONS, STUDY_PRODUCTS, Study
from app.records.studies.resource import STUDIES
from app.releases.load import load
from tests.conftest import SEEDS, await_index, serving, settings_for

LISTS = [
    {**link, **year, "sort": sort}
    for link, year, sort in itertools.product(
        [{"indication": "chronic-migraine"}, {"product": "botox"}],
        [{}, {"year": "2005.."}, {"year": "..2012"}, {"year": "2008..2014"}],
        ["-year", "year", "id", "-year,id", "-id"],
    )
]
OTHERWISE = [
    {"indication": "chronic-migraine", "product": "botox"},
    {"indication": "chronic-migraine,blepharospasm"},
    {"indication": "not:chronic-migraine"},
    {"indication": "chronic-migraine", "year": "2010"},
    {"indication": "chronic-migraine", "enrolled": "100.."},
    {"indication": "chronic-migraine", "sort": "-year,title"},
    {"indication": "chronic-migraine", "q": "pain"},
]


def all_pages(api: httpx.Client, query: dict[str, str]) -> tuple[list[str], set[int]]:
    url, ids, totals = f"/v1/studies?{urlencode(query)}", [], set()
    while url:
        page = api.get(url).json()
        ids += [item["id"] for item in page["items"]]
        totals.add(page["total"])
        url = page["next"]
    return ids, totals


@pytest.mark.parametrize("query", LISTS, ids=urlencode)
def test_a_link_s_pages_are_those_of_the_long_way(api: httpx.Client, query: dict[str, str]) -> None:
    await_index(api)
    assert link_of(STUDIES, read_list_query("studies", urlencode(query)))
    long_way = {**query, "title": "not:none-such"}
    assert link_of(STUDIES, read_list_query("studies", urlencode(long_way))) is None
    expected, totals = all_pages(api, {**long_way, "limit": "1000"})
    assert expected
    for limit in ("3", "200"):
        assert all_pages(api, {**query, "limit": limit}) == (expected, totals)


def test_what_does_not_stand_beside_a_link_goes_the_long_way() -> None:
    for query in OTHERWISE:
        assert link_of(STUDIES, read_list_query("studies", urlencode(query))) is None, query


def test_a_short_page_is_asked_for_in_place(seeded_url: str, backend: str, statements: list[str]) -> None:
    """Without the cache, which asks PostgreSQL for its revision: what is counted is how a page is made."""
    with serving(settings_for(seeded_url, answer_cache_bytes=0)) as api:
        await_index(api)
        statements.clear()
        answer = api.get("/v1/studies?indication=chronic-migraine&sort=-year&limit=7&year=1990..")
    assert len(answer.json()["items"]) == 7
    assert "study_indications.year" in statements[-1]
    assert len(statements) == 4
    assert ("FROM studies" in statements[-1]) is False, backend


def years(engine: Engine, link: Linked) -> tuple[int, int]:
    """How many links there are, and how many of them have another year than their study."""
    with reading(engine) as connection:
        of_study = select(func.count()).join_from(link.part.model, Study, Study.id == link.owner)
        wrong = of_study.where(link.beside["year"].is_distinct_from(Study.year))
        return connection.scalars(of_study).one(), connection.scalars(wrong).one()


def test_the_year_beside_a_link_follows_the_study_s(url: str, tmp_path: Path) -> None:
    engine = open_engine(url)
    migrate(engine)
    load(engine, SEEDS)
    with reading(engine) as connection:
        body = connection.exec_driver_sql(
            "SELECT body FROM documents WHERE type = 'studies' AND id = 'preempt-1' AND until_revision IS NULL"
        ).scalar_one()
    first = orjson.loads(body)["publications"][0]["id"]
    items = [item for file in (SEEDS).rglob("publications*.yaml") for item in yaml.safe_load(file.read_text())]
    (publication,) = [item for item in items if item["id"] == first]
    (tmp_path / "publications.yaml").write_text(yaml.safe_dump([{**publication, "year": 1999}]))
    load(engine, tmp_path)
    for link in (STUDY_INDICATIONS, STUDY_PRODUCTS):
        there, wrong = years(engine, link)
        assert there > 100
        assert wrong == 0
    with reading(engine) as connection:
        query = select(STUDY_INDICATIONS.beside["year"]).where(STUDY_INDICATIONS.owner == "preempt-1")
        assert set(connection.scalars(query)) == {1999}
    engine.dispose()
