"""The database's schema version: bringing it up or down, and telling whether it fits this code."""

from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

import migrations
from app.common.problems import Problem
from app.database.engine import use_wal

FOLDER = Path(migrations.__file__).parent


def _config(connection: Connection | None = None) -> Any:
    from alembic.config import Config  # alembic takes a quarter of a second to import and starting rarely needs it

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


@cache
def head() -> str:
    """The version that this code works with: the one migration that no other follows."""
    files = [file.read_text() for file in (FOLDER / "versions").glob("2*.py")]
    return (_known() - {_named(file, "down_revision") for file in files}).pop()


def _named(file: str, name: str) -> str:
    line = next(line for line in file.splitlines() if line.startswith(f"{name}: "))
    return line.rsplit(" = ", 1)[1].strip("\"'")


def current(connection: Connection) -> str | None:
    """The version the database is at, or nothing where it was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.scalars(text("SELECT version_num FROM alembic_version")).one_or_none()
    return None if version is None else str(version)


def _known() -> set[str]:
    return {_named(file.read_text(), "revision") for file in (FOLDER / "versions").glob("2*.py")}


def migrate(engine: Engine, target: str = "head") -> None:
    """Brings the schema to a version, up or down, with the data in place and in one transaction."""
    from alembic import command

    _refuse_unknown(target)
    with engine.connect() as connection:
        use_wal(connection)
    with engine.begin() as connection:
        version = current(connection)
        if version not in {None, *_known()}:
            detail = f"The database is at schema version {version}, which this code does not know: it is newer."
            raise Problem("database-not-ready", detail)
        if target == version or (target == "head" and version == head()):
            return
        steps = command.downgrade if _is_below(target, version) else command.upgrade
        steps(_config(connection), target)


def _refuse_unknown(target: str) -> None:
    if target not in {"head", "base", *_known()}:
        raise Problem("database-not-ready", f"There is no schema version {target}.")


def _is_below(target: str, version: str | None) -> bool:
    if target == "base":
        return True
    if target == "head" or version is None:
        return False
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config())
    return target in {step.revision for step in script.iterate_revisions(version, "base")}
