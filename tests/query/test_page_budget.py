"""Pages end where their items come to EVIDENCE_PAGE_BYTES, and `next` goes on: no record twice, none skipped."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.database.engine import reading as reading_of
from app.query.page_budget import by_place, converted, cut
from app.query.pages import Totals, now
from app.query.record_queries import read_list_query
from app.records.registry import RESOURCES
from app.search import lists as listing
from app.search.index import SearchIndex
from app.search.lists import Search
from app.search.service import Thesauri
from tests.changing import CITED, SOURCE, Json, Typed, change
from tests.conftest import await_index, keys_of, serving, settings_for
from tests.importing import take, trial
from tests.sockets import clients

SMALL, LARGE = 2_500, 6_000
"""Bytes; the smallest studies of the seeds are less than both, the largest are more."""


@pytest.fixture(scope="module")
def small(seeded_url: str) -> Iterator[httpx.Client]:
    """The service over the seeds with pages that most records are larger than."""
    with serving(settings_for(seeded_url, page_bytes=SMALL)) as client:
        await_index(client)
        yield client


@pytest.fixture(scope="module")
def large(seeded_url: str) -> Iterator[httpx.Client]:
    with serving(settings_for(seeded_url, page_bytes=LARGE)) as client:
        await_index(client)
        yield client


class Page(NamedTuple):
    sizes: list[int]
    """Of each item as it was sent."""
    ids: list[str]
    total: int | None
    limit: int
    hits: list[str]


def items_of(answer: httpx.Response) -> tuple[list[Json], list[int]]:
    """The items with the bytes of each, which are the body's own."""
    assert answer.status_code == 200, answer.text
    return items_in(answer.content)


def items_in(body: bytes) -> tuple[list[Json], list[int]]:
    items = orjson.loads(body)["items"]
    written = [orjson.dumps(item) for item in items]
    assert body.startswith(b'{"items":[%b]' % b",".join(written))
    return items, [len(one) for one in written]


def pages(client: httpx.Client, address: str | None) -> Iterator[Page]:
    """All pages of a list; each is asked for by HEAD too. There are thousands: a plain socket costs the least."""
    with clients(client, 1, "127.0.0.1") as (plain,):
        while address:
            status, headers, content = plain.ask(address).whole()
            assert status == 200, content
            body = orjson.loads(content)
            items, sizes = items_in(content)
            assert httpx.Response(200, headers=headers).links.get("next", {}).get("url") == body["next"]
            _, head = plain.ask(address, method="HEAD").head()
            for name in ("content-length", "etag", "link"):
                assert head.get(name) == headers.get(name)
            hits = [hit["id"] for hit in body.get("search", {}).get("hits", [])]
            ids = [str(item.get("id", item.get("version"))) for item in items]
            limit = int(httpx.URL(address).params.get("limit", "25"))
            yield Page(sizes, ids, body.get("total"), limit, hits)
            address = body["next"]


def end_where_they_must(found: list[Page], most_bytes: int) -> None:
    """No page exceeds the budget but one of a single item, and none ends before it must."""
    for page, following in zip(found, [*found[1:], None], strict=True):
        assert page.sizes or found == [page]
        assert len(page.sizes) <= page.limit
        assert sum(page.sizes) <= most_bytes or len(page.sizes) == 1
        if following and len(page.sizes) < page.limit:
            assert sum(page.sizes) + following.sizes[0] > most_bytes


def ids_of(found: list[Page]) -> list[str]:
    return [id for page in found for id in page.ids]


def by_relevance(query: str) -> bool:
    return "similar" in query or ("q=" in query and "sort=" not in query)


