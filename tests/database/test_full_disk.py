"""A disk without room: what cannot be written is a 507, is logged once, and changes nothing; room makes all well."""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from app.api import audit_buffer as trail
from app.auth.models import Role
from app.database.engine import open_engine
from app.search import index
from app.store import integrity as maintaining
from tests.api.test_http import is_problem
from tests.commands import run
from tests.conftest import keys_of, serving, settings_for
from tests.editing.test_editing import WHY

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
BIG = "y" * 3_000_000
SOURCE = {"id": "big", "kind": "article", "tier": "primary", "title": "Big", "text": BIG}
HUGE = SOURCE | {"id": "huge", "text": "z" * 12_000_000}
"""More than SQLite's cache: it is written to the log before the transaction ends."""
LINE = b'{"type": "sources", "record": {"id": "b", "kind": "article", "tier": "primary", "title": "B", "text": "%b"}}\n'


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a disk of its own needs permission to mount one: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """Takes all that is left of a disk."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 9, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return path


@pytest.fixture
def database(disk: Path, sqlite_copy: Path) -> Path:
    there = disk / "evidence.db"
    there.write_bytes(sqlite_copy.read_bytes())
    return there


@pytest.fixture
def key(database: Path) -> str:
    engine = open_engine(f"sqlite:///{database}")
    made = keys_of(engine)["admin"]
    engine.dispose()
    return made


def is_full(answer: httpx.Response) -> str:
    said = is_problem(answer, 507)
    assert said["type"] == "/problems/insufficient-storage"
    return str(said["request_id"])


def writes(client: httpx.Client) -> list[httpx.Response]:
    return [
        client.post("/v1/sources", params=WHY, json=SOURCE),
        client.post("/v1/sources", params=WHY, json=HUGE),
        client.post("/v1/releases?name=a", content=LINE % BIG.encode(), headers=NDJSON),
        client.post("/v1/webhooks", json={"url": "https://93.184.215.14/"}),
        client.post("/v1/imports?format=ctgov", content=b"{%b}" % (b" " * 1_000_000), headers=JSON),
    ]


def test_what_cannot_be_written_is_a_507_until_there_is_room(
    disk: Path, database: Path, key: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each failure is logged once: by the service, or by the process that makes a release."""
    with serving(settings_for(f"sqlite:///{database}")) as client:
        client.headers["authorization"] = f"Bearer {key}"
        assert client.get("/v1/studies/preempt-1").status_code == 200
        filler = fill(disk)
        with capture_logs() as logged:
            ids = {is_full(answer) for answer in writes(client)}
            for path in ("/readyz", "/v1/studies/preempt-1", "/v1/search?q=botox"):
                assert client.get(path).status_code == 200, path
            is_full(client.get("/v1/studies?format=csv"))  # an export is spooled beside the database
        about = [line["request_id"] for line in logged if line.get("request_id") in ids]
        assert {line["log_level"] for line in logged if line.get("request_id") in ids} == {"warning"}
        elsewhere = [
            id for line in capfd.readouterr().err.splitlines() for id in ids if id in line and "warning" in line
        ]
        assert sorted([*about, *elsewhere]) == sorted(ids)
        filler.unlink()
        assert client.post("/v1/sources", params=WHY, json=HUGE).status_code == 201
    engine = open_engine(f"sqlite:///{database}")
    assert list(maintaining.check(engine)) == []
    engine.dispose()


def test_reading_that_finds_no_room_for_its_own_files_is_a_507(disk: Path, database: Path) -> None:
    """SQLite's readers share a file of 32 KB, which the first of them makes."""
    filler = fill(disk)
    with serving(settings_for(f"sqlite:///{database}")) as client:
        for path in ("/readyz", "/v1/studies/preempt-1", "/v1/studies", "/v1/studies?format=csv"):
            is_full(client.get(path))
        filler.unlink()
        assert client.get("/v1/studies/preempt-1").status_code == 200


