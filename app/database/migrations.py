"""Migrations: the schema version that this code needs, the one that a database has, and changing it."""

from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

import migrations
from app.common.problems import Problem
from app.database.engine import use_wal

FOLDER = Path(migrations.__file__).parent


def _config(connection: Connection | None = None) -> Any:
    from alembic.config import Config  # importing it takes a quarter of a second, and most commands do not need it

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


@cache
def head() -> str:
    """The schema version that this code needs: the one migration that no other follows."""
    files = [file.read_text() for file in (FOLDER / "versions").glob("2*.py")]
    return (_known() - {_named(file, "down_revision") for file in files}).pop()


def _named(file: str, name: str) -> str:
    line = next(line for line in file.splitlines() if line.startswith(f"{name}: "))
    return line.rsplit(" = ", 1)[1].strip("\"'")


def current(connection: Connection) -> str | None:
    """The schema version of a database, or nothing if it was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.scalars(text("SELECT version_num FROM alembic_version")).one_or_none()
    return None if version is None else str(version)


def _known() -> set[str]:
    return {_named(file.read_text(), "revision") for file in (FOLDER / "versions").glob("2*.py")}


def migrate(engine: Engine, target: str = "head") -> None:
    """Bring the schema to a version, up or down, in one transaction that keeps the data.

    Raises a `Problem` if this code does not know the target or the database's own version.
    """
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
