"""A file of NDJSON, and a database with a first release."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine

from tests.releases.operations import FIRST, Json, Lines, made
from tests.releases.yaml_files import GOOD


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """A file of NDJSON; text and bytes are written as they are."""

    def write(*items: Json | str | bytes) -> Path:
        path = tmp_path / "release.ndjson"
        raw = (
            item if isinstance(item, bytes) else item.encode() if isinstance(item, str) else orjson.dumps(item)
            for item in items
        )
        path.write_bytes(b"".join(line + b"\n" for line in raw))
        return path

    return write


@pytest.fixture
def first(engine: Engine, lines: Lines) -> Engine:
    made(engine, "first", lines(*FIRST))
    return engine


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """A directory of good files, some of them replaced."""

    def write(**changed: str | bytes) -> Path:
        named = {name.replace("_", "-").replace("-yaml", ".yaml"): text for name, text in changed.items()}
        for name, text in {**GOOD, **named}.items():
            (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path

    return write
