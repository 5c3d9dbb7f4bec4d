"""Imports as jobs: an import is read from the queue folder, and its progress, report and failure are written to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import structlog
from sqlalchemy import Connection, Engine

from app.common.problems import Problem
from app.imports import run as import_run
from app.imports.page_cache import PageCache
from app.imports.reader_process import Input
from app.imports.registry import FORMATS, ReadSettings
from app.imports.report import Stopped
from app.jobs.progress import Reporter
from app.jobs.queue import OpenRun, QueueFolder
from app.jobs.status import Superseded, finish
from app.settings import Settings

log = structlog.get_logger("evidence.imports")


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import of a queue folder."""

    root: Path
    id: str

    kind: ClassVar[str] = "import"
    writes_output: ClassVar[bool] = False  # a reader process would keep it open after the worker was killed
    lock_timeout_ms: ClassVar[int] = 600_000  # no client waits for it

    def is_cancelled(self) -> bool:
        """Return whether the import was cancelled."""
        return QueueFolder(self.root).is_cancelled(self.id)

    def run(self, engine: Engine, settings: Settings, descriptor: int) -> bytes:  # it holds the lock
        """Run the import, if it is still in the folder."""
        structlog.contextvars.bind_contextvars(id=self.id)
        folder = QueueFolder(self.root)
        if run := folder.find(self.id):
            try:
                _import(folder, run, settings, engine)
            except Superseded:
                log.warning("an import was cancelled, or begun again, while it ran")
        return b""

    def fail(self, problem: Problem) -> bytes:
        """Write to the folder that the import has failed."""
        folder = QueueFolder(self.root)
        if run := folder.find(self.id):
            folder.put(self.id, Reporter.failed(run, problem))
        return b""


def _inputs(folder: QueueFolder, run: OpenRun, settings: Settings, reporter: Reporter) -> tuple[Input, ...]:
    """Return the uploaded file, or the pages of the publisher's service: those of earlier attempts, and new ones."""
    request = run.request
    if request.query is None:
        return (Input(str(folder.of(request.id) / "upload"), "upload"),)
    live = FORMATS[request.format].live
    assert live is not None  # the request would have been refused
    fetched = PageCache(folder.of(request.id) / "fetched")
    fetched.complete(live(settings), request.query, import_run.day(request.since), reporter.fetched)
    return fetched.inputs()


def _import(folder: QueueFolder, run: OpenRun, settings: Settings, engine: Engine) -> None:
    reporter = Reporter(folder, run)
    request = run.request
    inputs = _inputs(folder, run, settings, reporter)
    since = None if request.query else request.since  # the publisher's service has applied it
    options = (request.on_error, request.dry_run, request.name, request.reason)
    reading = ReadSettings.of(settings)
    job = import_run.Job(request.format, inputs, since, *options, request.who, reading, request.allow_older)

    def done(connection: Connection, report: import_run.Report) -> None:
        finish(connection, run, reporter.done(report), report)

    try:
        report = import_run.run_import(engine, job, reporter, done)
    except Stopped as error:
        report = import_run.stopped(error)
        folder.put_report(request.id, report)
        raise import_run.refused(report) from None
    if request.dry_run:
        folder.put_report(request.id, report)
        folder.put(request.id, reporter.done(report))
