"""The command for releases, which does all or nothing when it is killed."""

import subprocess
import time
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine

from app.database.engine import reading
from app.releases.summary import find_release
from app.store import integrity as maintaining
from tests.changing import is_locked
from tests.commands import environment, evidence, run
from tests.releases.operations import SECOND, Lines, body, everything, gone, source


@pytest.mark.parametrize("delay", [None, 0.05, 0.15, 0.3, 0.5, 0.8])
def test_an_apply_that_is_killed_did_all_or_nothing(
    first: Engine, url: str, tmp_path: Path, delay: float | None
) -> None:
    """Killed so long after it took the writers' lock; at last, not at all."""
    path = tmp_path / "many.ndjson"
    path.write_bytes(body(gone("products", "q"), *(source(f"s-{n}") for n in range(1500))))
    before = everything(first)
    command = [*evidence(), "release", "apply", "killed", str(path)]
    process = subprocess.Popen(command, env=environment(url), stdout=subprocess.PIPE)
    if delay is not None:
        while process.poll() is None and not is_locked(first):
            time.sleep(0.002)
        time.sleep(delay)
        process.kill()
    process.communicate(timeout=60)
    after = everything(first)
    with reading(first) as connection:
        release = find_release(connection, "killed")
    if release is None:
        assert after == before
    else:
        assert release["counts"]["created"] == 1500
        assert len(after["sources"]) == 1502
    assert list(maintaining.check(first)) == []
    assert (delay is None) <= (release is not None)


def test_the_command_from_preview_to_revert(first: Engine, url: str, lines: Lines) -> None:
    path = str(lines(*SECOND))
    said = run(url, "release", "preview", path)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (
        0,
        "There would be: 2 created, 2 updated, 2 deleted. Nothing was changed.",
    )
    assert '          /manufacturer: null -> "Maker"' in said.stdout.splitlines()
    done = run(url, "release", "apply", "second", path, "--json")
    assert orjson.loads(done.stdout)["revision"] == 2
    assert run(url, "release", "apply", "second", path).returncode == 1
    assert run(url, "release", "apply", "Not a name", path).returncode == 2
    assert run(url, "release", "apply", "x", "/none/such.ndjson").returncode == 1
    assert run(url, "release", "revert", "secnd").stderr.count("nearest: second") == 1
    assert run(url, "release", "revert", "second").stdout.splitlines()[-1] == (
        "revert-second, revision 3: 2 updated, 2 restored, 2 deleted."
    )
    listed_lines = run(url, "release", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in listed_lines] == ["revert-second", "second", "first"]
    assert listed_lines[1].endswith("\treverted by revert-second")
