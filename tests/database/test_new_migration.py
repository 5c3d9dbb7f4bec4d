"""The next migration is written from the models, and a record type comes and goes with its records."""

import shutil
import subprocess
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from migrations.checks import RECORD_TYPE_COLUMNS, add_record_type, record_types, remove_record_type
from tests.conftest import SEEDS
from tests.database.test_migrations import definitions
from tests.interpreter import PYTHON

ROOT = SEEDS.parent
RECORD = "INSERT INTO records (type, id, needs_primary_source, digest) VALUES ('unheard-of', 'nih', false, 'x')"


def test_a_record_type_comes_and_goes(engine: Engine) -> None:
    with engine.connect() as connection:
        before, types = definitions(connection), record_types(connection)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(RECORD))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        add_record_type("unheard-of")
        add_record_type("unheard-of")
    with engine.begin() as connection:
        assert record_types(connection) == (*types, "unheard-of")
        connection.execute(text(RECORD))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        remove_record_type("unheard-of")
    with engine.begin() as connection:
        assert record_types(connection) == types
        assert connection.scalar(text("SELECT count(*) FROM records")) == 0
        changed = definitions(connection) ^ before
    assert all("audit" in line for line in changed), changed


def test_every_table_with_a_type_is_named() -> None:
    from app.database.engine import Base

    found = {
        table.name: column.name
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name in ("type", "record_type") and "safety-notes" in getattr(column.type, "enums", ())
    }
    assert found == RECORD_TYPE_COLUMNS


def test_the_next_migration_is_written_from_the_models(tmp_path: Path) -> None:
    """A copy of the project gets a column. What is written for a new record type, the guide's test looks at."""
    for name in ("app", "migrations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "alembic.ini"):
        shutil.copy(ROOT / name, tmp_path)
    models = tmp_path / "app/records/approvals/models.py"
    models.write_text(models.read_text().rstrip() + "\n    spare: Mapped[str | None]\n")
    command = [PYTHON, "-m", "migrations.new", "spare_words"]
    written = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()
    script = Path(written).read_text()
    assert script.index("def upgrade") < script.index('"spare"') < script.index("def downgrade")
    assert "add_record_type" not in script
    refused = subprocess.run([*command[:-1], "no name"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr) == (1, "Say what changes: make migration NAME=one_or_more_words\n")
