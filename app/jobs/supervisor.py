"""The supervisor of jobs: it starts their processes, one import and one release at a time.

    POST /v1/imports                            POST /v1/releases, POST /v1/releases/{name}/revert
         |                                           |
    queue folder; answered with a 202           temporary file; the client waits
         |  when the worker lock is free,            |  when no release is being made here,
         |  the oldest that waits                    |  else a 503 after the time to wait for a writer
         +-------------------+-----------------------+
                             v
          python -m app.jobs KIND JOB DESCRIPTOR       `worker.py`, `kinds.py`
                             |
         +-------------------+-----------------------+
         v                                           v
    folder: progress, report, failure           standard output: a response or a problem
         |  `recovery.py`                            |
    a row of `imports`                          the answer to the client

Only imports are queued (`docs/decisions.md` says why). Several services may share a queue folder. The one that gets
the worker lock looks after all imports in it, and passes the lock on to the worker that it starts.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import IO, Any

import structlog

from app.common.problems import Problem
from app.editing.idempotency import Given
from app.jobs import recovery
from app.jobs.import_job import ImportJob
from app.jobs.kinds import KINDS, Job
from app.jobs.locks import try_lock
from app.jobs.queue import folder_of
from app.jobs.release_job import ReleaseJob, read_response
from app.jobs.vocabulary import INTERRUPTED
from app.settings import Settings, environment_of
from app.store.writer_queue import Writer, busy

log = structlog.get_logger("evidence.jobs")

EVERY = 1.0
"""Seconds between two looks at the folder, if nothing wakes the supervisor earlier."""

CLOSING_SECONDS = 3.0
"""Seconds for recording an interrupted import when the service ends."""


class JobSupervisor:
    """Runs the jobs of one service: releases on request, and imports from the queue, in a task of the event loop."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        self.folder = folder_of(settings)
        self._writer = writer
        self._patience = settings.lock_timeout_ms / 1000
        self._environment = {**os.environ, **environment_of(settings)}  # its secrets are not on the command line
        self._wake_event = asyncio.Event()
        self._release_lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._running: dict[asyncio.Task[bytes], Process] = {}
        self._closing = False
        self._last_error = ""

    def start(self) -> None:
        """Begin to look after the queue."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Look at the queue now: it has changed."""
        self._wake_event.set()

    async def release(self, job: ReleaseJob, file: IO[bytes]) -> Given:
        """Make, preview or revert a release, with a file as its content; return the response, or raise its `Problem`.

        A client that disconnects does not stop the release.
        """
        try:
            await asyncio.wait_for(self._release_lock.acquire(), self._patience)
        except TimeoutError:
            raise busy() from None
        try:
            task = await self._start_process(job, file.fileno())
        except BaseException:
            self._release_lock.release()
            raise
        task.add_done_callback(lambda _: self._release_lock.release())
        output = await asyncio.shield(task)
        if not output:
            raise Problem("internal-error", "The release broke off; nothing was changed.")
        return read_response(output)

    async def _start_process(self, job: Job, descriptor: int) -> asyncio.Task[bytes]:
        """Start the process of a job; return the task that waits for its end and returns its output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.jobs", job.kind, KINDS[job.kind].dump_json(job).decode(), str(descriptor)),
            stdin=PIPE,
            stdout=PIPE if job.writes_output else DEVNULL,
            pass_fds=(descriptor,),
            env=self._environment,
        )
        task = asyncio.get_running_loop().create_task(self._finish(process, job.kind))
        self._running[task] = process
        task.add_done_callback(self._running.pop)
        return task

    async def _finish(self, process: Process, kind: str) -> bytes:
        output = await process.stdout.read() if process.stdout else b""
        code = await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with suppress(ConnectionError):
                await process.stdin.wait_closed()
        if code not in (0, INTERRUPTED) and not self._closing:
            log.error("a job broke off", kind=kind, code=code)
        self.wake()
        return output if code == 0 else b""

    async def _run(self) -> None:
        first = self.folder.root.exists()  # the database may have rows of imports whose folder is lost
        while not self._closing:
            try:
                await self._once(first)
                first = False
            except Exception as error:
                self._warn(f"{type(error).__name__}: {error}")
            else:
                self._last_error = ""
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake_event.wait(), EVERY)
            self._wake_event.clear()

    def _warn(self, error: str) -> None:
        """Log an error once, however often it comes again in a row."""
        if error != self._last_error:
            log.warning("imports cannot be looked after just now", error=error)
        self._last_error = error

    async def _once(self, first: bool) -> None:
        if not (first or await asyncio.to_thread(recovery.needs_attention, self.folder)):
            return
        lock = await asyncio.to_thread(try_lock, self.folder.worker_lock)
        if lock is None:
            return
        try:
            await self._record_and_begin(lock)
        finally:
            os.close(lock)

    async def _record_and_begin(self, lock: int) -> None:
        place = await asyncio.to_thread(self.folder.place)
        ended = await self._writer.aside(recovery.settle, self.folder, place)
        await asyncio.to_thread(recovery.close, self.folder, ended)
        run = await asyncio.to_thread(recovery.next_queued, self.folder)
        if run is not None and not self._closing:
            begun = await self._writer.aside(recovery.begin, self.folder, run, place)
            await asyncio.to_thread(self.folder.put, run.request.id, begun.status)
            await self._start_process(ImportJob(self.folder.root, run.request.id), lock)

    async def close(self) -> None:
        """Stop the supervisor, kill all processes, and record an import as interrupted, so that it can be resumed."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await self._task  # it may just be starting a worker; it starts no other
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.kill()  # its job is committed as a whole or not at all
        await asyncio.gather(*self._running)
        with suppress(Exception):  # if this fails, the next service to look after the folder records it
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._once(first=False)

    async def until(self, ready: Callable[[], Awaitable[Any]], seconds: float) -> Any:
        """Call `ready` repeatedly until it returns a value, and return that; return None after so many seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (found := await ready()) is None and loop.time() < deadline:
            self.wake()
            await asyncio.sleep(0.05)
        return found
