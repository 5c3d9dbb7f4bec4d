"""The supervisor of imports: it starts the worker of the next waiting import, and records those that have ended.

Several services may share a queue folder. The one that gets the worker lock looks after all imports in it, and passes
the lock on to the worker that it starts, so that one import runs at a time.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from app.jobs import recovery
from app.jobs.locks import try_lock
from app.jobs.queue import OpenRun, folder_of
from app.settings import Settings, environment_of
from app.store.writer_queue import Writer

log = structlog.get_logger("evidence.imports")

EVERY = 1.0
"""Seconds between two looks at the folder, if nothing wakes the supervisor earlier."""

CLOSING_SECONDS = 3.0
"""Seconds for recording an interrupted import when the service ends."""


class ImportSupervisor:
    """Looks after the queue of one service in a task of the event loop."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        self.folder = folder_of(settings)
        self._writer = writer
        self._environment = {**os.environ, **environment_of(settings)}
        self._wake_event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._worker: asyncio.subprocess.Process | None = None
        self._worker_task: asyncio.Task[None] | None = None
        self._closing = False
        self._last_error = ""

    def start(self) -> None:
        """Begin to look after the queue."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Look at the folder now: it has changed."""
        self._wake_event.set()

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
            await self._start_worker(begun, lock)

    async def _start_worker(self, run: OpenRun, lock: int) -> None:
        command = (sys.executable, "-m", "app.jobs", str(self.folder.root), run.request.id, str(lock))
        self._worker = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=(lock,),
            env=self._environment,
        )
        self._worker_task = asyncio.get_running_loop().create_task(self._await_worker(self._worker))

    async def _await_worker(self, worker: asyncio.subprocess.Process) -> None:
        await worker.wait()
        if worker.stdin is not None:
            worker.stdin.close()
            with suppress(ConnectionError):
                await worker.stdin.wait_closed()
        self._worker = None
        self.wake()

    async def close(self) -> None:
        """Stop the supervisor, kill its worker, and record the import as interrupted, so that it can be resumed."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await self._task  # it may just be starting a worker; it starts no other
        if self._worker is not None:
            with suppress(ProcessLookupError):
                self._worker.kill()  # its import is committed as a whole or not at all
        if self._worker_task is not None:
            await self._worker_task
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
