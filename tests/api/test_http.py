"""What HTTP promises whatever the record: errors, conditional requests, compression, HEAD, CORS, ids of requests."""

import gzip
import re
import socket
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import brotli
import httpx
import pytest
import zstandard

from app.api.router import router
from app.auth.models import Role
from app.common.problems import KINDS
from app.query.keyset import write_cursor
from app.query.record_queries import read_list_query
from app.records.registry import RESOURCES

UNKNOWN = [
    ('/v1/studies?comparator="placebo', 422, "comparator", None),
    ("/v1/studies?year=%202010", 422, "year", None),
    ("/v1/approvals?date=2010-W01-1", 422, "date", None),
    ("/v1/studies?include=publications&fields=id", 422, "fields", "publications"),
    ("/docs?x=1", 422, "x", None),
    ("/problems/not-found?x=1", 422, "x", None),
    ("/v1/studies?desing=x", 422, "desing", "design"),
    ("/v1/studies?design=randomised-controlled-trial", 422, "design", "randomized-controlled-trial"),
    ("/v1/studies?product=botx", 422, "product", "onabotulinumtoxina"),
    ("/v1/studies?fields=id,titel", 422, "fields", "title"),
    ("/v1/studies?fields=publication.yaer", 422, "fields", "publication.year"),
    ("/v1/studies?include=publication,indicatoins", 422, "include", "indications"),
    ("/v1/studies?sort=yaer", 422, "sort", "year"),
    ("/v1/studies?sort=year,-year", 422, "sort", None),
    ("/v1/studies?limit=-1", 422, "limit", None),
    ("/v1/studies?limit=1001", 422, "limit", None),
    ("/v1/studies?limit=ten", 422, "limit", None),
    ("/v1/studies?limit=", 422, "limit", None),
    ("/v1/studies?limit=1&limit=2", 422, "limit", None),
    ("/v1/studies?limit=%D9%A3", 422, "limit", None),
    ("/v1/studies?enrolled=500..100", 422, "enrolled", "100..500"),
    ("/v1/studies?enrolled=..", 422, "enrolled", None),
    ("/v1/studies?enrolled=nan", 422, "enrolled", None),
    ("/v1/studies?enrolled=1e400", 422, "enrolled", None),
    ("/v1/studies?enrolled=1_000", 422, "enrolled", None),
    ("/v1/approvals?date=2010-13", 422, "date", None),
    ("/v1/approvals?date=2012..2010-06", 422, "date", "2010-06..2012"),
    ("/v1/studies?design=", 422, "design", None),
    ("/v1/studies?title=a%0D%22b", 422, "title", None),
    ("/v1/studies?ids=preempt-1,nothing-like-it", 422, "ids", None),
    ("/v1/studies?format=xml", 422, "format", "json"),
    ("/v1/studies?cursor=abc", 400, "cursor", None),
    ("/v1/studies?cursor=", 400, "cursor", None),
    ("/v1/studies?cursor=%C3%A9", 400, "cursor", None),
    ("/v1/studies/preempt-1?limit=3", 422, "limit", None),
    ("/healthz?x=1", 422, "x", None),
    ("/?fields=id", 422, "fields", None),
]


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["type"].removeprefix("/problems/") in KINDS
    return body


@pytest.mark.parametrize(("path", "status", "parameter", "near"), UNKNOWN)
def test_what_is_unknown_is_refused_by_name(
    api: httpx.Client, path: str, status: int, parameter: str, near: str | None
) -> None:
    errors = is_problem(api.get(path), status)["errors"]
    assert [fault["parameter"] for fault in errors] == [parameter]
    assert near is None or near in errors[0]["nearest"]


def test_every_fault_of_a_query_is_told_at_once(api: httpx.Client) -> None:
    body = is_problem(api.get("/v1/studies?desing=x&phase=9&limit=x&sort=foo&fields=bar"), 422)
    assert {fault["parameter"] for fault in body["errors"]} == {"desing", "phase", "limit", "sort", "fields"}


