"""The `evidence` command as tests run it: each time a process of its own, with an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import SEEDS

TIMEOUT = 120
"""Seconds after which a run is ended."""


def evidence() -> list[str]:
    """What starts the command; `tests.interpreter` says how."""
    return [sys.executable, "-c", "from app.cli.main import main; main()"]


def environment(database: Path | str, **more: str) -> dict[str, str]:
    url = str(database) if "://" in str(database) else f"sqlite:///{database}"
    return {**os.environ, "EVIDENCE_DATABASE_URL": url, "EVIDENCE_SEEDS": str(SEEDS), **more}


def run(database: Path | str, *arguments: str, answers: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; `answers` is its standard input, and `more` further variables."""
    return subprocess.run(
        [*evidence(), *arguments],
        env=environment(database, **more),
        input=answers,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