def test_the_audit_waits_for_room(disk: Path, database: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals are written when their minute is over, which is a second here, and wait on where there is no room."""
    monkeypatch.setattr(trail, "MINUTE", 1.0)
    with serving(settings_for(f"sqlite:///{database}")) as client:
        assert client.get("/v1/studies/preempt-1").status_code == 200
        filler = fill(disk)
        with capture_logs() as logged:
            for number in range(30):
                client.post(f"/v1/studies/{number:0400}")
            time.sleep(3)
        errors = {line["error"] for line in logged if line["event"].startswith("the audit")}
        assert errors == {"database or disk is full"}
        filler.unlink()
        client.post("/v1/studies/last")
        time.sleep(3)
    lines = run(database, "audit", "--action", "refused").stdout.splitlines()
    details = [orjson.loads(line)["detail"] for line in lines]
    assert sum(int(found[1]) if (found := re.match(r"(\d+) in one minute", each)) else 1 for each in details) == 31


@pytest.mark.parametrize("preview", [True, False])
def test_a_release_that_finds_no_room_for_what_it_reads_is_a_507(
    disk: Path, sqlite_copy: Path, preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database has room: the disk for temporary files has none."""
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    key = keys_of(engine)["admin"]
    engine.dispose()
    monkeypatch.setenv("TMPDIR", str(disk))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with serving(settings_for(f"sqlite:///{sqlite_copy}")) as client:
        client.headers["authorization"] = f"Bearer {key}"
        filler = fill(disk)
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - 4_000_000)  # for what is sent, but not for what is made of it
        params = {"preview": "true"} if preview else {"name": "a"}
        is_full(client.post("/v1/releases", params=params, content=LINE % BIG.encode(), headers=NDJSON))
        filler.unlink()
        answer = client.post("/v1/releases", params=params, content=LINE % BIG.encode(), headers=NDJSON)
        assert answer.status_code == (200 if preview else 201)


def test_a_command_that_finds_no_room_says_so(disk: Path, database: Path, tmp_path: Path) -> None:
    (tmp_path / "big.ndjson").write_bytes(LINE % BIG.encode())
    fill(disk)
    for more in ({}, {"TMPDIR": str(disk)}):
        done = run(database, "release", "apply", "a", str(tmp_path / "big.ndjson"), **more)
        assert (done.returncode, "disk is full" in done.stderr, "Traceback" in done.stderr) == (3, True, False), (
            done.stderr
        )


@pytest.mark.parametrize("few", [0, 1_000_000])
def test_a_search_whose_index_finds_no_room_is_a_507(
    disk: Path, sqlite_copy: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the index is made beside the answering or by whoever asks."""
    monkeypatch.setattr(index, "FEW", few)
    filler = fill(disk)
    with serving(settings_for(f"sqlite:///{sqlite_copy}", search_path=str(disk / "search"))) as client:
        deadline = time.monotonic() + 20
        while (answer := client.get("/v1/search?q=botox")).status_code == 503:  # the first attempt is still being made
            assert time.monotonic() < deadline
        is_full(answer)
        assert client.get("/v1/studies?limit=1").status_code == 200
        filler.unlink()
        deadline = time.monotonic() + 20
        while client.get("/v1/search?q=botox").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_postgresql_s_full_disk_is_a_507_too(
    copy_url: str, own_keys: dict[Role, str], copy: Engine, tmp_path: Path
) -> None:
    """A trigger says what the server does when it cannot extend a table (SQLSTATE 53100)."""
    function = (
        "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' "
    )
    with copy.begin() as connection:
        connection.execute(text(function.replace("full()", "no_room()") + "USING ERRCODE = 'disk_full'; END $$"))
        for table in ("sources", "webhooks"):
            made = f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()"
            connection.execute(text(made))
    with serving(settings_for(copy_url, imports_path=str(tmp_path))) as client:
        client.headers["authorization"] = f"Bearer {own_keys['admin']}"
        for answer in writes(client)[:4]:
            is_full(answer)