LISTS = [
    "studies?limit=1000",
    "studies?limit=7",
    *(
        f"studies?sort={sort}&limit=300"
        for sort in ("year", "-year", "-id", "phase,-enrolled", "-evidence_level,title")
    ),
    "studies?phase=3&design=not:crossover-trial&limit=500",
    "studies?product=botox&product=dysport&sort=-year&limit=100",
    "studies?registry_id=missing&sort=-year,-id&limit=100",
    "studies?indication=chronic-migraine&limit=100",
    "studies?product=botox&sort=-year&limit=100",
    "studies?product=botox&sort=-year&limit=1000",
    "studies?product=botox&year=2005..&sort=year&limit=50",
    "studies?ids=preempt-1,preempt-2,NCT02191579,compel-safety",
    "studies?facets=design,year&limit=60&sort=title",
    "studies?q=pain&limit=1000",
    "studies?q=migraine&limit=9",
    "studies?q=pain&sort=-year&limit=1000",
    "studies?q=pain&facets=design&limit=100",
    "studies?fields=id&limit=1000",
    "studies?fields=id,title,arms&sort=-year&limit=1000",
    "studies?q=botox&fields=id,title&limit=1000",
    "studies?q=botox&fields=id,title&sort=year&limit=1000",
    "publications?limit=1000",
    "approvals?sort=-date&limit=1000",
    "search?q=botox&limit=1000",
    "search?q=migraine+pain&type=studies,safety-notes&limit=40",
    "studies/preempt-1/similar?limit=1000",
    "changes?since=0&limit=1000&type=studies,sources",
]


@pytest.mark.parametrize("query", LISTS)
def test_pages_join_up_to_the_list_and_end_where_they_must(
    api: httpx.Client, small: httpx.Client, large: httpx.Client, query: str
) -> None:
    expected = list(pages(api, f"/v1/{query}"))
    assert ids_of(expected)
    for client, most_bytes in ((small, SMALL), (large, LARGE)):
        found = list(pages(client, f"/v1/{query}"))
        if by_relevance(query):  # each process orders records of one score in its own way
            assert sorted(ids_of(found)) == sorted(ids_of(expected))
        else:
            assert ids_of(found) == ids_of(expected)
        assert {page.total for page in found} == {expected[0].total}
        end_where_they_must(found, most_bytes)
        if "q=" in query or "similar" in query:
            assert [page.hits for page in found] == [page.ids for page in found]
        assert len(found) >= len(expected)
    assert len(found) > 1 or sum(map(sum, (page.sizes for page in expected))) <= LARGE


@pytest.mark.parametrize(
    "query",
    [
        "studies?include=publications,products,provenance&limit=300",
        "studies?include=publications&sort=-year&limit=100",
        "studies?include=publications&fields=id,publications.title&limit=1000",
        "studies?q=pain&include=publications&limit=100",
        "studies?q=pain&include=publications&sort=-year&limit=100",
        "mechanisms?include=studies&limit=100",
        "publications?include=studies&limit=200",
    ],
)
def test_pages_of_embedded_records_join_up(
    api: httpx.Client, small: httpx.Client, large: httpx.Client, query: str
) -> None:
    """They may end sooner than they must, since what is parsed is bounded too, but never later."""
    expected = list(pages(api, f"/v1/{query}"))
    for client, most_bytes in ((small, SMALL), (large, LARGE)):
        found = list(pages(client, f"/v1/{query}"))
        assert sorted(ids_of(found)) == sorted(ids_of(expected))
        assert by_relevance(query) or ids_of(found) == ids_of(expected)
        assert all(sum(page.sizes) <= most_bytes or len(page.sizes) == 1 for page in found)
        assert len(found) > len(expected)


@pytest.mark.parametrize("query", ["sort=-year", "product=botox&sort=-year", "q=pain&sort=-year"])
def test_the_budget_itself_still_fits(api: httpx.Client, seeded_url: str, query: str) -> None:
    items, sizes = items_of(api.get(f"/v1/studies?{query}&limit=10"))
    exactly = sum(sizes[:4])
    for most_bytes, shown in ((exactly, 4), (exactly - 1, 3), (exactly + sizes[4] - 1, 4), (exactly + sizes[4], 5)):
        with serving(settings_for(seeded_url, page_bytes=most_bytes)) as client:
            await_index(client)
            page = client.get(f"/v1/studies?{query}&limit=10").json()
            assert page["items"] == items[:shown]
            assert client.get(page["next"]).json()["items"][0] == items[shown]


