"""`evidence release`: preview, apply, list and revert releases."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.auth.audit import Who
from app.cli.console import ACTOR, FAULTS, USAGE, bar, database, stop, stop_for_faults
from app.cli.release_report import counted, print_records
from app.common.problems import Problem
from app.common.strict_json import Json
from app.database.engine import reading
from app.settings import Settings

app = typer.Typer(
    help="Releases: many changes under one name, which can be previewed and reverted.", no_args_is_help=True
)

Content = Annotated[Path, typer.Argument(help="A directory of YAML, a zip of one, or NDJSON; `-`: standard input.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole report as one JSON object.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept for good.")]


@contextmanager
def _end_on_refusal() -> Iterator[None]:
    """End the command with a message if the block raises what a release is refused for."""
    from app.releases.load import InvalidContent

    try:
        yield
    except InvalidContent as faulty:
        raise stop_for_faults(faulty.faults) from None
    except Problem as problem:
        if problem.kind not in ("conflict", "not-found"):
            raise
        for fault in problem.errors:
            print(fault if problem.kind == "not-found" else fault.detail, file=sys.stderr)
        raise stop(FAULTS, f"{problem.detail} Nothing was changed.") from None


def _run(path: Path, name: str, reason: str, *, only_preview: bool) -> Json:
    from app.releases.archive_reader import open_content
    from app.releases.service import ReleaseRequest, apply, preview
    from app.releases.staging import staged

    request = ReleaseRequest(name, reason, Who(ACTOR))
    verb, what = (preview, "Previewing") if only_preview else (apply, "Applying")
    with ExitStack() as stack:
        engine = stack.enter_context(database(Settings()))
        stack.enter_context(_end_on_refusal())
        content = stack.enter_context(open_content(path))
        with bar(f"Reading {path}") as (_, advance):
            read = stack.enter_context(staged(content, advance))
        with bar(what, read.size) as (_, advance):
            return verb(engine, read, request, progress=advance)


def _require_name(name: str) -> str:
    from app.releases.service import is_name

    if not is_name(name):
        raise stop(USAGE, f"{name!r} is no name of a release: words of a-z and 0-9, joined by hyphens.")
    return name


@app.command()
def preview(path: Content, as_json: AsJson = False) -> None:
    """Show what a release would change, record by record and field by field; change nothing."""
    _print(_run(path, "preview", "preview", only_preview=True), as_json, done=False)


@app.command()
def apply(
    name: Annotated[str, typer.Argument(help="A name of its own for good, such as `2027-01-labels`.")],
    path: Content,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Make all the changes in one transaction, under a name."""
    done = _run(path, _require_name(name), reason or f"release {name}", only_preview=False)
    _print(done, as_json)


@app.command("list")
def list_releases(as_json: AsJson = False) -> None:
    """List all releases, the newest first."""
    from app.releases import summary

    with database(Settings()) as engine, reading(engine) as connection:
        for release in summary.list_releases(connection):
            if as_json:
                print(orjson.dumps(release).decode())
                continue
            of = f"reverts {release['reverts']}" if release["reverts"] else ""
            by = f"reverted by {release['reverted_by']}" if release["reverted_by"] else ""
            at, counts = f"{release['at']:%Y-%m-%dT%H:%MZ}", counted(release["counts"])
            print(release["name"], release["revision"], at, release["actor"], counts, of or by or "-", sep="\t")


@app.command()
def revert(
    name: Annotated[str, typer.Argument(help="The release to undo.")],
    new_name: Annotated[str | None, typer.Option("--name", help="Else `revert-NAME`.")] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Undo a release by a new one; it is refused if a record of it was changed again."""
    from app.releases.revert import revert as undo
    from app.releases.revert import revert_name
    from app.releases.service import ReleaseRequest

    by = _require_name(new_name or revert_name(name))
    why = reason or f"revert of {name}"
    with database(Settings()) as engine, _end_on_refusal(), bar("Reverting") as (_, advance):
        done = undo(engine, ReleaseRequest(by, why, Who(ACTOR), reverts=name), progress=advance)
    _print(done, as_json)


def _print(report: Json, as_json: bool, *, done: bool = True) -> None:
    if as_json:
        print(orjson.dumps(report).decode())
        return
    print_records(report)
    print(_ending(report, done=done))


def _ending(report: Json, *, done: bool) -> str:
    counts = counted(report["counts"])
    if not done:
        return f"There would be: {counts}. Nothing was changed."
    if report["revision"] is None:
        return f"Nothing to do ({counts}); no release was made."
    return f"{report['name']}, revision {report['revision']}: {counts}."
