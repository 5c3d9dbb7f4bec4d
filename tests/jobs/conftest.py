"""A service that runs imports of the toy format, in this process or in one of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.auth.models import Role
from app.imports import registry as formats
from tests.conftest import keys_of, serving, settings_for
from tests.toy import reader


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", reader.PYTHONPATH)
    monkeypatch.setitem(formats.FORMATS, "toy", reader.TOY)


@pytest.fixture
def keys(engine: Engine) -> dict[Role, str]:
    return keys_of(engine)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "imports"


@pytest.fixture
def settings(url: str, folder: Path) -> Any:
    return settings_for(url, imports_path=str(folder), max_import_bytes=2_000_000)


@pytest.fixture
def admin(settings: Any, keys: dict[Role, str]) -> Iterator[httpx.Client]:
    with serving(settings) as client:
        client.headers["authorization"] = f"Bearer {keys['admin']}"
        yield client