def test_a_record_larger_than_the_budget_is_a_page_alone(api: httpx.Client, small: httpx.Client) -> None:
    sizes = items_of(api.get("/v1/studies?limit=1000"))[1]
    assert max(sizes) > LARGE > SMALL > min(sizes)
    found = list(pages(small, "/v1/studies?limit=1000"))
    assert [page.sizes for page in found if sum(page.sizes) > SMALL] == [[size] for size in sizes if size > SMALL]
    assert any(len(page.sizes) > 1 for page in pages(small, "/v1/studies?fields=id&limit=1000"))


def test_the_last_page_says_that_it_is(small: httpx.Client) -> None:
    """Whether it is the limit, the budget or the list that ends it."""
    total = small.get("/v1/studies?limit=0").json()
    assert (total["items"], total["next"]) == ([], None)
    last = list(pages(small, "/v1/studies?sort=-id&limit=1000"))[-1].ids
    one = small.get(f"/v1/studies?ids={last[-1]}").json()
    assert (len(one["items"]), one["next"]) == (1, None)


def test_what_is_sent_counts_and_not_what_is_stored(large: httpx.Client, api: httpx.Client) -> None:
    total = api.get("/v1/studies?limit=0").json()["total"]
    assert len(large.get("/v1/studies?fields=id&limit=100").json()["items"]) == 100
    assert len(api.get("/v1/studies?fields=id&limit=1000").json()["items"]) == total
    assert len(large.get("/v1/studies?limit=100").json()["items"]) < 20


def test_two_budgets_are_two_representations(api: httpx.Client, large: httpx.Client, small: httpx.Client) -> None:
    for address in ("/v1/studies?limit=100", "/v1/search?q=botox", "/v1/studies?product=botox&limit=20"):
        tags = [client.get(address).headers["etag"] for client in (api, large, small)]
        assert len(set(tags)) == 3
        assert large.get(address, headers={"if-none-match": tags[1]}).status_code == 304
        assert large.get(address, headers={"if-none-match": tags[0]}).status_code == 200


def test_a_cursor_of_another_budget_is_good(small: httpx.Client, large: httpx.Client, api: httpx.Client) -> None:
    following = small.get("/v1/studies?sort=-year&limit=30").json()["next"]
    one = items_of(small.get(following))[0]
    assert items_of(large.get(following))[0][: len(one)] == one
    assert items_of(api.get(following))[0][: len(one)] == one


def test_exports_are_no_pages(api: httpx.Client, small: httpx.Client) -> None:
    for format in ("csv", "ndjson"):
        address = f"/v1/studies?format={format}&sort=-year"
        assert small.get(address).content == api.get(address).content


def test_similar_records_go_on(api: httpx.Client) -> None:
    total = api.get("/v1/studies/preempt-1/similar?limit=1").json()["total"]
    found = list(pages(api, "/v1/studies/PREEMPT%201/similar?limit=50"))
    ids = ids_of(found)
    assert len(ids) == len(set(ids)) == total > 50
    following = api.get("/v1/studies/preempt-1/similar?limit=3").json()["next"]
    assert api.get(following.replace("preempt-1", "preempt-2")).status_code == 400
    assert api.get("/v1/studies/preempt-1/similar?cursor=x").status_code == 400


class World(NamedTuple):
    """Studies of many sizes that have changed since a moment, some of them gone and some new."""

    then: str
    url: str


SIZES = [10, 900, 5_000, 10, 40, 2_500, 990, 10, 10, 7_000]


def study(number: int, **more: Any) -> Typed:
    note = "n" * SIZES[number % len(SIZES)]
    year = {"start_date": f"{2000 + number % 7}"} if number % 3 else {}
    return "studies", {"id": f"st-{number:02}", "title": f"Pain {number}", "note": note, **CITED, **year, **more}


