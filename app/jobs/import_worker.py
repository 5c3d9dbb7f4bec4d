"""An import over HTTP, made in a process of its own: beside its work, whoever reads from the service would wait.

`python -m app.jobs FOLDER ID TURN`: TURN is the descriptor that holds the lock. It ends when its
standard input does, for then the service has ended, and when it is told to stop.
"""

import multiprocessing
import os
import select
import sys
import threading
from pathlib import Path
from typing import NoReturn

import structlog
from sqlalchemy import Connection, Engine

from app import logs
from app.database.engine import existing, open_engine, sqlite_file
from app.imports.page_cache import Fetched
from app.imports.reader_process import Input
from app.imports.registry import FORMATS
from app.imports.report import Stopped
from app.imports.run import Job, Report, bring_in, day, refused, stopped
from app.jobs.failures import problem_of
from app.jobs.progress import Reporter
from app.jobs.queue import Folder, OpenRun
from app.jobs.status import Superseded, finish
from app.settings import Settings

NICENESS = 10
"""Where cores are few, whoever reads comes first."""
PATIENCE_MS = 600_000
"""How long other writers are waited for: nobody waits for this one's answer."""
LOOK_EVERY = 0.2
"""Seconds between looks at whether it is to stop."""

INTERRUPTED = 130
"""The exit code of a process that was told to stop: 128 and the number of SIGINT, as shells have it."""

log = structlog.get_logger("evidence.imports")


def _end() -> NoReturn:
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(INTERRUPTED)


def _watch(folder: Folder, id: str) -> None:
    while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
        if folder.is_cancelled(id):
            break
    _end()


def _inputs(folder: Folder, run: OpenRun, settings: Settings, reporter: Reporter) -> tuple[Input, ...]:
    """The file that was sent, or the pages that are fetched, those of an earlier attempt included."""
    ordered = run.ordered
    if ordered.query is None:
        return (Input(str(folder.of(ordered.id) / "upload"), "upload"),)
    live = FORMATS[ordered.format].live
    assert live is not None  # or it would not have been accepted
    fetched = Fetched(folder.of(ordered.id) / "fetched")
    fetched.complete(live(settings), ordered.query, day(ordered.since), reporter.fetched)
    return fetched.inputs()


def _make(folder: Folder, run: OpenRun, settings: Settings, engine: Engine) -> None:
    reporter = Reporter(folder, run)
    ordered = run.ordered
    inputs = _inputs(folder, run, settings, reporter)
    since = None if ordered.query else ordered.since  # the service has seen to that
    wanted = (ordered.on_error, ordered.dry_run, ordered.name, ordered.reason)
    job = Job(ordered.format, inputs, since, *wanted, ordered.who)

    def done(connection: Connection, report: Report) -> None:
        finish(connection, run, reporter.done(report), report)

    try:
        report = bring_in(engine, job, reporter, done)
    except Stopped as error:
        told = stopped(error)
        folder.put_report(ordered.id, told)
        raise refused(told) from None
    if ordered.dry_run:
        folder.put_report(ordered.id, report)
        folder.put(ordered.id, reporter.done(report))


def _try(folder: Folder, run: OpenRun) -> None:
    settings = Settings()
    url = existing(settings.database_url.get_secret_value())
    engine = open_engine(url, lock_timeout_ms=max(PATIENCE_MS, settings.lock_timeout_ms), durable=True)
    try:
        _make(folder, run, settings, engine)
    except Superseded:
        log.warning("an import was cancelled, or begun again, while it ran", id=run.ordered.id)
    except Exception as error:
        folder.put(
            run.ordered.id,
            Reporter.failed(folder, run, problem_of(error, sqlite_file(settings.database_url.get_secret_value()))),
        )
    finally:
        engine.dispose()


def main() -> None:
    root, id, turn = sys.argv[1:]
    os.set_inheritable(int(turn), False)  # the lock ends with this process, whatever it has begun
    os.nice(NICENESS)
    logs.set_up(Settings().log_format)
    folder = Folder(Path(root))
    run = folder.find(id)
    if run is None:
        return
    threading.Thread(target=_watch, args=(folder, id), daemon=True).start()
    _try(folder, run)