def test_a_cursor_belongs_to_its_query(api: httpx.Client) -> None:
    following = api.get("/v1/studies?sort=-year&limit=2").json()["next"]
    cursor = httpx.URL(following).params["cursor"]
    assert api.get(following.replace("limit=2", "limit=5")).status_code == 200
    for foreign in ("/v1/studies?", "/v1/studies?sort=year&", "/v1/studies?sort=-year&phase=3&", "/v1/mechanisms?"):
        is_problem(api.get(f"{foreign}cursor={cursor}"), 400)
    is_problem(api.get(f"/v1/studies?sort=-year&cursor={cursor[:-2]}"), 400)
    middle = "A" if cursor[20] != "A" else "B"
    is_problem(api.get(f"/v1/studies?sort=-year&cursor={cursor[:20]}{middle}{cursor[21:]}"), 400)


WRONG_POSITIONS: list[tuple[Any, ...]] = [
    (),
    ("x",),
    (2010, 1, 2),
    ("text where a year belongs", "id"),
    ([1], {}),
    (1e308, None),
    (10**12, "id"),
    (True, ""),
    (2010, "a\0b"),
]


def test_a_forged_cursor_that_is_no_list_is_no_server_error(api: httpx.Client) -> None:
    contents: list[Any] = [5, None, "x", {}]
    for content in contents:
        cursor = write_cursor(read_list_query("studies", "sort=-year").asked, content)
        assert api.get(f"/v1/studies?sort=-year&cursor={cursor}").status_code == 400


def test_a_forged_cursor_of_the_wrong_shape_is_no_server_error(api: httpx.Client) -> None:
    asked = read_list_query("studies", "sort=-year").asked
    for position in WRONG_POSITIONS:
        cursor = write_cursor(asked, position)
        assert api.get(f"/v1/studies?sort=-year&cursor={cursor}").status_code == 400


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/study", "/v1/studies/none", "/docs/x", "/problems/x"])
def test_nothing_there_is_a_404(api: httpx.Client, path: str) -> None:
    is_problem(api.get(path), 404)


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/v1/studies/", "/v1/studies"),
        ("/v1/studies/?limit=2&q=a%20b", "/v1/studies?limit=2&q=a%20b"),
        ("/v1/studies/preempt-1///", "/v1/studies/preempt-1"),
        ("//example.org/", "/example.org"),
    ],
)
def test_a_slash_at_the_end_leads_to_the_address_without_it(api: httpx.Client, asked: str, led_to: str) -> None:
    answer = api.send(api.build_request("GET", str(api.base_url).rstrip("/") + asked))
    assert (answer.status_code, answer.headers["location"]) == (308, led_to)


def test_the_slash_of_an_address_that_names_a_record_stays(api: httpx.Client) -> None:
    answer = api.get("/v1/sources/https:%2F%2Fpubmed.ncbi.nlm.nih.gov%2F20647170/", follow_redirects=True)
    assert answer.json().get("url") == "https://pubmed.ncbi.nlm.nih.gov/20647170/", answer.text


def test_a_404_names_near_ones(api: httpx.Client) -> None:
    assert "/v1/studies/preempt-1" in is_problem(api.get("/v1/studies/premt-1"), 404)["errors"][0]["nearest"]
    assert "/v1/studies" in is_problem(api.get("/v1/study"), 404)["errors"][0]["nearest"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"])
def test_other_methods_are_refused_with_those_allowed(api: httpx.Client, method: str) -> None:
    answer = api.request(method, "/v1/search")
    is_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


IN_PATHS = {
    "type": "studies",
    "id": "preempt-1",
    "id:path": "preempt-1",
    "version": "1",
    "name": "none",
    "kind": "not-found",
    "asset": "docs.js",
}


def _address(path: str) -> str:
    return re.sub(r"\{([^}]*)\}", lambda found: IN_PATHS[found[1]], path)


ADDRESSES = sorted({_address(getattr(route, "path", "")) for route in router.routes})


def test_allow_says_what_is_answered_at_each_address(api: httpx.Client, keys: dict[Role, str]) -> None:
    """None of these requests says enough to change anything."""
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    key, wrong = {"authorization": f"Bearer {keys['admin']}"}, []
    assert len(ADDRESSES) > 50
    for path in ADDRESSES:
        answers = {method: api.request(method, path, headers=key) for method in methods}
        answered = {method for method, answer in answers.items() if answer.status_code != 405}
        told = {answer.headers["allow"] for answer in answers.values() if answer.status_code == 405}
        if told != {", ".join(sorted(answered))} or not answered:
            wrong.append((path, told, answered))
    assert wrong == []


def test_restoring_is_all_that_its_address_is_for(api: httpx.Client) -> None:
    """No record is looked for by the name `preempt-1/restore`."""
    for type in RESOURCES:
        answer = api.get(f"/v1/{type}/x/restore")
        is_problem(answer, 405)
        assert answer.headers["allow"] == "POST"
    is_problem(api.get("/v1/publications/10.1000/x/restore"), 404)


def test_all_methods_of_an_address_are_told(api: httpx.Client) -> None:
    assert api.put("/v1/studies").headers["allow"] == "GET, HEAD, POST"
    assert api.post("/v1/studies/preempt-1").headers["allow"] == "DELETE, GET, HEAD, PATCH, PUT"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*;q=0.1", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/xml", 406),
    ],
)
def test_only_what_is_accepted_is_sent(api: httpx.Client, accept: str, status: int) -> None:
    answer = api.get("/v1/studies?limit=1", headers={"accept": accept})
    assert answer.status_code == status
    if status == 406:
        is_problem(answer, 406)


