"""Finished answers are what would be made anew, are never stale, and are bounded."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.api.metrics import Metrics
from app.api.middleware.response_cache import ResponseCache
from app.database.engine import open_engine
from app.query.change_token import SqliteSignal
from app.releases.load import load
from app.settings import Settings
from tests.conftest import await_index, serving, settings_for

PATHS = [
    "/v1/studies/preempt-1",
    "/v1/studies?limit=5&sort=-year",
    "/v1/studies?q=botox&facets=design",
    "/v1/products/botox",
    "/",
    "/openapi.json",
    "/docs",
    "/v1/studies?format=csv",
]
CHANGING = {"date", "x-request-id", "last-modified"}
"""`Last-Modified` is left out in the second after a change, and an answer may be made in that."""


def kept(url: str, **more: Any) -> Settings:
    return settings_for(url, answer_cache_bytes=8_000_000, **more)


@pytest.fixture(scope="module")
def cached(seeded_url: str) -> Iterator[httpx.Client]:
    with serving(kept(seeded_url)) as client:
        await_index(client)
        yield client


def headers_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGING}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
def test_the_second_answer_is_the_first(cached: httpx.Client, api: httpx.Client, path: str, coding: str) -> None:
    asked = {"accept-encoding": coding, "origin": "https://example.org"}
    made, first, second = (client.get(path, headers=asked) for client in (api, cached, cached))
    assert made.content == first.content == second.content
    assert headers_of(made) == headers_of(first)
    assert sorted(headers_of(first).items()) == sorted(headers_of(second).items())
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("path", PATHS)
def test_head_and_304_are_those_of_the_answer(cached: httpx.Client, path: str) -> None:
    answer = cached.get(path)
    headed = cached.head(path)
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["etag"] == answer.headers["etag"]
    for tag in (answer.headers["etag"], "*", f'"x", {answer.headers["etag"]}'):
        again = cached.get(path, headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"] or tag == "*"
    assert cached.get(path, headers={"if-none-match": '"x"'}).content == answer.content


def test_a_kept_answer_costs_no_statement_beyond_the_revision(cached: httpx.Client, statements: list[str]) -> None:
    tag = cached.get("/v1/studies?limit=9").headers["etag"]
    statements.clear()
    cached.get("/v1/studies?limit=9")
    cached.get("/v1/studies?limit=9", headers={"if-none-match": tag})
    cached.head("/v1/studies?limit=9")
    assert all("FROM database_state" in statement for statement in statements)
    assert len(statements) <= 3


def test_problems_are_not_kept(cached: httpx.Client) -> None:
    one, two = (cached.get("/v1/studies?x=1") for _ in range(2))
    assert one.json()["request_id"] != two.json()["request_id"]


def test_accept_tells_answers_apart(cached: httpx.Client) -> None:
    types = {
        cached.get("/v1/studies/preempt-1", headers={"accept": a}).headers["content-type"] for a in ("*/*", "text/csv")
    }
    assert types == {"application/json", "text/csv; charset=utf-8"}


def test_no_reader_sees_a_stale_answer_after_a_change(backend: str, url: str, tmp_path: Path) -> None:
    engine = _loaded(url, tmp_path, 0)
    with serving(kept(url)) as client:
        for number in range(1, 15):
            assert client.get("/v1/sources/s").json()["title"] == f"T{number - 1}"
            assert client.get("/v1/sources/s").json()["title"] == f"T{number - 1}"
            _change(engine, tmp_path, number)
            assert client.get("/v1/sources/s").json()["title"] == f"T{number}"
            assert client.get("/v1/sources").json()["items"][0]["title"] == f"T{number}"
    engine.dispose()


def _loaded(url: str, folder: Path, number: int) -> Engine:
    from app.database.migrations import migrate

    engine = open_engine(url)
    migrate(engine)
    _change(engine, folder, number)
    return engine


def _change(engine: Engine, folder: Path, number: int) -> None:
    text = f"- id: s\n  kind: web-page\n  tier: other\n  url: https://example.org\n  title: T{number}\n"
    (folder / "sources.yaml").write_text(text)
    load(engine, folder)


class _Always:
    def __init__(self) -> None:
        self.value = 1

    async def token(self) -> int:
        return self.value

    def close(self) -> None:
        """Nothing is open."""


class _Slow:
    """An application whose answers take a while, and that counts how often it made one."""

    def __init__(self, size: int) -> None:
        self.size, self.made = size, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.made += 1
        await asyncio.sleep(0.01)
        length = str(self.size).encode()
        headers = [(b"etag", b'"a"'), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * self.size})


async def _ask(app: ResponseCache, path: str) -> bytes:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app(scope, None, send)  # type: ignore[arg-type]
    return b"".join(message.get("body", b"") for message in sent)


def test_what_many_ask_for_at_once_is_made_once() -> None:
    made = _Slow(10)
    app = ResponseCache(made, _Always(), Metrics(), 10_000)

    async def many() -> list[bytes]:
        return await asyncio.gather(*(_ask(app, "/x") for _ in range(50)))

    assert asyncio.run(many()) == [b"x" * 10] * 50
    assert made.made == 1


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    made = _Slow(1000)
    app = ResponseCache(made, _Always(), Metrics(), 10_000)

    async def fill() -> None:
        for number in range(40):
            await _ask(app, f"/{number}")

    asyncio.run(fill())
    assert app._bytes <= 10_000
    assert made.made == 40
    asyncio.run(_ask(app, "/39"))
    assert made.made == 40
    asyncio.run(_ask(app, "/0"))
    assert made.made == 41


def test_telling_a_change_drops_no_lock_of_sqlite(sqlite_copy: Path) -> None:
    """Closing a descriptor of the WAL-index would drop the locks by which a reader keeps what it reads (POSIX)."""
    url = f"sqlite:///{sqlite_copy}"
    reader = sqlite3.connect(sqlite_copy, isolation_level=None)
    reader.execute("BEGIN")
    before = reader.execute("SELECT count(*) FROM records").fetchone()
    for _ in range(3):
        signal = SqliteSignal(url)
        assert asyncio.run(signal.token()) is not None
        signal.close()
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0);"
        "c.execute('UPDATE database_state SET revision = revision + 1');"
        "print(c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(sqlite_copy)], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"  # busy: the reader still holds its snapshot
    assert reader.execute("SELECT count(*) FROM records").fetchone() == before
    reader.execute("ROLLBACK")
    reader.close()
