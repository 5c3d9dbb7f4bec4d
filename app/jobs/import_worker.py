"""The process that runs one import which was requested over HTTP.

It is a process of its own because its work would delay the service's reads. It is started as `python -m app.jobs
FOLDER ID LOCK`, where LOCK is an open file descriptor that holds the lock of the queue. It ends early when its standard
input closes, which means that the service has ended, and when its import is cancelled.
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
from app.imports.page_cache import PageCache
from app.imports.reader_process import Input
from app.imports.registry import FORMATS, ReadSettings
from app.imports.report import Stopped
from app.imports.run import Job, Report, day, refused, run_import, stopped
from app.jobs.failures import problem_of
from app.jobs.progress import Reporter
from app.jobs.queue import OpenRun, QueueFolder
from app.jobs.status import Superseded, finish
from app.settings import Settings

NICENESS = 10
"""Lowers the priority of the process, so that reads of the service come first where cores are few."""
PATIENCE_MS = 600_000
"""Milliseconds to wait for other writers: no client waits for the worker."""
CHECK_EVERY = 0.2
"""Seconds between two checks of whether the worker is to stop."""

INTERRUPTED = 130
"""The exit code of a worker that was stopped: 128 plus the number of SIGINT, as in shells."""

log = structlog.get_logger("evidence.imports")


def _exit() -> NoReturn:
    """End the process at once, with its reader processes: an import is committed as a whole or not at all."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(INTERRUPTED)


def _exit_when_stopped(folder: QueueFolder, id: str) -> None:
    while not select.select([sys.stdin], [], [], CHECK_EVERY)[0]:
        if folder.is_cancelled(id):
            break
    _exit()


def _inputs(folder: QueueFolder, run: OpenRun, settings: Settings, reporter: Reporter) -> tuple[Input, ...]:
    """Return the uploaded file, or the pages of the publisher's service: those of earlier attempts, and new ones."""
    request = run.request
    if request.query is None:
        return (Input(str(folder.of(request.id) / "upload"), "upload"),)
    live = FORMATS[request.format].live
    assert live is not None  # the request would have been refused
    fetched = PageCache(folder.of(request.id) / "fetched")
    fetched.complete(live(settings), request.query, day(request.since), reporter.fetched)
    return fetched.inputs()


def _import(folder: QueueFolder, run: OpenRun, settings: Settings, engine: Engine) -> None:
    reporter = Reporter(folder, run)
    request = run.request
    inputs = _inputs(folder, run, settings, reporter)
    since = None if request.query else request.since  # the publisher's service has applied it
    wanted = (request.on_error, request.dry_run, request.name, request.reason)
    job = Job(request.format, inputs, since, *wanted, request.who, ReadSettings.of(settings))

    def done(connection: Connection, report: Report) -> None:
        finish(connection, run, reporter.done(report), report)

    try:
        report = run_import(engine, job, reporter, done)
    except Stopped as error:
        report = stopped(error)
        folder.put_report(request.id, report)
        raise refused(report) from None
    if request.dry_run:
        folder.put_report(request.id, report)
        folder.put(request.id, reporter.done(report))


def _import_or_fail(folder: QueueFolder, run: OpenRun) -> None:
    settings = Settings()
    url = existing(settings.database_url.get_secret_value())
    engine = open_engine(url, lock_timeout_ms=max(PATIENCE_MS, settings.lock_timeout_ms), durable=True)
    try:
        _import(folder, run, settings, engine)
    except Superseded:
        log.warning("an import was cancelled, or begun again, while it ran", id=run.request.id)
    except Exception as error:
        folder.put(
            run.request.id,
            Reporter.failed(folder, run, problem_of(error, sqlite_file(settings.database_url.get_secret_value()))),
        )
    finally:
        engine.dispose()


def main() -> None:
    """Run the import that the command line names."""
    root, id, lock = sys.argv[1:]
    os.set_inheritable(int(lock), False)  # reader processes must not hold the lock when this one has ended
    os.nice(NICENESS)
    logs.set_up(Settings().log_format)
    folder = QueueFolder(Path(root))
    run = folder.find(id)
    if run is None:
        return
    threading.Thread(target=_exit_when_stopped, args=(folder, id), daemon=True).start()
    _import_or_fail(folder, run)
