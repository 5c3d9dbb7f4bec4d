"""The audit buffer collects refusals and uses of keys for a second and writes them to the audit in one transaction.

A change is noted in the audit by the transaction that makes it. Refusals and uses of keys have no transaction, and one
commit for each would cost too much. Refusals without a valid key, and those of one key beyond the first
`MOST_SINGLE` in a minute, are summed by client (`app.auth.refusals`). A sum is written when its minute ends or when the
service stops, so a process that is killed loses the sums of that minute. Once a day the buffer also deletes the entries
that are older than `EVIDENCE_AUDIT_DAYS` allows.
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
"""Seconds for which entries are collected before they are written."""
MINUTE, DAY = 60.0, 86_400.0
MOST_WAITING = 20_000
"""The most entries that wait in memory: the sums of one minute, and as many again. Others are lost, but counted."""
MOST_USES = 10_000
"""The most uses of keys that are remembered as noted; the oldest is forgotten first, and would be noted again."""


class AuditBuffer:
    """Collects audit entries on the event loop and writes them through the writer's queue."""

    def __init__(self, writer: Writer, days: int = 0) -> None:
        """`days` is the age at which entries about requests that changed nothing are deleted; 0 keeps all of them."""
        self._writer, self._days = writer, days
        self._waiting: list[Event] = []
        self._lost = 0
        self._uses: OrderedDict[tuple[str, str, date], None] = OrderedDict()
        self._refusals, self._minute = Refusals(), 0
        self._minute_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._prune_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to delete old entries once a day, if there is an age at which they are old."""
        if self._days:
            self._prune_task = asyncio.get_running_loop().create_task(self._prune_daily())

    def add(self, event: Event) -> None:
        """Write an entry within a second or so; with too many waiting it is lost, and only the loss is noted."""
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(event)
        if self._flush_task is None:
            self._flush_task = asyncio.get_running_loop().create_task(self._flush_soon())

    def refused(self, event: Event, *, is_known: bool) -> None:
        """Note a refused request, as an entry of its own or in a sum; `is_known` says whether its key is valid."""
        now = time.time()
        if now // MINUTE != self._minute:
            self._end_minute()
            self._minute = int(now // MINUTE)
        if not self._refusals.add(event, is_known=is_known):
            self.add(event)
        elif self._minute_timer is None:
            left = MINUTE - now % MINUTE
            self._minute_timer = asyncio.get_running_loop().call_later(left, self._end_minute)

    def _end_minute(self) -> None:
        if self._minute_timer is not None:
            self._minute_timer.cancel()
            self._minute_timer = None
        for event in self._refusals.end():
            self.add(event)

    def used(self, who: Who) -> None:
        """Note the use of a key, once a day for each key and network."""
        use = (who.actor, network_of(who.address or ""), datetime.now(UTC).date())
        if use in self._uses:
            return
        self._uses[use] = None
        if len(self._uses) > MOST_USES:
            self._uses.popitem(last=False)
        self.add(Event(who, "key used"))

    async def _flush_soon(self) -> None:
        await asyncio.sleep(EVERY)
        self._flush_task = None
        await self.flush()

    async def flush(self) -> None:
        """Write all entries that wait; those that cannot be written now stay for the next attempt."""
        entries, self._waiting = self._waiting, []
        if self._lost:
            entries.append(Event(SERVICE, "audit lines lost", detail=str(self._lost)))
            self._lost = 0
        try:
            await self._writer.aside(note, entries)
        except Exception as error:
            log.warning("the audit cannot be written just now", lines=len(entries), error=str(driver_error(error)))
            self._put_back(entries)

    def _put_back(self, entries: Sequence[Event]) -> None:
        waiting = [*entries, *self._waiting]
        self._waiting = waiting[:MOST_WAITING]
        self._lost += len(waiting) - len(self._waiting)

    async def _prune_daily(self) -> None:
        """Prune at once, because the service may never run for a whole day, and then once a day."""
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
        """Stop the tasks and write all entries and sums that are left."""
        self._end_minute()
        for task in (self._flush_task, self._prune_task):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self._waiting:
            await self.flush()
