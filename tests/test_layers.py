"""Who may import what. The rule is in the table; the test reads the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

from app.catalogue import RESOURCES

APP = Path(__file__).parents[1] / "app"
FEATURES = {path.parent.name for path in APP.glob("*/models.py")}

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "models.py": ("fastapi", "starlette", "app.web", "app.catalogue"),
    "schemas.py": ("fastapi", "starlette", "sqlalchemy", "app.web", "app.catalogue"),
    "rules.py": ("fastapi", "starlette", "sqlalchemy", "app.db", "app.web", "app.catalogue"),
    "service.py": ("fastapi", "starlette", "app.web", "app.catalogue", "app.loading"),
    "routes.py": ("sqlalchemy", "app.db", "app.rows", "app.writing"),
}
"""What the files of a feature folder must not know of."""

WITHOUT_WEB = ("fastapi", "starlette", "uvicorn", "app.web", "app.main")
WEB = ("main.py", "serving.py", "cli.py", "web")
"""The only places outside the features' routes that know of the web."""

IGNORANT = ("db.py", "fields.py", "filters.py", "errors.py", "rules.py", "record_schemas.py", "quotes.py", "paging.py")
"""Shared modules that know no feature."""


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def breaches(file: Path, forbidden: tuple[str, ...]) -> list[str]:
    found = [name for name in imports(file) if any(name == bad or name.startswith(f"{bad}.") for bad in forbidden)]
    return [f"{file.relative_to(APP)} imports {name}" for name in found]


OWN = {"sources": {"texts.py"}, "studies": {"parts.py"}}
"""Files that one feature alone needs."""


def test_each_feature_has_the_same_few_files() -> None:
    known = {"__init__.py", "models.py", "schemas.py", "rules.py", "service.py", "routes.py"}
    assert len(FEATURES) == len(RESOURCES)
    for feature in FEATURES:
        names = {path.name for path in (APP / feature).glob("*.py")}
        assert known <= names
        assert names - known <= OWN.get(feature, set())


def test_layers_keep_to_the_table() -> None:
    found = [
        breach
        for feature in FEATURES
        for name, forbidden in FORBIDDEN.items()
        for breach in breaches(APP / feature / name, forbidden)
    ]
    assert found == []


def test_the_web_is_known_to_the_web_alone() -> None:
    files = [
        path for path in APP.rglob("*.py") if path.relative_to(APP).parts[0] not in WEB and path.name != "routes.py"
    ]
    assert (
        [breach for file in files for breach in breaches(file, WITHOUT_WEB)]
        == [
            # the command of the reader's own address, so that a missing file is not made anew
        ]
    )


def test_shared_modules_know_no_feature() -> None:
    features = tuple(f"app.{feature}" for feature in FEATURES)
    assert [breach for name in IGNORANT for breach in breaches(APP / name, features)] == []


def test_features_do_not_reach_into_each_other_but_for_shapes_and_tables() -> None:
    for feature in FEATURES:
        for file in (APP / feature).glob("*.py"):
            for name in imports(file):
                parts = name.split(".")
                if len(parts) > 2 and parts[0] == "app" and parts[1] in FEATURES - {feature}:
                    assert parts[2] in ("models", "schemas"), f"{file.relative_to(APP)} imports {name}"


def test_requests_go_out_through_the_guard_alone() -> None:
    """`app/outgoing.py` makes the client; who delivers or downloads is handed one."""
    files = {file.relative_to(APP).as_posix(): file for file in APP.rglob("*.py")}
    clients = ("httpx", "httpcore", "urllib.request", "http.client")
    known = {name for name, file in files.items() if breaches(file, clients)}
    importing = {"importing/live/answers.py", "importing/live/downloads.py"}
    assert known == {"outgoing.py", "webhooks/delivering.py", "webhooks/sending.py", *importing}
    made = {name for name, file in files.items() if "httpx.AsyncClient(" in file.read_text()}
    assert made == {"outgoing.py"}


def test_modules_stay_small() -> None:
    for file in APP.rglob("*.py"):
        assert len(file.read_text().splitlines()) <= 300, file


def test_there_are_no_leftovers() -> None:
    for file in APP.rglob("*.py"):
        text = file.read_text()
        for mark in ("TODO", "FIXME", "XXX", "NotImplementedError", "pragma: no cover"):
            assert mark not in text, f"{file}: {mark}"
