"""Each release of a request in a process of its own: beside its work, whoever reads from this one would wait."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import orjson
import structlog

from app.common.problems import Problem
from app.editing.idempotency import Given
from app.jobs.release_worker import Job
from app.settings import Settings
from app.store.writer_queue import busy

log = structlog.get_logger("evidence.releases")


class ReleaseSupervisor:
    """One release at a time; each in a process that is handed the settings, not the address, on its command line."""

    def __init__(self, settings: Settings) -> None:
        self._patience = settings.lock_timeout_ms / 1000
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Given]] = set()
        self._environment = {
            **os.environ,
            "EVIDENCE_DATABASE_URL": settings.database_url.get_secret_value(),
            "EVIDENCE_LOCK_TIMEOUT_MS": str(settings.lock_timeout_ms),
        }

    async def make(self, job: Job, file: IO[bytes] | None) -> Given:
        """A client that goes away does not stop a release halfway."""
        try:
            await asyncio.wait_for(self._turn.acquire(), self._patience)
        except TimeoutError:
            raise busy() from None
        task = asyncio.create_task(self._make(job, file))
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Given]) -> None:
        self._running.discard(task)
        self._turn.release()

    async def _make(self, job: Job, file: IO[bytes] | None) -> Given:
        command = (sys.executable, "-m", "app.jobs.release_worker", job.dumped())
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=file or asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=self._environment
        )
        output, errors = await process.communicate()
        if process.returncode or not output:
            log.error("a release broke off", code=process.returncode, errors=_end_of(errors))
            raise Problem("internal-error", "The release broke off; nothing was changed.")
        if errors:
            log.warning("a release was refused", request_id=job.order.who.request_id, errors=_end_of(errors))
        return _given(orjson.loads(output))


def _end_of(errors: bytes) -> str:
    return errors.decode(errors="replace")[-5000:].strip()


def _given(said: Mapping[str, Any]) -> Given:
    if "kind" in said:
        raise Problem(said["kind"], said["detail"], errors=said["errors"], headers=said["headers"])
    return Given(said["status"], said["headers"], orjson.dumps(said["body"]))