@pytest.fixture
def world(engine: Engine, url: str) -> World:
    assert change(engine, [SOURCE, *(study(number) for number in range(40))])
    for round in range(6):
        assert change(engine, [study(3, enrolled=round)], reason="r" * 300)
    then = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    edited = [study(number, note="n" * 3_000, start_date="2011") for number in range(0, 40, 4)]
    assert change(engine, [*edited, *(study(number) for number in range(40, 50))])
    assert change(engine, [], [("studies", f"st-{number:02}") for number in (5, 6, 17, 38)])
    return World(then, url)


def test_lists_of_the_past_end_too(world: World) -> None:
    with (
        serving(settings_for(world.url)) as whole,
        serving(settings_for(world.url, page_bytes=1_000)) as small,
        serving(settings_for(world.url, page_bytes=6_100)) as large,
    ):
        for query in (
            "limit=1000",
            "sort=-year&limit=1000",
            "sort=year,-id&limit=7",
            "sort=-id&fields=id,note&limit=30",
        ):
            address = f"/v1/studies?{query}&as_of={world.then}"
            expected = list(pages(whole, address))
            assert len(ids_of(expected)) == 40
            for client, most_bytes in ((small, 1_000), (large, 6_100)):
                found = list(pages(client, address))
                assert ids_of(found) == ids_of(expected)
                assert {page.total for page in found} == {40}
                end_where_they_must(found, most_bytes)
        included = f"/v1/studies?include=provenance&limit=50&as_of={world.then}"
        assert ids_of(list(pages(small, included))) == ids_of(list(pages(whole, included)))


def test_versions_and_changes_end_too(world: World) -> None:
    with serving(settings_for(world.url)) as whole, serving(settings_for(world.url, page_bytes=1_000)) as small:
        for address in ("/v1/studies/st-03/versions?limit=100", "/v1/changes?since=0&limit=1000"):
            found, expected = list(pages(small, address)), list(pages(whole, address))
            assert ids_of(found) == ids_of(expected)
            assert len(expected) == 1 < len(found)
            end_where_they_must(found, 1_000)


def test_conflicts_and_releases_end_too(engine: Engine, url: str) -> None:
    numbers = [f"NCT0000000{number}" for number in range(8)]
    ours: Json = {"title": "Ours", "enrolled": 679, **CITED}
    studies: list[Typed] = [("studies", ours | {"id": f"s-{n.lower()}", "registry_ids": [n]}) for n in numbers]
    assert change(engine, [SOURCE, *studies])
    for round in range(8):
        take(engine, trial(numbers[round], title="Ours", enrolled=700), name=f"import-{round}")
    with serving(settings_for(url)) as whole, serving(settings_for(url, page_bytes=1_000)) as small:
        for client in (whole, small):
            client.headers["authorization"] = f"Bearer {keys_of(engine)['admin']}"
        for address in ("/v1/conflicts?limit=100", "/v1/releases?limit=100"):
            expected = whole.get(address).json()
            items: list[Json] = []
            following, read = address, 0
            while following:
                page = small.get(following).json()
                assert sum(len(orjson.dumps(item)) for item in page["items"]) <= 1_000
                assert page["total"] == expected["total"]
                items, following, read = items + page["items"], page["next"], read + 1
            assert items == expected["items"]
            assert expected["next"] is None
            assert read > 1


def test_facets_with_too_many_values_are_refused(engine: Engine, url: str) -> None:
    """The index counts 65,000 values and pairs of them at most; a study with 260 products and conditions has more."""
    products = [f"p{number}" for number in range(260)]
    conditions = [f"i{number}" for number in range(260)]
    others: list[Typed] = [("products", {"id": id, "name": f"Product {id}", **CITED}) for id in products]
    others += [("indications", {"id": id, "name": f"Condition {id}", **CITED}) for id in conditions]
    assert change(engine, [SOURCE, *others, study(1, products=products, indications=conditions)])
    with serving(settings_for(url)) as client:
        await_index(client)
        fewer = client.get("/v1/studies?facets=product,indication&facet_limit=1000&limit=0").json()["facets"]
        assert fewer["product"]["distinct"] == len(fewer["indication"]["values"]) == 260
        refused = client.get("/v1/studies?facets=product*indication&limit=0")
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["parameter"] == "facets"


