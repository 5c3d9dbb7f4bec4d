"""The `evidence` command as a process: exit codes, messages, and nothing lost whatever happens to it."""

import resource
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.database.migrations import head
from tests.commands import environment, evidence, run
from tests.conftest import SEEDED, SEEDS

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.db"
    assert run(path, "migrate").returncode == 0
    return path


def rows(path: Path, query: str = "SELECT count(*) FROM records") -> int:
    with sqlite3.connect(path) as connection:
        found = connection.execute(query).fetchone()[0]
    connection.close()
    return int(found)


def test_from_nothing_to_a_checked_database(tmp_path: Path) -> None:
    path = tmp_path / "evidence.db"
    assert run(path, "migrate").stdout == f"The schema is at {head()}.\n"
    assert run(path, "load", str(SEEDS)).stdout == f"{SEEDED} created, 0 updated, 0 unchanged.\n"
    again = run(path, "load", str(SEEDS))
    assert (again.returncode, again.stdout) == (0, f"0 created, 0 updated, {SEEDED} unchanged.\n")
    assert run(path, "check").returncode == 0
    assert run(path, "rebuild").stdout == "0 documents changed.\n"


def test_faults_go_to_standard_error_with_exit_1(empty: Path, tmp_path: Path) -> None:
    (tmp_path / "products.yaml").write_text("- id: x\n  nam: X\n")
    done = run(empty, "load", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "products.yaml:2: x /nam there is no field 'nam'" in done.stderr
    assert done.stderr.endswith("3 fault(s); nothing was changed.\n")
    assert rows(empty) == 0


def test_check_finds_faults_with_exit_1(sqlite_copy: Path) -> None:
    with sqlite3.connect(sqlite_copy) as connection:
        connection.execute("UPDATE documents SET body = 'x' WHERE id = 'preempt-1'")
    connection.close()
    done = run(sqlite_copy, "check")
    assert (done.returncode, done.stderr.splitlines()[-1][-11:]) == (1, "1 fault(s).")
    assert done.stdout == "studies/preempt-1: the document is not what its rows say\n"


def test_wrong_usage_is_exit_2(empty: Path) -> None:
    for arguments in (["laod"], ["load"], ["load", "/none/such"], ["serve", "--port", "x"]):
        assert run(empty, *arguments).returncode == 2
    assert run(empty, "--help").returncode == 0
    assert run(empty).returncode == 2


@pytest.mark.parametrize("arguments", [["load", str(SEEDS)], ["check"], ["rebuild"], ["serve", "--port", "0"]])
def test_a_missing_database_is_exit_3_and_is_not_made(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path / "none.db", *arguments)
    assert done.returncode == 3
    assert "evidence migrate" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "none.db").exists()


def test_an_empty_file_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    done = run(tmp_path / "empty.db", "load", str(SEEDS))
    assert (done.returncode, "run `evidence migrate`" in done.stderr) == (3, True)


def test_a_file_that_is_no_database_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is text " * 1000)
    for arguments in (["load", str(SEEDS)], ["migrate"], ["serve", "--port", "0"]):
        done = run(tmp_path / "text.db", *arguments)
        assert (done.returncode, "not a database" in done.stderr) == (3, True)


@pytest.mark.parametrize("arguments", [["load", str(SEEDS)], ["serve", "--port", "0"], ["check"]])
def test_a_newer_database_is_exit_3(empty: Path, arguments: list[str]) -> None:
    with sqlite3.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    done = run(empty, *arguments)
    assert (done.returncode, "another schema version" in done.stderr) == (3, True)


def test_migrate_refuses_a_newer_database(empty: Path) -> None:
    with sqlite3.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    done = run(empty, "migrate")
    assert (done.returncode, "9999" in done.stderr, "Traceback" in done.stderr) == (3, True, False)


def test_a_locked_database_is_exit_3_and_unchanged(empty: Path) -> None:
    holder = sqlite3.connect(empty, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = run(empty, "load", str(SEEDS), EVIDENCE_LOCK_TIMEOUT_MS="200")
    holder.rollback()
    holder.close()
    assert (done.returncode, "another process is writing" in done.stderr) == (3, True)
    assert rows(empty) == 0


def test_a_read_only_database_is_exit_3_and_serves(sqlite_copy: Path, tmp_path: Path) -> None:
    url = f"sqlite:///file:{sqlite_copy}?mode=ro&uri=true"
    (tmp_path / "sources.yaml").write_text("- id: new\n  kind: web-page\n  tier: other\n  url: https://example.org/x\n")
    done = run(url, "load", str(tmp_path))
    assert (done.returncode, "read-only" in done.stderr) == (3, True)
    with served(url) as client:
        assert client.get("/v1/studies/preempt-1").status_code == 200


@pytest.mark.usefixtures("own_interpreters")
def test_a_full_disk_is_exit_3_and_leaves_the_database_whole(empty: Path) -> None:
    limit = empty.stat().st_size + 400_000

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [*evidence(), "load", str(SEEDS)],
        env=environment(empty),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_disk,
    )
    assert done.returncode == 3, done.stderr
    assert "nothing was changed" in done.stderr
    assert (rows(empty), rows(empty, "SELECT revision FROM database_state")) == (0, 0)
    assert run(empty, "load", str(SEEDS)).returncode == 0
    assert run(empty, "check").returncode == 0


