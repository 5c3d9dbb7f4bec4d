"""Refusals and uses of keys on their way into the audit: gathered, and written together a moment later.

Changes are noted with the change itself, in its transaction; these have none, and must not cost a commit each.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, date, datetime

import structlog

from app.access.audit import Event, Who, note
from app.database_errors import driver_error
from app.web.writer import Writer

log = structlog.get_logger("evidence.audit")

EVERY = 1.0
"""Seconds that lines are gathered for."""
MOST_WAITING = 10_000
MOST_USES = 10_000


class Trail:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: list[Event] = []
        self._lost = 0
        self._uses: OrderedDict[tuple[str, str | None, date], None] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    def add(self, event: Event) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._flush_soon())

    def used(self, who: Who) -> None:
        """The first use of a key a day from each address."""
        use = (who.actor, who.address, datetime.now(UTC).date())
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
            some.append(Event(Who("service"), "audit lines lost", detail=str(self._lost)))
            self._lost = 0
        try:
            await self._writer.run(self._write, some)
        except Exception as error:
            log.warning("the audit cannot be written just now", lines=len(some), error=str(driver_error(error)))
            self._waiting = [*some, *self._waiting][:MOST_WAITING]

    def _write(self, events: list[Event]) -> None:
        with self._writer.engine.begin() as connection:
            note(connection, events)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._waiting:
            await self.flush()
