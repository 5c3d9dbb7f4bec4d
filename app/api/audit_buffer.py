"""Refusals and uses of keys on their way into the audit: gathered, and written together a moment later.

Changes are noted with the change itself, in its transaction; these have none, and must not cost a commit each. What
strangers are refused is summed by client and written when its minute is over, or when the service ends: a process that
is killed loses the sums of that minute. Once a day entries that `EVIDENCE_AUDIT_DAYS` lets go are pruned.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import structlog

from app.auth import audit_retention as retention
from app.auth.audit import Event, Who, note
from app.auth.refusals import Refusals
from app.common.ip_addresses import network_of
from app.database.errors import driver_error
from app.store.writer_queue import Writer

log = structlog.get_logger("evidence.audit")

SERVICE = Who("service")

EVERY = 1.0
"""Seconds that lines are gathered for."""
MINUTE, DAY = 60.0, 86_400.0
MOST_WAITING = 20_000
"""Entries: the sums of one minute, and as much again."""
MOST_USES = 10_000


class Trail:
    def __init__(self, writer: Writer, days: int = 0) -> None:
        """`days` after which what changed nothing is pruned; 0: never."""
        self._writer, self._days = writer, days
        self._waiting: list[Event] = []
        self._lost = 0
        self._uses: OrderedDict[tuple[str, str, date], None] = OrderedDict()
        self._refusals, self._minute = Refusals(), 0
        self._ending: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._days:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def add(self, event: Event) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._flush_soon())

    def refused(self, event: Event, *, is_known: bool) -> None:
        """A refusal, of the holder of a key or of a stranger."""
        now = time.time()
        if now // MINUTE != self._minute:
            self._end_minute()
            self._minute = int(now // MINUTE)
        if not self._refusals.add(event, is_known=is_known):
            self.add(event)
        elif self._ending is None:
            left = MINUTE - now % MINUTE
            self._ending = asyncio.get_running_loop().call_later(left, self._end_minute)

    def _end_minute(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        for event in self._refusals.end():
            self.add(event)

    def used(self, who: Who) -> None:
        """The first use of a key a day from each network."""
        use = (who.actor, network_of(who.address or ""), datetime.now(UTC).date())
        if use in self._uses:
            return
        self._uses[use] = None
        if len(self._uses) > MOST_USES:
            self._uses.popitem(last=False)
        self.add(Event(who, "key used"))

    async def _flush_soon(self) -> None:
        await asyncio.sleep(EVERY)
        self._task = None
        await self.flush()

    async def flush(self) -> None:
        """Writes what waits; what cannot be written now waits on."""
        some, self._waiting = self._waiting, []
        if self._lost:
            some.append(Event(SERVICE, "audit lines lost", detail=str(self._lost)))
            self._lost = 0
        try:
            await self._writer.aside(note, some)
        except Exception as error:
            log.warning("the audit cannot be written just now", lines=len(some), error=str(driver_error(error)))
            self._wait_on(some)

    def _wait_on(self, some: Sequence[Event]) -> None:
        waiting = [*some, *self._waiting]
        self._waiting = waiting[:MOST_WAITING]
        self._lost += len(waiting) - len(self._waiting)

    async def _keep(self) -> None:
        """Prunes now, for the service may never last a day, and then once a day."""
        while True:
            try:
                await self._prune()
            except retention.NotWhole as error:
                log.error("the audit is not whole, so nothing is pruned", fault=str(error))
            except Exception as error:
                log.warning("the audit cannot be pruned just now", error=type(error).__name__)
            await asyncio.sleep(DAY)

    async def _prune(self) -> None:
        before = datetime.now(UTC) - timedelta(days=self._days)
        await asyncio.to_thread(retention.refuse_untrue, self._writer.engine)
        pruned = retention.AT_ONCE
        while pruned == retention.AT_ONCE:
            pruned = await self._writer.aside(retention.prune, before, SERVICE)

    async def close(self) -> None:
        self._end_minute()
        for task in (self._task, self._keeping):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self._waiting:
            await self.flush()
