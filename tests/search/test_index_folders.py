"""Folders of search indexes that nobody uses any more are removed, and no other."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.records.document_paths import value_paths
from app.records.registry import RESOURCES
from app.search import index_folders
from app.search.schema import digest, digest_of, layout
from tests.conftest import await_index, serving, settings_for

HOLD = """
import sys, time
from pathlib import Path
from app.search.index_folders import claim
assert claim(Path(sys.argv[1])) is not None
print("held", flush=True)
time.sleep(600)
"""


def serve_once(database: Path, root: Path) -> str:
    """Starts the service, which brings its index up to date, and ends it; returns the name of its folder."""
    with serving(settings_for(f"sqlite:///{database}", search_path=str(root))) as client:
        await_index(client)
        deadline = time.monotonic() + 10
        while not (found := [path for path in root.glob(f"{digest()}-*") if (path / "meta.json").exists()]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    return max(found, key=lambda path: (path / "meta.json").stat().st_mtime_ns).name


def folder(root: Path, name: str, *, marked: bool, days: float = 0.0) -> Path:
    made = root / name
    made.mkdir(parents=True)
    (made / "meta.json").write_text("{}")
    if marked:
        (made / index_folders.IN_USE).touch()
    at = time.time() - days * 24 * 3600
    for path in (*made.iterdir(), made):
        os.utime(path, (at, at))
    return made


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process serves from a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def name(sqlite_copy: Path, root: Path) -> str:
    return serve_once(sqlite_copy, root)


def test_those_of_other_versions_go_and_those_of_other_databases_stay(sqlite_copy: Path, root: Path, name: str) -> None:
    epoch = name.partition("-")[2]
    left = {
        folder(root, f"4-{epoch}", marked=True): False,
        folder(root, f"fedcba9876543210-{epoch}", marked=True): False,
        folder(root, f"3-{epoch}", marked=False, days=2): False,
        folder(root, f"0-{epoch}", marked=False): True,
        folder(root, f"{digest()}-0123456789abcdef", marked=True, days=20): True,
        folder(root, "4-0123456789abcdef", marked=True, days=31): False,
        folder(root, ".removed-half", marked=True): False,
        folder(root, "of-somebody-else", marked=True, days=400): True,
        folder(root, f"4-{epoch}-copy", marked=True, days=400): True,
        root / name: True,
    }
    before = (root / name / "meta.json").stat().st_mtime_ns
    assert serve_once(sqlite_copy, root) == name
    assert {path: path.exists() for path in left} == left
    assert (root / name / "meta.json").stat().st_mtime_ns == before


def test_what_another_version_serves_from_stays_until_it_ends(sqlite_copy: Path, root: Path, name: str) -> None:
    """Two versions that share a place, while one is being replaced by the other."""
    other = folder(root, f"4-{name.partition('-')[2]}", marked=True, days=400)
    with held(other):
        serve_once(sqlite_copy, root)
        assert (other / "meta.json").exists()
    serve_once(sqlite_copy, root)
    assert not other.exists()


def test_a_folder_that_is_being_served_is_held(sqlite_copy: Path, root: Path) -> None:
    with serving(settings_for(f"sqlite:///{sqlite_copy}", search_path=str(root))) as client:
        await_index(client)
        serving_from = next(root.glob(f"{digest()}-*"))
        beside = root / f"fedcba9876543210-{serving_from.name.partition('-')[2]}"
        assert index_folders.remove_unused(beside) == []
    assert index_folders.remove_unused(beside) == [serving_from.name]


def _remove_until(over: threading.Event, beside: Path) -> None:
    while not over.is_set():
        index_folders.remove_unused(beside)


def test_many_that_open_and_remove_one_folder_never_hold_what_is_gone(root: Path) -> None:
    path, over = root / "5-0123456789abcdef", threading.Event()
    root.mkdir()
    removers = [threading.Thread(target=_remove_until, args=(over, root / "6-0123456789abcdef")) for _ in range(2)]
    for thread in removers:
        thread.start()
    there = []
    for _ in range(300):
        claimed = index_folders.claim(path)
        if claimed is not None:  # else it was removed just then, and is opened without a claim
            there.append((path / index_folders.IN_USE).exists())
            os.close(claimed)
    over.set()
    for thread in removers:
        thread.join()
    assert all(there)


def test_where_nothing_can_be_marked_nothing_is_held() -> None:
    assert index_folders.claim(Path("/proc/none/such")) is None


def test_the_name_of_an_index_follows_from_everything_that_decides_what_it_holds() -> None:
    """A filter on a field that documents have already, say, would find too few in an index that was made before it."""
    today = layout()
    assert digest_of(today) == digest()
    for type, resource in RESOURCES.items():
        assert today["values"][type] == value_paths(type)
        assert set(today["kinds"][type]) == set(resource.filters)
    for part, value in today.items():
        assert digest_of({**today, part: [value, "other"]}) != digest()
    fewer = {name: path for name, path in today["values"]["studies"].items() if name != "phase"}
    assert digest_of({**today, "values": {**today["values"], "studies": fewer}}) != digest()
