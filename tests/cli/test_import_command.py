"""`evidence import`: files, folders, standard input and addresses; what is told, and how it ends."""

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine, select

from app.database.engine import reading
from app.records.sources.models import Source
from app.releases.models import Release
from tests.changing import is_locked
from tests.commands import environment, evidence, run
from tests.jobs.import_requests import lines, many, source
from tests.offered import FIXTURES
from tests.toy import reader

Import = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bring_in(url: str, engine: Engine) -> Import:
    def call(format: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run(url, "import", format, *arguments, PYTHONPATH=reader.PYTHONPATH, **more)

    return call


def sources(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.scalars(select(Source.id)))


def releases(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(Release.name).order_by(Release.revision)))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is read, whatever it is written to
def test_files_folders_and_standard_input(bring_in: Import, engine: Engine, tmp_path: Path, url: str) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "a.ndjson").write_bytes(lines(source("a")))
    (folder / "b.ndjson.gz").write_bytes(gzip.compress(lines(source("b"))))
    file = tmp_path / "c.txt"
    file.write_bytes(lines(source("c")))
    done = bring_in("toy", str(folder), str(file))
    assert done.returncode == 0, done.stderr
    first = releases(engine)[0]
    assert first.startswith("import-toy-20")
    assert done.stdout.splitlines()[-1] == f"{first}, revision 1: 3 created."
    command = [*evidence(), "import", "toy", "-"]
    env = environment(url, PYTHONPATH=reader.PYTHONPATH)
    piped = subprocess.run(command, env=env, input=lines(source("d")), capture_output=True, timeout=120, check=False)
    assert piped.returncode == 0, piped.stderr
    assert releases(engine) == [first, f"{first}-2"]
    assert sources(engine) == ["a", "b", "c", "d"]
    again = bring_in("toy", str(folder))
    assert again.stdout.splitlines()[-1] == "Nothing to do (nothing); no release was made."