def is_locked(path: Path) -> bool:
    """Whether a writer is in the middle of its transaction."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_a_load_stopped_in_the_middle_changes_nothing(empty: Path, number: signal.Signals, code: int) -> None:
    command = [*evidence(), "load", str(SEEDS)]
    process = subprocess.Popen(command, env=environment(empty), stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not is_locked(empty):
        time.sleep(0.001)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert rows(empty) == 0
    assert run(empty, "load", str(SEEDS)).stdout.startswith(f"{SEEDED} created")
    assert run(empty, "check").returncode == 0


def test_two_loads_at_once_follow_each_other(empty: Path) -> None:
    command = [*evidence(), "load", str(SEEDS)]
    both = [subprocess.Popen(command, env=environment(empty), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert said == [f"0 created, 0 updated, {SEEDED} unchanged.\n", f"{SEEDED} created, 0 updated, 0 unchanged.\n"]


@contextmanager
def served(database: Path | str, *arguments: str, **more: str) -> Iterator[httpx.Client]:
    command = [*evidence(), "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, env=environment(database, **more), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if " on http" in line)
        with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=20) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def test_serve_prepares_once_and_prints_what_to_try(tmp_path: Path) -> None:
    path = tmp_path / "evidence.db"
    for _ in range(2):
        with served(path, "--prepare") as client:
            assert client.get("/v1/studies?limit=0").json()["total"] == 194
    assert rows(path, "SELECT revision FROM database_state") == 1


def test_serve_never_undoes_a_correction(tmp_path: Path) -> None:
    path, fix = tmp_path / "evidence.db", tmp_path / "fix"
    with served(path, "--prepare"):
        pass
    fix.mkdir()
    (fix / "directions.yaml").write_text(
        "- id: refining-existing-uses\n  title: Corrected\n  statement: S\n  kind: refining\n"
        "  provenance:\n  - source: article\n"
    )
    assert run(path, "load", str(fix)).stdout == "0 created, 1 updated, 0 unchanged.\n"
    with served(path, "--prepare") as client:
        assert client.get("/v1/directions/refining-existing-uses").json()["title"] == "Corrected"


def test_documents_are_made_anew_where_they_are_missing(sqlite_copy: Path) -> None:
    assert run(sqlite_copy, "migrate", "0001").returncode == 0
    assert run(sqlite_copy, "migrate").returncode == 0
    assert run(sqlite_copy, "check").returncode == 0
    assert rows(sqlite_copy, "SELECT count(*) FROM documents") == SEEDED


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVIDENCE_PORT", "x", "EVIDENCE_PORT"),
        ("EVIDENCE_DATABSE_URL", "sqlite:///x.db", "EVIDENCE_DATABASE_URL"),
        ("EVIDENCE_DATABASE_URL", "nonsense", "cannot be read"),
        ("EVIDENCE_DATABASE_URL", "postgres://localhost/x", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_exit_2(tmp_path: Path, name: str, value: str, said: str) -> None:
    done = run(tmp_path / "none.db", "check", **{name: value})
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_a_load_is_seen_by_a_running_service(empty: Path) -> None:
    with served(empty) as client:
        before = client.get("/v1/studies?limit=0")
        assert before.json()["total"] == 0
        assert run(empty, "load", str(SEEDS)).returncode == 0
        after = client.get("/v1/studies?limit=0", headers={"if-none-match": before.headers["etag"]})
        assert (after.status_code, after.json()["total"]) == (200, 194)


def test_a_taken_port_is_exit_4(sqlite_copy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(sqlite_copy, "serve", "--port", port)
    assert done.returncode == 4
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_quietly(sqlite_copy: Path, number: signal.Signals) -> None:
    command = [*evidence(), "serve", "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment(sqlite_copy), text=True, **pipes)  # type: ignore[call-overload]
    assert "Clinical Evidence API on" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == (0 if number == signal.SIGINT else -number)
    assert "Traceback" not in said
