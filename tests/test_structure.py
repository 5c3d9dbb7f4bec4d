"""What the contracts of import-linter do not say of the structure: sizes, leftovers, and who sends requests."""

from pathlib import Path
from typing import Any

import pytest
from radon.complexity import cc_visit

APP = Path(__file__).parents[1] / "app"
NEEDED = {"__init__.py", "models.py", "schemas.py", "resource.py"}
"""The modules that every record type has."""
FILES = sorted(APP.rglob("*.py"))


def test_one_module_alone_makes_clients_of_outgoing_requests() -> None:
    made = {file.relative_to(APP).as_posix() for file in FILES if "httpx.AsyncClient(" in file.read_text()}
    assert made == {"common/safe_http.py"}


def test_few_modules_stand_at_the_root() -> None:
    assert len(list(APP.glob("*.py"))) <= 5  # four, and the package's own


def test_every_record_type_has_the_same_files() -> None:
    for model in (APP / "records").glob("*/models.py"):
        names = {file.name for file in model.parent.glob("*.py")}
        assert names >= NEEDED, model.parent
        assert names <= NEEDED | {"rules.py", "parts.py", "texts.py", "title_key.py"}, model.parent


def blocks(text: str) -> list[Any]:
    """The functions and methods of a module, with their complexity: branches, boolean operators and comprehensions."""
    found = cc_visit(text)
    return [block for block in found if not hasattr(block, "methods")] + [
        method for block in found for method in getattr(block, "methods", ())
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(APP)))
def test_modules_are_small_and_finished(file: Path) -> None:
    text = file.read_text()
    assert [block.name for block in blocks(text) if block.complexity > 10] == []
    assert len(text.splitlines()) <= 300
    for mark in ("TODO", "FIXME", "XXX", "NotImplementedError", "pragma: no cover"):
        assert mark not in text
