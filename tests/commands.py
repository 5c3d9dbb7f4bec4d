"""The `evidence` command as tests run it: each time a process of its own, with an environment of its own.

Most runs are forked from a process that has imported the command already, for that takes a second that no test is
about. A run that needs an interpreter of its own, as one whose PYTHONPATH matters, starts one.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import SEEDS

EVIDENCE = [sys.executable, "-c", "from app.cli.main import main; main()"]

TIMEOUT = 120
"""Seconds after which a run is ended."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["app.cli.main", "tests.commands"])


def environment(database: Path | str, **more: str) -> dict[str, str]:
    url = str(database) if "://" in str(database) else f"sqlite:///{database}"
    return {**os.environ, "EVIDENCE_DATABASE_URL": url, "EVIDENCE_SEEDS": str(SEEDS), **more}


def run(database: Path | str, *arguments: str, answers: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; `answers` is its standard input, and `more` further variables."""
    given = environment(database, **more)
    if "PYTHONPATH" in more:
        return subprocess.run(
            [*EVIDENCE, *arguments],
            env=given,
            input=answers,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    return run_forked(arguments, given, answers)


def run_forked(arguments: tuple[str, ...], given: Mapping[str, str], answers: str) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory(prefix="command-", dir="/tmp") as folder:
        paths = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        paths[0].write_text(answers)
        process = _FORKS.Process(target=_command, args=(arguments, dict(given), [str(path) for path in paths]))
        process.start()
        process.join(TIMEOUT)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, TIMEOUT)
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(arguments, code, paths[1].read_text(), paths[2].read_text())


def _command(arguments: tuple[str, ...], given: dict[str, str], paths: list[str]) -> None:
    """What runs in the new process: its own environment, standard streams and arguments, and then the command."""
    os.environ.clear()
    os.environ.update(given)
    for number, path in enumerate(paths):
        descriptor = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - for good
    sys.argv = ["evidence", *arguments]
    from app.cli.main import main

    main()
