"""A record's versions, what differs between them, deleted records, and how long answers about the past may be kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonpatch import JsonPatch, apply_patch
from sqlalchemy import Engine

from app.api.http.conditional import IMMUTABLE, REVALIDATED
from app.common.problems import Problem
from app.database.engine import open_engine
from app.database.migrations import migrate
from app.history.versions import MOST_BYTES, patch_between
from app.query.pages import DatabaseState
from app.query.sort_position_cache import SortPositionCache
from tests.changing import CITED, SOURCE, Json, Typed, change
from tests.conftest import NewDatabase, serving, settings_for

PRODUCT: Json = {"id": "p", "name": "First", "brand_names": ["Brand"], **CITED}


def study(**more: Any) -> Typed:
    return "studies", {"id": "st", "title": "T", "products": ["p"], **CITED, **more}


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Told:
    """Six changes to a study, and a moment after each: made, edited, refreshed, deleted, restored, edited."""

    def __init__(self, engine: Engine) -> None:
        self.moments: list[str] = []
        self._note(engine, [SOURCE, ("products", PRODUCT), study()], reason="begin")
        self._note(engine, [study(enrolled=5)], reason="counted")
        self._note(engine, [("products", PRODUCT | {"name": "Second"})], reason="renamed")
        self._note(engine, [], reason="withdrawn", gone=True)
        self._note(engine, [study(enrolled=6)], reason="back again")
        self._note(engine, [study(enrolled=7)], reason="counted again")

    def _note(self, engine: Engine, records: list[Typed], *, reason: str, gone: bool = False) -> None:
        assert change(engine, records, [("studies", "st")] if gone else [], reason)
        self.moments.append(now())


@pytest.fixture(scope="module")
def engine(backend: str, new_database: NewDatabase) -> Iterator[Engine]:
    engine = open_engine(new_database(backend))
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def told(engine: Engine) -> Told:
    return Told(engine)


@pytest.fixture(scope="module")
def client(engine: Engine, told: Told) -> Iterator[httpx.Client]:
    url = engine.url.render_as_string(hide_password=False)
    with serving(settings_for(url, answer_cache_bytes=1_000_000)) as client:
        yield client


def test_versions_say_when_who_and_why_the_newest_first(client: httpx.Client) -> None:
    answer = client.get("/v1/studies/st/versions")
    page = answer.json()
    assert [(item["version"], item["change"], item["reason"]) for item in page["items"]] == [
        (6, "updated", "counted again"),
        (5, "restored", "back again"),
        (4, "deleted", "withdrawn"),
        (3, "refreshed", "renamed"),
        (2, "updated", "counted"),
        (1, "created", "begin"),
    ]
    assert (page["total"], page["next"]) == (6, None)
    assert {item["actor"] for item in page["items"]} == {"tester"}
    sent = client.get("/v1/studies/st", headers={"accept-encoding": "identity"}).headers["etag"]
    assert f'"{page["items"][0]["etag"]}"' == sent
    assert answer.headers["cache-control"] == REVALIDATED


def test_versions_are_paged(client: httpx.Client) -> None:
    found, following = [], "/v1/studies/st/versions?limit=4"
    while following:
        page = client.get(following).json()
        found += [item["version"] for item in page["items"]]
        following = page["next"]
    assert found == [6, 5, 4, 3, 2, 1]
    assert client.get("/v1/studies/st/versions?limit=0").json() == {"items": [], "total": 6, "next": None}


def test_a_version_shows_what_was_sent_and_what_was_entered(client: httpx.Client) -> None:
    items = client.get("/v1/studies/st/versions").json()["items"]
    whole = {item["version"]: client.get(item["href"]) for item in items}
    second, refreshed, deleted = (whole[number].json() for number in (2, 3, 4))
    assert second["document"]["enrolled"] == second["entered"]["enrolled"] == 5
    assert second["entered"]["products"] == ["p"]
    assert second["document"]["products"] == [{"id": "p", "name": "First"}]
    assert refreshed["document"]["products"] == [{"id": "p", "name": "Second"}]
    assert refreshed["entered"] is None
    assert (deleted["document"], deleted["entered"], deleted["change"]) == (None, None, "deleted")
    assert {answer.headers["cache-control"] for answer in whole.values()} == {IMMUTABLE}
    assert all("until" not in answer.text for answer in whole.values())


def test_a_version_that_is_asked_for_by_another_name_is_not_for_ever(client: httpx.Client) -> None:
    answer = client.get("/v1/products/brand/versions/1")
    assert answer.json()["document"]["name"] == "First"
    assert answer.headers["content-location"] == "/v1/products/p/versions/1"
    assert answer.headers["cache-control"] == REVALIDATED


@pytest.mark.parametrize("path", ["st/versions/7", "st/versions/0", "st/versions/x", "st/versions/1.0", "no/versions"])
def test_versions_that_there_are_not(client: httpx.Client, path: str) -> None:
    assert client.get(f"/v1/studies/{path}").status_code == 404
    assert client.get(f"/v1/stories/{path}").status_code == 404


def test_a_difference_leads_from_one_document_to_the_other_and_back(client: httpx.Client) -> None:
    documents = [client.get(f"/v1/studies/st/versions/{number}").json()["document"] for number in range(1, 7)]
    for first, one in enumerate(documents, 1):
        for last, other in enumerate(documents, 1):
            answer = client.get(f"/v1/studies/st/diff?from={first}&to={last}")
            found = answer.json()
            assert apply_patch(one, found["patch"]) == other
            assert [reason["version"] for reason in found["reasons"]] == [
                *range(min(first, last) + 1, max(first, last) + 1)
            ]
            assert answer.headers["cache-control"] == IMMUTABLE
    told = client.get("/v1/studies/st/diff?from=1&to=3").json()
    assert {"op": "replace", "path": "/products/0/name", "value": "Second"} in told["patch"]
    assert [(reason["actor"], reason["reason"]) for reason in told["reasons"]] == [
        ("tester", "counted"),
        ("tester", "renamed"),
    ]


Part = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, "a", "b", "~/"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "~/"]), inner, max_size=3),
    max_leaves=12,
)


@given(Part, Part)
@settings(max_examples=300, deadline=None)
def test_patches_are_right_whatever_they_compare(one: Any, other: Any) -> None:
    """Also where 1, 1.0 and true take turns, which Python takes for equal."""
    patch = JsonPatch.from_diff(one, other, optimization=False)
    assert repr(_sorted(patch.apply(one))) == repr(_sorted(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=1", 422),
        ("from=1&to=x", 422),
        ("from=0&to=1", 422),
        ("from=1&to=2&fields=id", 422),
        ("from=1&from=2&to=2", 422),
        ("from=1&to=5000", 422),
        ("from=1&to=7", 404),
    ],
)
def test_differences_that_cannot_be_told(client: httpx.Client, query: str, status: int) -> None:
    assert client.get(f"/v1/studies/st/diff?{query}").status_code == status


def test_a_deleted_record_is_gone_and_its_history_is_not(engine: Engine, client: httpx.Client, told: Told) -> None:
    records = [("studies", {"id": "short", "title": "S", **CITED})]
    assert change(engine, records)  # type: ignore[arg-type]
    there = now()
    assert change(engine, [], [("studies", "short")])
    for path in ("/v1/studies/short", "/v1/studies/short?fields=id", f"/v1/studies/short?as_of={now()}"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/gone")
        assert answer.headers["link"] == '</v1/studies/short/versions/1>; rel="predecessor-version"'
        assert answer.json()["errors"][0]["nearest"] == ["/v1/studies/short/versions/1"]
    assert client.get("/v1/studies/short/versions").json()["total"] == 2
    assert client.get(f"/v1/studies/short?as_of={there}").json()["title"] == "S"
    assert client.get("/v1/studies?ids=short").status_code == 422
    assert client.get(f"/v1/studies?ids=short&as_of={there}").json()["total"] == 1
    assert client.get(f"/v1/studies/short?as_of={told.moments[0]}").status_code == 404


def test_names_are_those_of_now_and_records_those_of_then(client: httpx.Client, told: Told) -> None:
    first = told.moments[0]
    answer = client.get(f"/v1/products/brand?as_of={first}")
    assert answer.json()["name"] == "First"
    assert answer.headers["content-location"] == "/v1/products/p"
    assert answer.headers["cache-control"] == REVALIDATED
    found = client.get(f"/v1/studies?product=brand&as_of={first}")
    assert found.json()["items"][0]["products"] == [{"id": "p", "name": "First"}]
    assert found.headers["cache-control"] == REVALIDATED
    assert client.get(f"/v1/products/first?as_of={first}").status_code == 404


def test_what_cannot_change_any_more_may_be_kept_for_ever(client: httpx.Client, told: Told) -> None:
    queries = (
        "/v1/studies/st",
        "/v1/studies/st?fields=id",
        "/v1/studies",
        "/v1/studies?product=p",
        "/v1/studies?format=csv",
    )
    for path in queries:
        url = f"{path}{'&' if '?' in path else '?'}as_of={told.moments[1]}"
        answer = client.get(url)
        assert answer.headers["cache-control"] == IMMUTABLE, url
        again = client.get(url, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, IMMUTABLE)
        latest = client.get(f"{path}{'&' if '?' in path else '?'}as_of={now()}")
        assert latest.headers["cache-control"] == REVALIDATED


def test_a_later_change_leaves_the_tags_of_the_past_alone(engine: Engine, client: httpx.Client, told: Told) -> None:
    url = f"/v1/studies?sort=-enrolled&as_of={told.moments[1]}"
    before = client.get(url)
    assert change(engine, [study(enrolled=int(datetime.now(UTC).timestamp()) % 1000)])
    after = client.get(url)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


def test_before_there_was_anything(client: httpx.Client) -> None:
    assert client.get("/v1/studies?as_of=2001-01-01").json() == {"items": [], "total": 0, "next": None}
    assert client.get("/v1/studies?as_of=2001-01-01&format=csv").text.count("\r\n") == 1
    assert client.get("/v1/studies/st?as_of=2001-01-01").status_code == 404
    assert client.get("/v1/studies/st?as_of=2001-01-01&fields=id").status_code == 404


@pytest.mark.parametrize(
    "value",
    [
        "2026-13-01",
        "2026-02-30",
        "2026",
        "2026-01-01T12:00:00",
        "2026-01-01T25:00Z",
        "now",
        "",
        "٢٠٢٦-٠١-٠١",
        "9999-12-31",
    ],
)
def test_moments_that_cannot_be_read(client: httpx.Client, value: str) -> None:
    for path in ("/v1/studies", "/v1/studies/st"):
        answer = client.get(path, params={"as_of": value})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "as_of"


def test_the_future_and_a_day_that_is_not_over_are_refused(client: httpx.Client) -> None:
    today = datetime.now(UTC)
    answer = client.get(f"/v1/studies?as_of={today:%Y-%m-%d}")
    assert answer.status_code == 422
    assert "is not over" in answer.json()["detail"]
    assert client.get(f"/v1/studies?as_of={today + timedelta(days=1):%Y-%m-%d}").status_code == 422
    assert client.get(f"/v1/studies?as_of={today + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}").status_code == 422
    assert client.get(f"/v1/studies?as_of={today - timedelta(days=1):%Y-%m-%d}").json()["total"] == 0


def test_offsets_are_understood_escaped_or_not(client: httpx.Client, told: Told) -> None:
    moment = datetime.fromisoformat(told.moments[1]) + timedelta(hours=2)
    for sign in ("%2B", "+"):
        url = f"/v1/studies/st?as_of={moment:%Y-%m-%dT%H:%M:%S.%f}{sign}02:00"
        assert client.get(url).json()["enrolled"] == 5, url


@pytest.mark.parametrize("more", ["q=t", "facets=design", "q=t&match=all", "facets=design&facet_limit=1"])
def test_words_and_counts_are_only_of_now(client: httpx.Client, told: Told, more: str) -> None:
    answer = client.get(f"/v1/studies?{more}&as_of={told.moments[0]}")
    assert answer.status_code == 422
    assert "cannot be combined with as_of" in answer.json()["detail"]
    for path in ("/v1/search?q=t", "/v1/studies/st/similar?limit=1"):
        refused = client.get(f"{path}&as_of={told.moments[0]}")
        assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "as_of")


def test_a_cursor_belongs_to_its_moment(engine: Engine, client: httpx.Client, told: Told) -> None:
    first = client.get(f"/v1/sources?as_of={told.moments[0]}&limit=1").json()
    assert first["next"] is None
    some: list[Typed] = [("studies", {"id": f"page-{n}", "title": "P", **CITED}) for n in range(3)]
    assert change(engine, some)
    following = client.get(f"/v1/studies?as_of={now()}&limit=1").json()["next"]
    assert client.get(following).status_code == 200
    other = following.replace("as_of=", "as_of=2020-01-01&was=").replace("was=", "sort=id&title=not:")
    assert client.get(other).status_code == 400


def test_a_page_of_the_past_takes_a_fixed_number_of_statements(
    client: httpx.Client, told: Told, statements: list[str]
) -> None:
    for limit, expected in ((1, 5), (100, 3)):  # what has changed and the total are found out once
        statements.clear()
        assert client.get(f"/v1/studies?limit={limit}&sort=-year&as_of={told.moments[1]}&title=T").status_code == 200
        own = [statement for statement in statements if "FROM database_state" not in statement]
        assert len(own) == expected, "\n".join(own)


def test_what_is_too_long_is_not_compared() -> None:
    long = b'"%b"' % (b"x" * (MOST_BYTES // 2))
    with pytest.raises(Problem, match="too long to be compared"):
        patch_between(long, long)


def test_positions_are_remembered_within_a_bound() -> None:
    at, remembered = DatabaseState(1, datetime.now(UTC), "epoch"), SortPositionCache(most=10)
    assert [len(remembered.get(at, asked, lambda: [("a",), ("b",)])) for asked in "abcdef"] == [2] * 6
    assert [asked for _, asked in remembered.known] == ["d", "e", "f"]
    assert remembered.size == 9
    assert remembered.get(at, "f", list) == [("a",), ("b",)]
    assert len(remembered.get(at, "long", lambda: [("a",)] * 50)) == 50
    assert (len(remembered.known), remembered.size) == (0, 0)


def test_a_name_with_slashes_has_versions_too(api: httpx.Client) -> None:
    doi = api.get("/v1/publications/pmid-20647170").json()["doi"]
    answer = api.get(f"/v1/publications/{doi}/versions")
    assert answer.json()["total"] == 1
    assert answer.headers["content-location"] == "/v1/publications/pmid-20647170/versions"
    assert api.get(f"/v1/publications/{doi}/diff?from=1&to=1").json()["patch"] == []