def test_many_unknown_names_are_not_all_looked_for(api: httpx.Client, statements: list[str]) -> None:
    unknown = ",".join(f"preempt-x{number}" for number in range(400))
    for query in (f"ids={unknown}", f"publication={unknown}"):
        statements.clear()
        refused = api.get(f"/v1/studies?{query}")
        assert refused.status_code == 422
        errors = refused.json()["errors"]
        assert len(errors) == 20
        assert len(statements) < 20
    assert "preempt-1" in api.get(f"/v1/studies?ids={unknown}").json()["errors"][0]["nearest"]


QUERIES = [
    "limit=200",
    "limit=11&sort=-year",
    "sort=-evidence_level,title&limit=100",
    "product=botox&sort=-year&limit=40",
    "indication=chronic-migraine&year=2005..&limit=40",
    "phase=3&limit=90&sort=enrolled",
    "q=pain&limit=80",
    "q=migraine&sort=year&limit=80",
    "fields=id,year&sort=-year&limit=150",
    "include=products&limit=60&sort=title",
]


@given(st.sampled_from(QUERIES), st.integers(1, 40_000))
@settings(deadline=None, max_examples=60)
def walk_under_any_budget(engine: Engine, search: Search, raw: str, most_bytes: int) -> None:
    resource, totals = RESOURCES["studies"], Totals(100)
    with reading_of(engine) as connection:
        at = now(connection)

        def walk(raw: str, most_bytes: int) -> Iterator[list[bytes]]:
            address: str | None = f"?{raw}"
            while address:
                query = read_list_query("studies", address.partition("?")[2])
                page = listing.page(connection, resource, query, at, totals, search, most_bytes)
                yield list(page.documents)
                address = page.next

        found, expected = list(walk(raw, most_bytes)), list(walk(raw, 10**9))
    assert [item for page in found for item in page] == [item for page in expected for item in page]
    assert all(len(page) == 1 or sum(map(len, page)) <= most_bytes for page in found)


def test_any_budget_gives_the_same_list(seeded_engine: Engine) -> None:
    index = SearchIndex(None, seeded_engine)
    with reading_of(seeded_engine) as connection:
        index.build(connection, now(connection))
    walk_under_any_budget(seeded_engine, Search(index, Thesauri()))


def test_no_more_is_read_than_tells_that_the_list_goes_on() -> None:
    read: list[int] = []

    def rows(size: int) -> Iterator[tuple[bytes, int]]:
        for number in range(100):
            read.append(number)
            yield b"x" * size, number

    for size, limit, most_bytes, shown in ((10, 5, 1000, 5), (10, 50, 100, 10), (10, 50, 99, 9), (500, 50, 100, 1)):
        read.clear()
        found = cut(rows(size), limit, most_bytes)
        assert (len(found.rows), found.is_more, len(read)) == (shown, True, shown + 1)
    assert cut(rows(1), 100, 100) == cut(rows(1), 1000, 1000)
    assert not cut(rows(1), 100, 100).is_more
    assert cut(iter(()), 5, 5) == ([], False)


def test_the_row_that_is_only_looked_at_is_not_converted() -> None:
    made: list[int] = []

    def convert(row: Any) -> Any:
        made.append(row[1])
        return (b"", row[1])

    assert len(cut(converted(((b"x", number) for number in range(9)), 4, convert), 4, 100).rows) == 4
    assert made == [0, 1, 2, 3]


@given(st.permutations(range(1, 9)), st.sets(st.integers(1, 8)))
def test_rows_come_by_their_place(order: list[int], gone: set[int]) -> None:
    rows = [(None if place in gone else b"x", place) for place in order]
    assert [row[1] for row in by_place(rows)] == [place for place in range(1, 9) if place not in gone]
