"""Telling receivers of changes, in the background: at least once each, in order, and in nobody's way.

Nothing is queued: a webhook's place among the revisions is its queue, so what a commit made survives whatever stops
this process, and is sent when it or another one runs. One task a webhook that has news, so that a receiver that does
not answer holds up no other; a claim in the database keeps two processes from telling the same receiver at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import httpx
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.common.problems import Problem
from app.settings import PublicActors
from app.webhooks import state as progress
from app.webhooks.messages import Message, Receiver, next_message, receiver, test_message
from app.webhooks.sending import post
from app.webhooks.state import DELAYS, Delays, Failure, Look, Pending

P = ParamSpec("P")
R = TypeVar("R")

EVERY = 1.0
"""Seconds between glances at whether the database has changed."""
ANYWAY = 10.0
"""Seconds after which webhooks are looked at although nothing is known to have changed: other processes make some."""
AT_ONCE = 8
"""Deliveries; as many again to receivers that failed last time, which so wait for each other only."""
IN_A_ROW = 50
"""Messages to one receiver before others that wait have their turn."""

log = structlog.get_logger("evidence.webhooks")


class Run(Protocol):
    """Runs work with a connection, in a transaction, off the event loop."""

    def __call__(
        self, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[R]: ...


class Deliverer:
    """`token` is equal as long as the database has not changed, and nothing where that cannot be told."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        read: Run,
        write: Run,
        token: Callable[[], Awaitable[Any]],
        delays: Delays = DELAYS,
        actors: PublicActors = "names",
    ) -> None:
        self._actors: PublicActors = actors
        self._client, self._read, self._write, self._token, self._delays = client, read, write, token, delays
        self._slots, self._doubtful = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._woken = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._claims: dict[str, datetime] = {}
        self._passed: dict[str, int] = {}
        """Revisions up to which there is nothing of a webhook's types; not worth a commit."""
        self._seen: Look | None = None
        self._last: Any = None
        self._look_at = 0.0
        self._failing = False

    def start(self) -> None:
        self._main = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Webhooks were changed here: look at once."""
        self._look_at = 0.0
        self._woken.set()

    async def close(self) -> None:
        """Stops where it is; what was under way is sent again by whoever runs next."""
        tasks = [task for task in (self._main, *self._tasks.values()) if task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        if self._claims:
            with suppress(SQLAlchemyError, Problem, TimeoutError):
                await asyncio.wait_for(self._write(progress.release, list(self._claims.items())), 1)
        await self._client.aclose()

    async def test(self, id: str) -> int | Failure:
        """Sends a message that tells of nothing, now; a disabled webhook gets it too."""
        to = await self._read(receiver, id)
        return await post(self._client, to, test_message(to))

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._glance()
                self._failing = False
            except Exception as error:  # whatever it is, the next look may go well
                self._unavailable(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), min(EVERY, max(0.0, self._look_at - _time())))

    def _unavailable(self, error: Exception) -> None:
        self._look_at = _time() + ANYWAY
        if not self._failing:
            log.warning("webhooks cannot be looked at just now", error=type(error).__name__, exc_info=_trace(error))
        self._failing = True

    async def _glance(self) -> None:
        due = _time() >= self._look_at
        if not (due or (self._seen and self._seen.webhooks)):
            return
        token = await self._token()
        if not due and token is not None and token == self._last:
            return
        self._look_at = _time() + ANYWAY
        look = await self._read(progress.look)
        if self._seen and (look.epoch != self._seen.epoch or look.revision < self._seen.revision):
            self._passed.clear()  # another database was put in this one's place
        self._last, self._seen = token, look
        self._begin(look)

    def _begin(self, look: Look) -> None:
        now = datetime.now(UTC)
        for pending in look.pending:
            if self._passed.get(pending.id, 0) >= look.revision or pending.id in self._tasks:
                continue
            wait = (pending.not_before - now).total_seconds() if pending.not_before else 0.0
            if wait <= 0:
                self._start(pending, look.revision)
            else:
                self._look_at = min(self._look_at, _time() + wait)

    def _start(self, pending: Pending, revision: int) -> None:
        slots = self._doubtful if pending.attempts else self._slots
        task = asyncio.create_task(self._deliver(pending.id, revision, slots))
        self._tasks[pending.id] = task
        task.add_done_callback(lambda done: self._end(pending.id, done))

    def _end(self, id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[id]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self.wake()  # there may be more, or a time to try again
        else:
            log.warning("a delivery broke off", webhook=id, error=type(error).__name__, exc_info=_trace(error))

    async def _deliver(self, id: str, revision: int, slots: asyncio.Semaphore) -> None:
        async with slots:
            to, message = await self._read(_news, id, self._passed.get(id, 0), self._actors)
            if message is None:
                self._passed[id] = revision
                return
            claimed = await self._write(progress.claim, id, to.seen_revision)
            for number in range(1, IN_A_ROW + 1):
                if claimed is None or message is None:
                    return
                self._claims[id] = claimed
                claimed, message = await self._attempt(to, message, claimed, last=number == IN_A_ROW)
                del self._claims[id]

    async def _attempt(
        self, to: Receiver, message: Message, claimed: datetime, *, last: bool
    ) -> tuple[datetime | None, Message | None]:
        """Sends one message; then the claim goes on with the next one, if it was taken and there is one."""
        sent = await post(self._client, to, message)
        if isinstance(sent, Failure):
            await self._failed(to, message, claimed, sent)
            return None, None
        following = None if last else await self._read(next_message, to, message.revision, self._actors)
        more = following is not None
        kept = await self._write(progress.delivered, to.id, claimed, message.revision, sent, more=more)
        return kept, following

    async def _failed(self, to: Receiver, message: Message, claimed: datetime, failure: Failure) -> None:
        disabled = await self._write(progress.failed, to.id, claimed, failure, self._delays)
        said = "webhook disabled" if disabled else "webhook not delivered"
        log.warning(said, webhook=to.id, revision=message.revision, error=failure.error)


def _news(connection: Connection, id: str, passed: int, actors: PublicActors) -> tuple[Receiver, Message | None]:
    to = receiver(connection, id)
    return to, next_message(connection, to, max(to.seen_revision, passed), actors)


def _trace(error: BaseException) -> BaseException | None:
    """A database that does not answer is nobody's mistake."""
    return None if isinstance(error, (SQLAlchemyError, Problem)) else error


def _time() -> float:
    return asyncio.get_running_loop().time()