def test_a_dry_run_is_printed_as_a_release_s_preview(bring_in: Import, engine: Engine, tmp_path: Path) -> None:
    file, report = tmp_path / "x", tmp_path / "report.json"
    file.write_bytes(lines(source("a"), source("b")))
    said = bring_in("toy", str(file), "--dry-run", "--report", str(report))
    assert said.returncode == 0, said.stderr
    shown = said.stdout.splitlines()
    assert shown[:2] == ["created   sources/a", "created   sources/b"]
    assert shown[-1] == "There would be: 2 created. Nothing was changed."
    assert orjson.loads(report.read_bytes())["records_total"] == 2
    assert (sources(engine), releases(engine)) == ([], [])


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # the engine's own tests have both
def test_refusals_stop_or_are_passed_over(bring_in: Import, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(lines(source("a"), {"refusal": "odd"}, source("b")))
    stopped = bring_in("toy", str(file), "--report", "-")
    assert (stopped.returncode, orjson.loads(stopped.stdout)["stopped"]) == (1, True), stopped.stderr
    told = bring_in("toy", str(file))
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines()[-2:] == ["line 2: odd", "1 refused; nothing was changed."]
    assert sources(engine) == []
    skipped = bring_in("toy", str(file), "--on-error", "skip", "--name", "some", "--reason", "Because", "--json")
    assert skipped.returncode == 5
    assert orjson.loads(skipped.stdout)["release"] == "some"
    assert sources(engine) == ["a", "b"]
    taken = bring_in("toy", str(file), "--on-error", "skip", "--name", "some")
    assert (taken.returncode, "a name is given once" in taken.stderr) == (1, True)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # the engine's own tests have both
def test_labels_that_cannot_be_read_are_named_and_passed_over(bring_in: Import, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "a.xml").write_bytes(b"<document xmlns='urn:hl7-org:v3'><broken")
    (folder / "b.xml").write_bytes((FIXTURES / "label" / "prescription.xml").read_bytes())
    (folder / "c.xml").write_bytes(b"\x00")
    done = bring_in("label", str(folder), "--on-error", "skip")
    assert done.returncode == 5, done.stderr
    assert "1 applied" in done.stdout
    assert "2 refused" in done.stdout
    assert all(str(folder / name) in done.stderr for name in ("a.xml", "c.xml"))
    assert sources(engine) == ["label-abcdef01-2345-4678-89ab-cdef01234567"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # the engine's own tests have both
def test_an_older_record_is_named_and_imported_only_if_allowed(bring_in: Import, tmp_path: Path) -> None:
    for name, day in (("new", "2024-05-06"), ("old", "2023-05-06")):
        (tmp_path / name).write_bytes(lines(source("a", effective_date=day)))
    assert bring_in("toy", str(tmp_path / "new")).returncode == 0
    skipped = bring_in("toy", str(tmp_path / "old"))
    assert skipped.returncode == 0, skipped.stderr
    assert "1 older-than-stored, such as line 1: sources/a: what came is of 2023-05-06" in skipped.stdout
    assert "1 read, 0 applied, 0 unchanged, 1 skipped, 0 refused" in skipped.stdout
    taken = bring_in("toy", str(tmp_path / "old"), "--allow-older")
    assert taken.stdout.splitlines()[-1].endswith("1 updated.")


def test_since_is_for_what_says_when(bring_in: Import, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(lines(source("a", note="2020-01-31"), source("b", note="2020-02-01")))
    assert bring_in("toy", str(file), "--since", "2020-02-01").returncode == 0
    assert sources(engine) == ["b"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cgtov", "x"], "nearest: ctgov"),
        (["ctgov"], "one of the two"),
        (["ctgov", "/", "--query", "x"], "one of the two"),
        (["ctgov", "/none/such"], "There is no /none/such."),
        (["references", "--query", "x"], "nobody answers queries for references"),
        (["mesh", "--query", "x"], "nobody answers queries for mesh"),
        (["mesh", "/none/such"], "There is no /none/such"),
        (["mesh", sys.executable, "--since", "2020-01-01"], "files of mesh do not say"),
        (["mesh", sys.executable, "--name", "a"], "what mesh brings becomes no release"),
        (["mesh", sys.executable, "--allow-older"], "what mesh brings does not say how new it is"),
        (["pubmed", "/", "--since", "2020-01-01"], "it goes with a --query"),
        (["ctgov", "/", "--since", "2020"], "a day like"),
        (["ctgov", "/", "--on-error", "go"], "stop or skip"),
        (["ctgov", "/", "--name", "A B"], "no name of a release"),
    ],
)
def test_what_makes_no_sense_is_exit_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run(tmp_path / "none.db", "import", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is written is told of in test_mesh
def test_mesh_is_previewed_and_told(bring_in: Import, tmp_path: Path) -> None:
    file = tmp_path / "mesh.tsv"
    file.write_text("D000001\tCalcimycin\tA-23187|A23187\tD03.633.100.221.173\n")
    said = bring_in("mesh", str(file), "--dry-run")
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "1 descriptors would be changed."), said.stderr
    made = orjson.loads(bring_in("mesh", str(file), "--reason", "new", "--json").stdout)
    assert (made["units"]["applied"], made["release"], made["revision"] is None) == (1, None, False)
    assert "1 unchanged" in bring_in("mesh", str(file)).stdout


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # the other is told of in test_cli
def test_what_is_interrupted_changed_nothing(url: str, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(many(2000, 0.01))
    env = environment(url, PYTHONPATH=reader.PYTHONPATH)
    process = subprocess.Popen([*evidence(), "import", "toy", str(file)], env=env, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not is_locked(engine):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert sources(engine) == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is read, whatever it is written to
def test_a_file_whose_name_is_no_text_is_told_of(bring_in: Import, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / os.fsdecode(b"\xff.json")).write_bytes(b"{")
    said = bring_in("ctgov", str(folder), "--report", str(report))
    assert said.returncode == 1, said.stderr
    assert "Traceback" not in said.stderr
    assert orjson.loads(report.read_bytes())["units"]["refused"] == 1