@pytest.mark.parametrize(
    "path", ["/v1/studies/a%00b", "/v1/studies?title=a%00b", "/v1/%ff", "/v1/studies?title=%c3%28"]
)
def test_nul_and_invalid_utf8_are_refused(api: httpx.Client, path: str) -> None:
    host, port = api.base_url.host, api.base_url.port or 80
    with socket.create_connection((host, port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert b"application/problem+json" in answer
    assert b"/problems/malformed-request" in answer


def test_an_overlong_address_is_a_414(api: httpx.Client) -> None:
    is_problem(api.get("/v1/studies?title=" + "x" * 34_000), 414)
    host, port = api.base_url.host, api.base_url.port or 80
    with socket.create_connection((host, port)) as raw:
        raw.sendall(b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = raw.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"application/problem+json" in answer
    assert b"no more than 64 KB" in answer
    assert api.get("/healthz").status_code == 200


def test_too_many_parameters_are_refused(api: httpx.Client) -> None:
    is_problem(api.get("/v1/studies?" + "&".join(["phase=3"] * 300)), 422)
    is_problem(api.get("/v1/studies?ids=" + ",".join(f"a{n}" for n in range(600))), 422)


def test_content_on_a_get_is_refused(api: httpx.Client) -> None:
    is_problem(api.request("GET", "/v1/studies", content=b'{"a": 1}'), 400)
    assert api.request("GET", "/v1/studies?limit=0", headers={"content-length": "0"}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/studies/preempt-1", "/v1/studies?limit=3", "/", "/openapi.json", "/docs"])
def test_an_unchanged_answer_is_a_304(api: httpx.Client, path: str) -> None:
    first = api.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for header in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        again = api.get(path, headers={"if-none-match": header})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag or header == "*"
        assert again.headers["vary"] == first.headers["vary"]
    assert api.get(path, headers={"if-none-match": '"x"'}).status_code == 200


def test_if_modified_since_counts_only_without_an_entity_tag(api: httpx.Client) -> None:
    path = "/v1/studies/preempt-1"
    later, long_ago = formatdate(usegmt=True), "Sat, 01 Jan 2000 00:00:00 GMT"
    assert api.get(path, headers={"if-modified-since": later}).status_code == 304
    assert api.get(path, headers={"if-modified-since": long_ago}).status_code == 200
    assert api.get(path, headers={"if-modified-since": "nonsense"}).status_code == 200
    assert api.get(path, headers={"if-modified-since": later, "if-none-match": '"x"'}).status_code == 200


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda packed: zstandard.ZstdDecompressor().decompressobj().decompress(packed),
}


@pytest.mark.parametrize("coding", UNPACK)
@pytest.mark.parametrize("path", ["/v1/studies?limit=10", "/v1/studies/preempt-1", "/v1/studies?format=csv"])
def test_a_coding_is_another_representation_of_the_same(api: httpx.Client, coding: str, path: str) -> None:
    plain = api.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with api.stream("GET", path, headers={"accept-encoding": coding}) as packed:
        raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == coding
    assert UNPACK[coding](raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + f'-{coding}"'
    assert "Accept-Encoding" in packed.headers["vary"]
    again = api.get(path, headers={"accept-encoding": coding, "if-none-match": packed.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, packed.headers["etag"])


def test_the_coding_wanted_most_is_taken(api: httpx.Client) -> None:
    expected = {"gzip, br": "br", "gzip;q=1, br;q=0.5": "gzip", "*": "br", "br;q=0, *": "zstd", "gzip;q=0": None}
    for header, coding in expected.items():
        answer = api.get("/v1/studies?limit=10", headers={"accept-encoding": header})
        assert answer.headers.get("content-encoding") == coding, header


@pytest.mark.parametrize(
    "path", ["/v1/studies/preempt-1", "/v1/studies", "/v1/products/botox", "/", "/v1/studies/none", "/x"]
)
def test_head_is_get_without_content(api: httpx.Client, path: str) -> None:
    got, headed = api.get(path), api.head(path)
    assert headed.status_code == got.status_code
    assert headed.content == b""
    differing = {"date", "x-request-id"}
    assert {k: v for k, v in headed.headers.items() if k not in differing} == {
        k: v for k, v in got.headers.items() if k not in differing
    }


def test_cors_is_open_for_reading(api: httpx.Client) -> None:
    answer = api.get("/v1/studies?limit=1", headers={"origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"ETag", "Link", "Content-Location"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    asked = {"origin": "https://example.org", "access-control-request-method": "GET"}
    asked["access-control-request-headers"] = "if-none-match"
    assert api.options("/v1/studies", headers=asked).status_code == 200
    problem = api.get("/v1/studies?x=1", headers={"origin": "https://example.org"})
    assert problem.headers["access-control-allow-origin"] == "*"


def test_a_problem_found_before_any_route_is_open_to_browsers_too(api: httpx.Client) -> None:
    answer = api.get("/v1/studies?title=" + "x" * 34_000, headers={"origin": "https://example.org"})
    assert answer.status_code == 414
    assert answer.headers["access-control-allow-origin"] == "*"


def test_each_request_has_an_id(api: httpx.Client) -> None:
    one, two = (api.get("/healthz").headers["x-request-id"] for _ in range(2))
    assert one != two
    assert api.get("/healthz", headers={"x-request-id": "my-request-1"}).headers["x-request-id"] == "my-request-1"
    bad = api.get("/healthz", headers={"x-request-id": "<script>" * 3}).headers["x-request-id"]
    assert "<" not in bad


def test_lists_tag_another_revision_or_address_otherwise(api: httpx.Client) -> None:
    tags = {
        api.get(path).headers["etag"] for path in ("/v1/studies", "/v1/studies?limit=3", "/v1/studies?sort=id", "/")
    }
    assert len(tags) == 4


ODD_HEADERS = [
    {"if-modified-since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
    {"if-modified-since": "Mon, 01 Jan 2001 00:00:00 +999999999999999999"},
    {"accept-encoding": b"gzip;q=\xb2"},
    {"accept": b"application/json;q=0.5, */*;q=\xb2"},
    {"if-none-match": '"' * 100},
    {"range": "bytes=0-3"},
]


@pytest.mark.parametrize("headers", ODD_HEADERS)
def test_odd_headers_break_nothing(api: httpx.Client, headers: dict[str, Any]) -> None:
    for path in ("/v1/studies/preempt-1", "/v1/studies?limit=1"):
        assert api.get(path, headers=headers).status_code == 200


def test_any_format_but_json_is_another_one(api: httpx.Client) -> None:
    answer = api.get("/v1/studies?phase=4", headers={"accept": "application/json;q=0, */*"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")


def test_several_accept_lines_are_one_list(api: httpx.Client) -> None:
    lines = [("accept", "text/html"), ("accept", "application/json")]
    assert api.get("/v1/studies?limit=0", headers=lines).status_code == 200


def test_a_refused_preflight_is_a_problem(api: httpx.Client) -> None:
    asked = {"origin": "https://example.org", "access-control-request-method": "DELETE"}
    answer = api.options("/v1/studies", headers=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_five_hundred_ids_fit_into_one_address(api: httpx.Client) -> None:
    ids = [item["id"] for item in api.get("/v1/sources?limit=500&fields=id").json()["items"]]
    assert len(api.get("/v1/sources", params={"ids": ",".join(ids)}).json()["items"]) == 500


def test_a_next_link_of_the_longest_address_works(api: httpx.Client) -> None:
    long = "/v1/studies?limit=1&title=not:" + "x" * (32_768 - 30)
    assert api.get(api.get(long).json()["next"]).status_code == 200
