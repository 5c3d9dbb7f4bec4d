"""The service document, health, metrics and documentation."""

import re
import sqlite3
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.common.problems import KINDS
from app.database.engine import open_engine
from app.database.migrations import migrate
from app.query.change_token import LOOK_EVERY
from app.records.registry import RESOURCES
from tests.conftest import await_index, serving, settings_for


def test_the_service_document_says_what_is_here_and_where(api: httpx.Client) -> None:
    document = api.get("/").json()
    assert {entry["type"]: entry["total"] for entry in document["records"]} == {
        type: api.get(f"/v1/{type}?limit=0").json()["total"] for type in RESOURCES
    }
    for entry in document["records"]:
        assert entry["description"]
    for path in (*document["pages"].values(), document["example"]):
        assert api.get(path).status_code == 200, path


def test_health_and_readiness(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ok", "revision": 1}


def test_metrics_count_requests_by_route_and_never_by_address(api: httpx.Client) -> None:
    for name in ("preempt-1", "preempt-2", "none-such"):
        api.get(f"/v1/studies/{name}")
    page = api.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(page.text)}
    routes = {sample.labels["route"] for sample in families["http_requests"].samples}
    assert "/v1/studies/{id:path}" in routes
    assert not any("preempt" in route for route in routes)
    records = {sample.labels["type"]: sample.value for sample in families["evidence_records"].samples}
    assert records["studies"] == 194
    assert families["evidence_revision"].samples[0].value == 1


def test_documentation_asks_nobody_else(api: httpx.Client) -> None:
    page = api.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {asset for asset in assets if not asset.startswith("data:")} == {
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/docs/docs.js",
        "/favicon.ico",
    }
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "docs.js"):
        answer = api.get(f"/docs/{asset}")
        assert answer.status_code == 200
        assert not re.findall(r"@import|url\(['\"]?https?:|sourceMappingURL", answer.text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_type_is_a_page(api: httpx.Client, kind: str) -> None:
    page = api.get(f"/problems/{kind}")
    assert page.status_code == 200
    assert kind in page.text


def test_all_problem_types_are_listed_and_found(api: httpx.Client) -> None:
    page = api.get(api.get("/").json()["pages"]["problems"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    linked = re.findall(r'href="(/problems/[^"]+)"', page.text)
    assert sorted(linked) == sorted(f"/problems/{kind}" for kind in KINDS)
    assert 'href="/problems"' in api.get(linked[0]).text


def test_a_source_s_text_is_served_as_it_is_quoted(api: httpx.Client) -> None:
    text = api.get("/v1/sources/article/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    quotes = [e for m in api.get("/v1/mechanisms?quote=present").json()["items"] for e in m["provenance"]]
    assert quotes
    for entry in quotes:
        assert text.text[entry["start"] : entry["end"]] == entry["quote"]
    assert api.get("/v1/sources/pubmed-20647170/text").status_code == 404


def test_without_a_database_the_service_is_up_and_says_so(tmp_path: Path) -> None:
    with serving(settings_for(f"sqlite:///{tmp_path}/none.db")) as client:
        for path in ("/readyz", "/v1/studies", "/v1/studies/x", "/"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"] == "/problems/database-not-ready"
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert client.get("/docs").status_code == 200
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("kept", [False, True])
def test_a_database_put_in_another_s_place_is_read(sqlite_copy: Path, tmp_path: Path, *, kept: bool) -> None:
    """At once where answers are made, and a tenth of a second later where they are kept."""
    empty = tmp_path / "empty.db"
    engine = open_engine(f"sqlite:///{empty}")
    migrate(engine)
    engine.dispose()
    more = {} if kept else {"answer_cache_bytes": 0}
    with serving(settings_for(f"sqlite:///{sqlite_copy}", **more)) as client:
        await_index(client)
        assert client.get("/v1/studies/preempt-1").status_code == 200
        empty.replace(sqlite_copy)
        time.sleep(LOOK_EVERY * kept)
        for _ in range(20):
            assert client.get("/v1/studies/preempt-1").status_code == 404
            assert client.get("/v1/studies?limit=0").json()["total"] == 0
            assert client.get("/v1/search?q=botox").json()["total"] == 0
        sqlite_copy.unlink()
        time.sleep(LOOK_EVERY * kept)
        assert client.get("/readyz").status_code == 503
        assert client.get("/v1/studies/preempt-1").status_code == 503


def test_a_database_of_another_version_is_not_read(sqlite_copy: Path) -> None:
    with serving(settings_for(f"sqlite:///{sqlite_copy}")) as client:
        assert client.get("/v1/studies/preempt-1").status_code == 200
        with sqlite3.connect(sqlite_copy) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        for path in ("/v1/studies/preempt-1", "/v1/studies/none", "/v1/studies", "/v1/search?q=x", "/", "/readyz"):
            answer = client.get(path)
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True), path


def test_a_locked_file_does_not_hold_up_the_rest(sqlite_copy: Path) -> None:
    """Outside of WAL a writer can lock readers out: they wait in threads, and only so long."""
    holder = sqlite3.connect(sqlite_copy, isolation_level=None)
    holder.execute("PRAGMA journal_mode=DELETE")
    with serving(settings_for(f"sqlite:///{sqlite_copy}", lock_timeout_ms=300)) as client:
        client.get("/v1/studies/preempt-1")
        holder.execute("BEGIN EXCLUSIVE")
        assert client.get("/v1/studies/preempt-1").status_code == 503
        assert client.get("/healthz").status_code == 200
        holder.rollback()
        assert client.get("/v1/studies/preempt-1").status_code == 200
    holder.close()
