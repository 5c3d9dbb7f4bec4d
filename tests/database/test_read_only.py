"""A database that may not be written to, or read: it is served as far as it can be, and what is wrong is said."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.auth.models import Role
from app.database.engine import open_engine
from tests.api.test_http import is_problem
from tests.commands import environment, evidence
from tests.conftest import keys_of, serving, settings_for
from tests.editing.test_editing import PATCH, WHY

NDJSON = {"content-type": "application/x-ndjson"}
SERVE = """
from app.logs import set_up
from app.server import run
from app.settings import Settings
set_up("text")
run(Settings())
"""
pytestmark = pytest.mark.usefixtures("own_interpreters")  # what is done before they start, is done for them
LINE = b'{"type": "directions", "id": "refining-existing-uses", "deleted": true}\n'
CAPBSET_DROP, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2
"""Of `prctl(2)` and `capabilities(7)`."""


def _heed_permissions() -> None:
    """Root is let into any file unless it gives that up; nobody else is, and need not."""
    libc = ctypes.CDLL(None)
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)


@contextmanager
def served(database: Path, log: Path) -> Iterator[httpx.Client]:
    """The service as a process that the modes of files hold for; `evidence serve` would look at the database first."""
    env = environment(database, EVIDENCE_SEARCH_PATH=":memory:", EVIDENCE_IMPORTS_PATH=str(log.parent / "imports"))
    command = [sys.executable, "-c", SERVE]
    options: Any = {"env": env | {"EVIDENCE_PORT": "0"}, "text": True, "preexec_fn": _heed_permissions}
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, **options) as process,
    ):
        assert process.stdout is not None
        try:
            line = next((line for line in process.stdout if " on http" in line), None)
            assert line is not None, log.read_text()
            with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=20) as client:
                yield client
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@pytest.fixture
def key(sqlite_copy: Path) -> str:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    made = keys_of(engine)["admin"]
    engine.dispose()
    return made


def test_a_file_that_may_not_be_written_is_served(sqlite_copy: Path, key: str, tmp_path: Path) -> None:
    sqlite_copy.chmod(0o444)
    log = tmp_path / "log"
    with served(sqlite_copy, log) as client:
        client.headers["authorization"] = f"Bearer {key}"
        for path in (
            "/readyz",
            "/v1/studies/preempt-1",
            "/v1/studies?format=csv",
            "/v1/changes?limit=1",
            "/v1/releases",
        ):
            assert client.get(path).status_code == 200, path
        refused = [
            client.patch("/v1/studies/preempt-1", params=WHY, json={"note": "x"}, headers={**PATCH, "if-match": "*"}),
            client.post("/v1/webhooks", json={"url": "https://93.184.215.14/"}),
            client.post("/v1/releases?name=a", content=LINE, headers=NDJSON),
        ]
    for answer in refused:
        said = is_problem(answer, 503)
        assert said["type"] == "/problems/database-read-only"
        assert "no permission to write to the database file 'evidence.db'" in said["detail"]
        assert str(tmp_path) not in answer.text
    told = log.read_text()
    assert "the database can only be read" in told
    assert str(sqlite_copy) in told  # for its keepers
    assert "Traceback" not in told


def _refusals(client: httpx.Client) -> list[dict[str, object]]:
    return [is_problem(client.get(path), 503) for path in ("/readyz", "/v1/studies/preempt-1", "/v1/studies")]


def test_a_folder_that_may_not_be_written_is_named(sqlite_copy: Path, tmp_path: Path) -> None:
    """SQLite's log (WAL) is shared by files beside the database, which even a reader has to make."""
    folder = tmp_path / "closed"
    folder.mkdir()
    moved = sqlite_copy.rename(folder / "evidence.db")
    folder.chmod(0o555)
    with served(moved, tmp_path / "log") as client:
        for said in _refusals(client):
            assert said["type"] == "/problems/database-read-only"
            assert "no permission to write in the folder of the database file 'evidence.db'" in str(said["detail"])
        folder.chmod(0o755)
        assert client.get("/v1/studies/preempt-1").status_code == 200
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_file_that_may_not_be_read_is_named(sqlite_copy: Path, tmp_path: Path) -> None:
    sqlite_copy.chmod(0)
    with served(sqlite_copy, tmp_path / "log") as client:
        for said in _refusals(client):
            assert said["type"] == "/problems/database-not-ready"
            assert "no permission to read the database file 'evidence.db'" in str(said["detail"])
        sqlite_copy.chmod(0o644)
        assert client.get("/v1/studies/preempt-1").status_code == 200


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_database_that_takes_reads_alone_is_served(copy_url: str, own_keys: dict[Role, str]) -> None:
    """As a standby is, and a database that is closed for maintenance."""
    name = copy_url.partition("?")[0].rpartition("/")[2]
    engine = open_engine(copy_url)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    engine.dispose()
    with serving(settings_for(copy_url)) as client:
        client.headers["authorization"] = f"Bearer {own_keys['admin']}"
        assert client.get("/v1/studies/preempt-1").status_code == 200
        headers = {**PATCH, "if-match": "*"}
        answers = [
            client.patch("/v1/studies/preempt-1", params=WHY, json={"note": "x"}, headers=headers),
            client.post("/v1/releases?name=a", content=LINE, headers=NDJSON),
        ]
    for answer in answers:
        assert is_problem(answer, 503)["type"] == "/problems/database-read-only"


@pytest.mark.parametrize(
    ("file", "folder", "said"),
    [
        (0o444, 0o755, "no permission to write to the database file 'evidence.db'"),
        (0o000, 0o755, "no permission to read the database file 'evidence.db'"),
        (0o644, 0o555, "no permission to write in the folder of the database file 'evidence.db'"),
    ],
)
def test_the_command_says_what_is_wrong(sqlite_copy: Path, tmp_path: Path, file: int, folder: int, said: str) -> None:
    (tmp_path / "sources.yaml").write_text("- id: new\n  kind: web-page\n  tier: other\n  url: https://example.org/x\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    database = sqlite_copy.rename(inner / "evidence.db")
    database.chmod(file)
    inner.chmod(folder)
    command, env = [*evidence(), "load", str(tmp_path / "sources.yaml")], environment(database)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, preexec_fn=_heed_permissions)
    inner.chmod(0o755)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (3, True, False), done.stderr
    assert str(database) in done.stderr
