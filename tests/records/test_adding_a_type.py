"""The guide to adding a record type, followed to the letter in a copy of the project."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SEEDS
from tests.interpreter import PYTHON

ROOT = SEEDS.parent
GUIDE = (ROOT / "docs/adding-a-type.md").read_text()
BLOCK = re.compile(r"^`(\w+\.py|seeds/\w+\.yaml)`[:,](?:(?!```).)*?```\w+\n(.*?)```", re.DOTALL | re.MULTILINE)
FOLDER = "app/records/organisations"
WRITTEN = {name if "/" in name else f"{FOLDER}/{name}": text for name, text in BLOCK.findall(GUIDE)}
"""The files that the guide has one write, by path."""

ASKED = {
    "list": "/v1/organisations?kind=company&product=xeomin",
    "none": "/v1/organisations?country=not:DE",
    "facet": "/v1/organisations?facets=kind,product&limit=0",
    "search": "/v1/organisations?q=title:merz",
    "everywhere": "/v1/search?q=merz&type=organisations",
    "one": "/v1/organisations/merz?include=products",
    "history": "/v1/organisations/merz/versions",
    "then": "/v1/organisations?as_of=NOW&product=xeomin&sort=-name",
    "csv": "/v1/organisations?format=csv&fields=id,products.name",
    "unknown": "/v1/organisations?kind=club",
    "document": "/openapi.json",
}
"""What is asked of the copy."""

ASKING = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from app.database.engine import open_engine
from app.database.migrations import migrate
from app.releases.load import load
from app.store.integrity import check
from tests.conftest import await_index, serving, settings_for

url = "sqlite:///evidence.db"
engine = open_engine(url)
migrate(engine)
load(engine, Path("seeds"))
with serving(settings_for(url)) as client:
    await_index(client)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    found = {name: client.get(path.replace("NOW", now)).text for name, path in json.load(sys.stdin).items()}
found["checked"] = [str(each) for each in check(engine)]
migrate(engine, "0001")
migrate(engine)
engine.dispose()
print(json.dumps(found))
"""


def run(folder: Path, *command: str, given: str = "") -> str:
    done = subprocess.run([PYTHON, *command], cwd=folder, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the guide was followed, with the seeds that its record needs."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("app", "migrations", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "seeds").mkdir()
    for file in (*SEEDS.glob("sources*.yaml"), SEEDS / "products.yaml", SEEDS / "article.txt"):
        shutil.copy(file, folder / "seeds")
    for name in ("pyproject.toml", "alembic.ini"):
        shutil.copy(ROOT / name, folder)
    for path, text in WRITTEN.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    (folder / FOLDER / "__init__.py").touch()
    with_a_line(
        folder / "app/records/vocabularies.py", r"\nRecordType = Literal\[\n(?:    .*\n)+", '    "organisations",\n'
    )
    registry = folder / "app/records/registry.py"
    with_a_line(registry, r"    for resource in \(\n(?:        .*\n)+?(?=    \))", "        ORGANISATIONS,\n")
    imported = "from app.records.organisations.resource import ORGANISATIONS\n"
    with_a_line(registry, r"(?:from app.*\n)+", imported)
    return folder


@pytest.fixture(scope="module")
def migration(copy: Path) -> str:
    return Path(run(copy, "-m", "migrations.new", "organisations").strip()).read_text()


def with_a_line(file: Path, after: str, line: str) -> None:
    """Add a line to a file, behind what the pattern matches."""
    text = file.read_text()
    found = re.search(after, text)
    assert found, after
    file.write_text(text[: found.end()] + line + text[found.end() :])


def test_the_guide_takes_few_lines() -> None:
    assert [Path(path).name for path in WRITTEN] == ["models.py", "schemas.py", "resource.py", "organisations.yaml"]
    assert sum(len(text.splitlines()) for text in WRITTEN.values()) + 3 <= 120


def test_the_migration_is_written_from_the_models(migration: str) -> None:
    created = migration.index('create_table(\n        "organisations"')
    assert migration.index('add_record_type("organisations")') < created
    assert migration.index('drop_table("organisations")') < migration.index('remove_record_type("organisations")')


@pytest.mark.long
@pytest.mark.usefixtures("migration")
def test_a_type_is_there_once_the_guide_was_followed(copy: Path) -> None:
    found: dict[str, Any] = json.loads(run(copy, "-c", ASKING, given=json.dumps(ASKED)).splitlines()[-1])
    read = {name: json.loads(text) for name, text in found.items() if name not in ("csv", "checked")}
    assert [item["id"] for item in read["list"]["items"]] == ["merz"]
    assert read["none"]["total"] == 0
    assert read["facet"]["facets"]["kind"]["values"] == [{"value": "company", "count": 1}]
    assert read["facet"]["facets"]["product"]["values"] == [{"value": "incobotulinumtoxina", "count": 1}]
    assert read["search"]["total"] == read["everywhere"]["total"] == 1
    assert read["one"]["products"][0]["brand_names"]
    assert [item["version"] for item in read["history"]["items"]] == [1]
    assert read["then"]["items"] == read["list"]["items"]
    assert found["csv"].splitlines()[1] == "merz,incobotulinumtoxinA"
    assert read["unknown"]["status"] == 422
    asked = read["document"]["paths"]["/v1/organisations"]["get"]
    parameters = {each["name"]: each for each in asked["parameters"] if "name" in each}
    assert parameters["country"]["description"].startswith("Where its seat is.")
    assert parameters["kind"]["schema"]["items"]["pattern"].startswith("^(missing|present|(not:)?(company|agency")
    assert found["checked"] == []


def test_a_type_without_a_declaration_is_named(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy / "app", tmp_path / "app")
    with_a_line(tmp_path / "app/records/vocabularies.py", r"\nRecordType = Literal\[\n", '    "spares",\n')
    command = [PYTHON, "-c", "import app.records.registry"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "RecordType names others, or in another order" in done.stderr
