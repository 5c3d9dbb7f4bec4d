"""One record and one page cost a fixed number of SQL statements, whatever the page holds."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.conftest import await_index, serving, settings_for


@pytest.fixture(scope="module")
def api(seeded_url: str) -> Iterator[httpx.Client]:
    """A service that keeps no answers: what is counted is how they are made."""
    with serving(settings_for(seeded_url, answer_cache_bytes=0)) as client:
        await_index(client)
        yield client


PAGES = [
    ("/v1/studies?limit=1&title=not:counted-here", ["state", "state", "page"]),
    ("/v1/studies?limit=500&title=not:counted-here", ["state", "state", "page"]),
    ("/v1/studies?limit=0&title=not:counted-here", ["state", "state"]),
    (
        "/v1/studies?limit=400&sort=-year,title&indication=chronic-migraine&title=not:so",
        ["state", "state", "names", "page"],
    ),
    (
        "/v1/studies?product=botox&product=dysport&mechanism=not:sv2-receptor",
        ["state", "state", "names", "page"],
    ),
    (
        "/v1/studies?limit=300&title=not:counted-here&include=publications,products,provenance",
        ["state", "state", "page", "sizes", "include"],
    ),
    ("/v1/studies?q=botox", ["state", "state", "found"]),
    ("/v1/studies?q=botox&sort=-year", ["state", "state", "page"]),
    ("/v1/studies?q=botox&limit=0&facets=design,year,indication*design", ["state", "state"]),
    ("/v1/studies?facets=design", ["state", "state", "page"]),
    ("/v1/search?q=botox&limit=3&type=studies", ["state", "state", "found"]),
    ("/v1/studies/preempt-1/similar", ["state", "record", "found"]),
    ("/v1/studies/preempt-1", ["record"]),
    ("/v1/studies/preempt-1?fields=id", ["record"]),
    ("/v1/studies/preempt-1?include=publications", ["record", "include"]),
    ("/v1/products/botox", ["record", "state", "names", "record"]),
    ("/v1/studies/preempt-1?as_of=NOW", ["then"]),
    ("/v1/studies/preempt-1?as_of=NOW&include=publications", ["then", "moment", "include"]),
    ("/v1/products/botox?as_of=NOW", ["then", "then", "begun", "names", "then", "moment"]),
    ("/v1/studies?limit=300&as_of=2001-01-01", ["state", "moment"]),
    ("/v1/studies?limit=300&sort=-year&as_of=NOW", ["state", "moment", "count", "page"]),
    ("/v1/studies?product=botox&as_of=NOW", ["state", "moment", "names", "there", "count", "page"]),
    ("/v1/studies/preempt-1/versions", ["state", "state", "newest", "versions"]),
    ("/v1/studies/preempt-1/versions/1", ["state", "newest", "versions"]),
    ("/v1/studies/preempt-1/diff?from=1&to=1", ["state", "newest", "versions", "versions"]),
    ("/healthz", []),
    ("/readyz", ["state"]),
    ("/", ["state", "records"]),
]


def kind_of(statement: str) -> str:
    words = " ".join(statement.split())
    signs = {
        "then": "documents.change, documents.version, (SELECT database_state.changed_at",
        "state": "FROM database_state",
        "names": "FROM names WHERE",
        "count": "SELECT count(*) AS count_1 FROM (SELECT",
        "page": ") AS page LEFT OUTER JOIN documents",
        "records": "FROM documents WHERE documents.until_revision IS NULL GROUP BY",
        "sizes": "SELECT documents.type, documents.id, length(documents.body)",
        "include": "SELECT documents.type, documents.id, documents.body FROM documents WHERE",
        "found": "LEFT OUTER JOIN documents ON documents.type = wanted.type",
        "moment": "FROM revisions WHERE revisions.committed_at <=",
        "there": "SELECT documents.type, documents.id FROM documents WHERE documents.type =",
        "begun": "SELECT documents.version FROM documents WHERE",
        "newest": "SELECT max(documents.version)",
        "versions": "SELECT documents.version, documents.change",
        "record": "FROM documents, revisions WHERE documents.type =",
    }
    return next((kind for kind, sign in signs.items() if sign in words), words)


def test_the_number_of_statements_is_fixed(api: httpx.Client, statements: list[str]) -> None:
    await_index(api)
    for path, expected in PAGES:
        statements.clear()
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        assert api.get(path.replace("NOW", now)).status_code == 200
        assert [kind_of(statement) for statement in statements] == expected, path


@pytest.mark.parametrize("path", ["/v1/studies?limit=7", "/v1/studies/preempt-1"])
def test_a_304_asks_for_no_more_than_the_revision_or_the_record(
    api: httpx.Client, statements: list[str], path: str
) -> None:
    tag = api.get(path).headers["etag"]
    statements.clear()
    assert api.get(path, headers={"if-none-match": tag}).status_code == 304
    assert len(statements) == 1
