"""`evidence import`: import what others publish, from files and addresses or from a publisher's service."""

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from sqlalchemy import Engine

from app.auth.audit import Who
from app.cli.console import ACTOR, FAULTS, SKIPPED, bar, database, stop
from app.cli.import_report import print_report
from app.cli.import_request import ImportOptions, require_valid
from app.common.problems import Problem
from app.common.strict_json import Json
from app.settings import Settings

if TYPE_CHECKING:
    from app.imports.reader_process import Input


def import_command(
    format: Annotated[str, typer.Argument(help="`ctgov`, `pubmed`, `references`, `label` or `mesh`.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, zips, addresses; gzipped or not. `-`: standard input."),
    ] = None,
    query: Annotated[str | None, typer.Option(help="Ask the publisher's own service instead.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only what was updated on that day, YYYY-MM-DD, or later; what does not say when is taken."),
    ] = None,
    on_error: Annotated[
        str, typer.Option(help="`stop`: one refusal, and nothing is changed. `skip`: the others are taken; exit 5.")
    ] = "stop",
    encoding: Annotated[
        str | None,
        typer.Option(help="The encoding of `references` that are in none of UTF-8, UTF-16 and Windows-1252."),
    ] = None,
    allow_older: Annotated[
        bool, typer.Option("--allow-older", help="Take records that are older than what is stored of them too.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="What its release is called for good; else `import-FORMAT-YYYY-MM-DD[-n]`.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept for good.")] = None,
    report: Annotated[str | None, typer.Option(help="Write the whole report, as JSON, to this file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as one JSON object.")] = False,
) -> None:
    """Import what others publish as one release: all of it or nothing."""
    choices = (dry_run, name, reason, encoding, allow_older)
    options = ImportOptions(format, tuple(inputs or ()), query, since, on_error, *choices)
    require_valid(options)
    result = _import(options)
    if report:
        _write(report, result)
    if report != "-":
        print_report(result, as_json=as_json, dry_run=dry_run)
    refused = result["units"]["refused"]
    if result["stopped"]:
        raise stop(FAULTS, f"{refused} refused; nothing was changed.")
    if refused:
        raise stop(SKIPPED, f"{refused} refused and passed over.")


def _write(report: str, result: Json) -> None:
    content = orjson.dumps(result) + b"\n"
    if report == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        Path(report).write_bytes(content)


def _import(options: ImportOptions) -> Json:
    from app.imports.candidates import Unreadable

    try:
        with ExitStack() as stack:
            settings = Settings()
            return _run(stack.enter_context(database(settings)), options, settings, stack)
    except Unreadable as error:
        raise stop(FAULTS, f"{error}; nothing was changed.") from None
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        raise stop(FAULTS, f"{problem.detail} Nothing was changed.") from None


def _run(engine: Engine, options: ImportOptions, settings: Settings, stack: ExitStack) -> Json:
    from app.imports.registry import ReadSettings
    from app.imports.report import Stopped
    from app.imports.run import Job, run_import, stopped

    inputs, since = _inputs(options, settings, stack), None if options.query else options.since
    choices = (options.on_refusal, options.dry_run, options.name, options.reason)
    read_settings = ReadSettings.of(settings)._replace(encoding=options.encoding or "")
    job = Job(options.format, inputs, since, *choices, Who(ACTOR), read_settings, options.allow_older)
    _, advance = stack.enter_context(bar("Previewing" if options.dry_run else "Importing"))
    try:
        return run_import(engine, job, _BarProgress(advance))
    except Stopped as error:
        return stopped(error)


class _BarProgress:
    """Shows on a bar how many source items have been applied."""

    def __init__(self, advance: Any) -> None:
        self.applied = advance

    def read(self, units: int, refused: int) -> None:
        """Ignore the number of source items that have been read, which is a little ahead."""


def _inputs(options: ImportOptions, settings: Settings, stack: ExitStack) -> "tuple[Input, ...]":
    from app.imports.reader_process import Input

    if options.query is None:
        return tuple(map(Input, options.inputs))
    from app.imports.page_cache import PageCache
    from app.imports.registry import FORMATS
    from app.imports.run import day

    live = FORMATS[options.format].live
    assert live is not None  # `require_valid` has checked it
    fetched = PageCache(Path(stack.enter_context(TemporaryDirectory(prefix="evidence-"))))
    with bar("Fetching pages") as (_, advance):
        fetched.complete(live(settings), options.query, day(options.since), lambda pages, _: advance(min(pages, 1)))
    return fetched.inputs()
