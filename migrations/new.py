"""`python -m migrations.new NAME` writes the next migration: what the models have that the migrations do not build.

Alembic compares the models with a new database; record types that its CHECKs do not know are added as well. What was
written is to be read before it is committed.
"""

import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from app.database.engine import open_engine
from app.database.migrations import head, migrate
from app.records.vocabularies import RecordType
from migrations.checks import record_types


def write(engine: Engine, name: str) -> Path:
    """Write a migration for what a database at the newest version lacks of the models; return its file."""
    config = Config(Path(__file__).parents[1] / "alembic.ini")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        script = command.revision(config, message=name, autogenerate=True, rev_id=f"{int(head()) + 1:04d}")
        missing = [type for type in get_args(RecordType) if type not in record_types(connection)]
    file = Path(script.path)  # type: ignore[union-attr]  # one revision was asked for, and it has a file
    file.write_text(_with_types(file.read_text(), missing))
    return file


def _with_types(text: str, types: list[str]) -> str:
    if not types:
        return text
    added = "".join(f'    add_record_type("{type}")\n' for type in types)
    removed = "".join(f'    remove_record_type("{type}")\n' for type in types)
    text = text.replace(
        "\n\nrevision: str", "\nfrom migrations.checks import add_record_type, remove_record_type\n\nrevision: str", 1
    )
    return text.replace("def upgrade() -> None:\n", f"def upgrade() -> None:\n{added}", 1).rstrip() + f"\n{removed}"


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].replace("_", "").isalnum():
        raise SystemExit("Say what changes: make migration NAME=one_or_more_words")
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/new.db")
        migrate(engine)
        with redirect_stdout(sys.stderr):  # where Alembic says what it does
            file = write(engine, sys.argv[1])
        engine.dispose()
    for tool in (("format", "--quiet"), ("check", "--fix", "--exit-zero", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *tool, str(file)], check=True)
    print(file)


if __name__ == "__main__":
    main()
