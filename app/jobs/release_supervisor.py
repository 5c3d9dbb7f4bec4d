"""The supervisor of release workers: it starts a process for each release that is requested over HTTP.

A release is made in a process of its own (`app.jobs.release_worker`) because its work would delay the service's reads.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import orjson
import structlog

from app.common.problems import Fault, Problem
from app.editing.idempotency import Given
from app.jobs.release_worker import Job
from app.settings import Settings
from app.store.writer_queue import busy

log = structlog.get_logger("evidence.releases")


class ReleaseSupervisor:
    """Makes one release at a time. The worker gets the database URL, a secret, in its environment, which only its user
    can read, and not on its command line."""

    def __init__(self, settings: Settings) -> None:
        self._patience = settings.lock_timeout_ms / 1000
        self._lock = asyncio.Lock()
        self._running: set[asyncio.Task[Given]] = set()
        self._environment = {
            **os.environ,
            "EVIDENCE_DATABASE_URL": settings.database_url.get_secret_value(),
            "EVIDENCE_LOCK_TIMEOUT_MS": str(settings.lock_timeout_ms),
        }

    async def make(self, job: Job, file: IO[bytes] | None) -> Given:
        """Make a release, or preview it, with a file as its content; return the response, or raise its `Problem`.

        A client that disconnects does not stop the release.
        """
        try:
            await asyncio.wait_for(self._lock.acquire(), self._patience)
        except TimeoutError:
            raise busy() from None
        task = asyncio.create_task(self._make(job, file))
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Given]) -> None:
        self._running.discard(task)
        self._lock.release()

    async def _make(self, job: Job, file: IO[bytes] | None) -> Given:
        command = (sys.executable, "-m", "app.jobs.release_worker", job.to_json())
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
        return _response(orjson.loads(output))


def _end_of(errors: bytes) -> str:
    return errors.decode(errors="replace")[-5000:].strip()


def _response(output: Mapping[str, Any]) -> Given:
    if "kind" in output:
        errors = map(Fault.from_json, output["errors"])
        raise Problem(output["kind"], output["detail"], errors=errors, headers=output["headers"])
    return Given(output["status"], output["headers"], orjson.dumps(output["body"]))
