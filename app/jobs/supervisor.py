"""Imports that wait are begun, one at a time and each in a process of its own; what was left of others is settled.

Several services may share a folder. Whoever gets the turn looks after all that is in it, and hands the turn to the
process that it starts.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from app.jobs import locks as turn
from app.jobs import recovery as settling
from app.jobs.queue import OpenRun, folder_of
from app.settings import Settings, environment_of
from app.store.writer_queue import Writer

log = structlog.get_logger("evidence.imports")

EVERY = 1.0
"""Seconds between looks at the folder where nothing is heard of it."""

PARTING = 3.0
"""Seconds for writing down what was interrupted when the service ends."""


class ImportSupervisor:
    def __init__(self, settings: Settings, writer: Writer) -> None:
        self.folder = folder_of(settings)
        self._writer = writer
        self._environment = {**os.environ, **environment_of(settings)}
        self._stir = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._worker: asyncio.subprocess.Process | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._closing = False
        self._told = ""

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_going())

    def wake(self) -> None:
        self._stir.set()

    async def _keep_going(self) -> None:
        first = self.folder.root.exists()  # rows may be left of imports whose folder is lost
        while not self._closing:
            try:
                await self._once(first)
                first = False
            except Exception as error:
                self._tell(f"{type(error).__name__}: {error}")
            else:
                self._told = ""
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stir.wait(), EVERY)
            self._stir.clear()

    def _tell(self, error: str) -> None:
        """Once, however often it is tried again."""
        if error != self._told:
            log.warning("imports cannot be looked after just now", error=error)
        self._told = error

    async def _once(self, first: bool) -> None:
        if not (first or await asyncio.to_thread(settling.needs_attention, self.folder)):
            return
        held = await asyncio.to_thread(turn.take, self.folder.turn)
        if held is None:
            return
        try:
            await self._use(held)
        finally:
            os.close(held)

    async def _use(self, held: int) -> None:
        place = await asyncio.to_thread(self.folder.place)
        ended = await self._writer.aside(settling.settle, self.folder, place)
        await asyncio.to_thread(settling.close, self.folder, ended)
        run = await asyncio.to_thread(settling.next_one, self.folder)
        if run is not None and not self._closing:
            begun = await self._writer.aside(settling.begin, self.folder, run, place)
            await asyncio.to_thread(self.folder.put, run.ordered.id, begun.standing)
            await self._begin(begun, held)

    async def _begin(self, run: OpenRun, held: int) -> None:
        command = (sys.executable, "-m", "app.jobs", str(self.folder.root), run.ordered.id, str(held))
        self._worker = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=(held,),
            env=self._environment,
        )
        self._waiting = asyncio.get_running_loop().create_task(self._await(self._worker))

    async def _await(self, worker: asyncio.subprocess.Process) -> None:
        await worker.wait()
        if worker.stdin is not None:
            worker.stdin.close()
            with suppress(ConnectionError):
                await worker.stdin.wait_closed()
        self._worker = None
        self.wake()

    async def close(self) -> None:
        """What runs is interrupted, and can be gone on with."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await self._task  # it may have been beginning one, and begins no other
        if self._worker is not None:
            with suppress(ProcessLookupError):
                self._worker.kill()  # at any moment it has done all or nothing
        if self._waiting is not None:
            await self._waiting
        with suppress(Exception):  # if it cannot be written down now, the next one to look will
            async with asyncio.timeout(PARTING):
                await self._once(first=False)

    async def until(self, ready: Callable[[], Awaitable[Any]], seconds: float) -> Any:
        """Looks again and again until something is there, but no longer than that."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (found := await ready()) is None and loop.time() < deadline:
            self.wake()
            await asyncio.sleep(0.05)
        return found
