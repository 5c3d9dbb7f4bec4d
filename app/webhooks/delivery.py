"""Delivery of webhook messages in the background: at least once, and in order.

There is no queue. A webhook's position among the revisions (`seen_revision`) tells what is still to be sent, so a
message survives a stop of this process and is sent when it or another one runs again. Each webhook that is behind has a
task of its own, so that a receiver that does not answer delays no other. A claim in the database keeps two processes
from delivering to the same receiver at once.
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
from app.webhooks import state
from app.webhooks.messages import Message, Receiver, next_message, receiver, test_message
from app.webhooks.sending import post
from app.webhooks.state import DELAYS, Delays, DeliveryState, Failure, Pending

P = ParamSpec("P")
R = TypeVar("R")

POLL_SECONDS = 1.0
"""The seconds between two checks whether the database has changed."""
FULL_CHECK_SECONDS = 10.0
"""The seconds after which webhooks are read although no change is known, because other processes may create some."""
MAX_CONCURRENT = 8
"""The largest number of concurrent deliveries. Receivers that failed last time have as many slots of their own."""
MAX_CONSECUTIVE = 50
"""The largest number of messages that one receiver gets before waiting receivers have their turn."""

log = structlog.get_logger("evidence.webhooks")


class Run(Protocol):
    """Runs a function with a connection, in a transaction, in another thread."""

    def __call__(
        self, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[R]: ...


class Deliverer:
    """Sends messages until it is closed. `token` reads a change token (see `query.change_token`)."""

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
        self._slots, self._retry_slots = asyncio.Semaphore(MAX_CONCURRENT), asyncio.Semaphore(MAX_CONCURRENT)
        self._woken = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._claims: dict[str, datetime] = {}
        self._irrelevant_until: dict[str, int] = {}
        """The revision, by webhook, up to which no change is of the webhook's types; it is not worth a commit."""
        self._last_state: DeliveryState | None = None
        self._last_token: Any = None
        self._next_check = 0.0
        self._failing = False

    def start(self) -> None:
        """Start delivery, on the running event loop."""
        self._main = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Read the webhooks at once, because they were changed."""
        self._next_check = 0.0
        self._woken.set()

    async def close(self) -> None:
        """Stop at once and release the claims. Unacknowledged messages are sent again by the next process that runs."""
        tasks = [task for task in (self._main, *self._tasks.values()) if task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        if self._claims:
            with suppress(SQLAlchemyError, Problem, TimeoutError):
                await asyncio.wait_for(self._write(state.release, list(self._claims.items())), 1)
        await self._client.aclose()

    async def test(self, id: str) -> int | Failure:
        """Send a test message now, even to a disabled webhook; returns the status of the answer, or the failure."""
        to = await self._read(receiver, id)
        return await post(self._client, to, test_message(to))

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._check()
                self._failing = False
            except Exception as error:  # the loop must survive any error; the next check may succeed
                self._unavailable(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), min(POLL_SECONDS, max(0.0, self._next_check - _time())))

    def _unavailable(self, error: Exception) -> None:
        self._next_check = _time() + FULL_CHECK_SECONDS
        if not self._failing:
            log.warning("webhooks cannot be looked at just now", error=type(error).__name__, exc_info=_exc_info(error))
        self._failing = True

    async def _check(self) -> None:
        due, watched = _time() >= self._next_check, bool(self._last_state and self._last_state.webhooks)
        if not (due or watched):
            return
        # without webhooks no change is of interest, and reading the token is a statement on PostgreSQL
        token = await self._token() if watched else None
        if not due and token is not None and token == self._last_token:
            return
        self._next_check = _time() + FULL_CHECK_SECONDS
        current = await self._read(state.read_state)
        if self._is_of_another_database(current):
            self._irrelevant_until.clear()
        self._last_token, self._last_state = token, current
        self._begin(current)

    def _is_of_another_database(self, current: DeliveryState) -> bool:
        """Return whether the database was replaced by another one since the last check."""
        last = self._last_state
        return last is not None and (current.epoch != last.epoch or current.revision < last.revision)

    def _begin(self, current: DeliveryState) -> None:
        now = datetime.now(UTC)
        for pending in current.pending:
            if self._irrelevant_until.get(pending.id, 0) >= current.revision or pending.id in self._tasks:
                continue
            wait = (pending.not_before - now).total_seconds() if pending.not_before else 0.0
            if wait <= 0:
                self._start(pending, current.revision)
            else:
                self._next_check = min(self._next_check, _time() + wait)

    def _start(self, pending: Pending, revision: int) -> None:
        slots = self._retry_slots if pending.attempts else self._slots
        task = asyncio.create_task(self._deliver(pending.id, revision, slots))
        self._tasks[pending.id] = task
        task.add_done_callback(lambda done: self._end(pending.id, done))

    def _end(self, id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[id]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self.wake()  # there may be more to send, or a time of the next attempt
        else:
            log.warning("a delivery broke off", webhook=id, error=type(error).__name__, exc_info=_exc_info(error))

    async def _deliver(self, id: str, revision: int, slots: asyncio.Semaphore) -> None:
        async with slots:
            to, message = await self._read(_next_delivery, id, self._irrelevant_until.get(id, 0), self._actors)
            if message is None:
                self._irrelevant_until[id] = revision
                return
            claimed = await self._write(state.claim, id, to.seen_revision)
            for number in range(1, MAX_CONSECUTIVE + 1):
                if claimed is None or message is None:
                    return
                self._claims[id] = claimed
                claimed, message = await self._attempt(to, message, claimed, last=number == MAX_CONSECUTIVE)
                del self._claims[id]

    async def _attempt(
        self, to: Receiver, message: Message, claimed: datetime, *, last: bool
    ) -> tuple[datetime | None, Message | None]:
        """Send one message. If it is acknowledged and more follow, returns the extended claim and the next message."""
        sent = await post(self._client, to, message)
        if isinstance(sent, Failure):
            await self._failed(to, message, claimed, sent)
            return None, None
        following = None if last else await self._read(next_message, to, message.revision, self._actors)
        more = following is not None
        extended = await self._write(state.delivered, to.id, claimed, message.revision, sent, more=more)
        return extended, following

    async def _failed(self, to: Receiver, message: Message, claimed: datetime, failure: Failure) -> None:
        disabled = await self._write(state.failed, to.id, claimed, failure, self._delays)
        outcome = "webhook disabled" if disabled else "webhook not delivered"
        log.warning(outcome, webhook=to.id, revision=message.revision, error=failure.error)


def _next_delivery(
    connection: Connection, id: str, irrelevant_until: int, actors: PublicActors
) -> tuple[Receiver, Message | None]:
    to = receiver(connection, id)
    return to, next_message(connection, to, max(to.seen_revision, irrelevant_until), actors)


def _exc_info(error: BaseException) -> BaseException | None:
    """The traceback to log; none for a database that does not answer, which is no error of this code."""
    return None if isinstance(error, (SQLAlchemyError, Problem)) else error


def _time() -> float:
    return asyncio.get_running_loop().time()
