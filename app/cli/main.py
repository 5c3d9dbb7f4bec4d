"""The `evidence` command. Results go to standard output, progress and errors to standard error.

Exit codes: 0 done; 1 faults were found and nothing was changed; 2 wrong usage; 3 the database cannot be used (missing,
locked, read-only, full, at another version); 4 the address to listen on is taken; 5 done, but for what was refused and
passed over (`import --on-error skip`); 130 interrupted, nothing was changed (`serve`, interrupted, ends with 0).
"""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError

from app import logs
from app.cli.console import (
    ACTOR,
    ADDRESS_IN_USE,
    FAULTS,
    INTERRUPTED,
    UNUSABLE,
    USAGE,
    bar,
    database,
    errors,
    stop,
    stop_for_faults,
)
from app.cli.imports import import_command
from app.cli.keys import app as key_commands
from app.cli.keys import audit_app as audit_commands
from app.cli.releases import app as release_commands
from app.settings import Settings

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.command()
def migrate(target: Annotated[str, typer.Argument(help="A revision, `head` or `base`.")] = "head") -> None:
    """Bring the database's schema to this code's version, creating the database if there is none."""
    from app.database import migrations

    with database(Settings(), migrated=False) as engine:
        migrations.migrate(engine, target)
        if target == "head":
            _render_if_stale(engine)
        with engine.connect().execution_options(reads=True) as connection:
            print(f"The schema is at {migrations.current(connection) or 'base'}.")


def _render_if_stale(engine: Engine) -> None:
    """Render all documents again if another version of this code has rendered them."""
    from app.store import integrity

    if integrity.is_stale(engine):
        with bar("Rendering", integrity.count(engine)) as (_, advance):
            integrity.rebuild(engine, actor=ACTOR, progress=advance)


@app.command()
def load(
    path: Annotated[Path, typer.Argument(help="A directory of TYPE.yaml files, or one file.", exists=True)],
) -> None:
    """Load records: all of them, or none and a list of every fault."""
    with database(Settings()) as engine:
        _load(engine, path)


def _load(engine: Engine, path: Path) -> None:
    from app.releases.load import InvalidContent
    from app.releases.load import load as load_files

    missing: list[tuple[str, str]] = []
    try:
        with bar(f"Loading {path}") as (set_total, advance):
            done = load_files(engine, path, started=set_total, progress=advance, missing=missing.extend)
    except InvalidContent as faulty:
        raise stop_for_faults(faulty.faults) from None
    for type, id in missing:
        print(f"no longer in the files, kept as it is: {type}/{id}")
    refreshed = f", {done.refreshed} refreshed" if done.refreshed else ""
    print(f"{done.created} created, {done.updated} updated, {done.unchanged} unchanged{refreshed}.")


app.add_typer(key_commands, name="key")
app.add_typer(release_commands, name="release")
app.add_typer(audit_commands, name="audit")

app.command("import")(import_command)


@app.command()
def check() -> None:
    """Prove that every document follows from its rows, every quote is in its source and the audit is complete.

    A quote that has moved in its source's new text is listed and is no fault; a quote that the text has lost is one.
    """
    from app.store import integrity
    from app.store.quotes.proof import moved_quotes

    with database(Settings()) as engine, bar("Checking", integrity.count(engine)) as (_, advance):
        faults = list(integrity.check(engine, progress=advance))
        moved = list(moved_quotes(engine))
    for line in (*moved, *faults):
        print(line)
    if faults:
        raise stop(FAULTS, f"{len(faults)} fault(s).")
    print("All documents follow from their rows, all quotes stand in their sources, and the audit is whole.")


@app.command()
def rebuild() -> None:
    """Render every document from its rows again; those that differ become new versions."""
    from app.store import integrity

    with database(Settings()) as engine, bar("Rebuilding", integrity.count(engine)) as (_, advance):
        changed = integrity.rebuild(engine, actor=ACTOR, progress=advance)
    print(f"{changed} documents changed.")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else `EVIDENCE_HOST`.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one; else `EVIDENCE_PORT`.")] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Migrate and load `EVIDENCE_SEEDS` first, if need be.")
    ] = False,
) -> None:
    """Serve the API."""
    given = {"host": host, "port": port}
    settings = Settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    if prepare:
        _prepare(settings)
    with database(settings):
        pass
    from app.server import AddressInUse, run

    try:
        run(settings)
    except AddressInUse as error:
        raise stop(ADDRESS_IN_USE, str(error)) from None


def _prepare(settings: Settings) -> None:
    from app.database import migrations

    with database(settings, migrated=False) as engine:
        migrations.migrate(engine)
        _render_if_stale(engine)
        from app.releases.load import digest_of, loaded_digest

        before = loaded_digest(engine)
        if before is None:
            if not settings.seeds.exists():
                raise stop(USAGE, f"EVIDENCE_SEEDS names {settings.seeds}, which is not there.")
            _load(engine, settings.seeds)
        elif before != digest_of(settings.seeds):
            errors.print(f"{settings.seeds} is not what was loaded last; `evidence load` brings it in.", markup=False)


def _settings() -> Settings:
    try:
        settings = Settings()
        make_url(settings.database_url.get_secret_value()).get_dialect()
    except ValidationError as error:
        for fault in error.errors():
            where = "".join(f"EVIDENCE_{part}: ".upper() for part in fault["loc"])
            errors.print(f"{where}{fault['msg']}", markup=False)
        raise SystemExit(USAGE) from None
    except ArgumentError as error:
        errors.print(f"EVIDENCE_DATABASE_URL cannot be read: {error}", markup=False)
        raise SystemExit(USAGE) from None
    return settings


def main() -> None:
    """Run the command; unreadable settings and interruptions end it with a message."""
    logs.set_up(_settings().log_format)
    from app.common.problems import Problem

    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        errors.print("Interrupted; nothing was changed.")
        raise SystemExit(INTERRUPTED) from None
    except Problem as problem:
        errors.print(f"The database cannot be used: {problem.detail}", markup=False)
        raise SystemExit(UNUSABLE) from None
