"""Exports on disk: each is produced once for a state of the database, and sent to any number of clients from its file.

source      what to export, and the key by which its spool is found again
production  holds a read connection while it writes the file as fast as the disk allows
spool       the file, while it grows and afterwards
follower    one client that reads the file; it holds no database connection and no thread, however slow the client is

The steps of a production run in threads; everything else runs on the event loop and needs no locks. Spools without
followers stay on disk for the next client. When room is needed, they are dropped first, the least recently used one
before the others. If all spools have followers, the party that takes up most loses its largest one, and the connections
of its followers are closed. The bounds apply to each process by itself.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection

from app.common.problems import Problem, no_room
from app.exports.producer_places import ProducerPlaces
from app.exports.production import Export, ExportProduction, ExportSource
from app.exports.spool import ExportBrokenOff, Follower, Spool
from app.exports.spool_file import DiskFull, SpoolFile
from app.query.pages import DatabaseState

P = ParamSpec("P")
R = TypeVar("R")

MOST_SPOOLS = 128
"""The most spools that are kept, however small they are: each is an open file."""

READ_THREADS = 4
"""Threads for reads that the operating system has to make from the disk, and for freeing disk space."""


class ExportSpool:
    """All spools of this process, their productions, and the room that they take."""

    def __init__(
        self,
        folder: Path,
        most_bytes: int,
        connect: Callable[[], AbstractContextManager[Connection]],
        *,
        producers: int,
        patience: float,
    ) -> None:
        """`most_bytes` bounds all spools together; a production waits `patience` seconds for its turn."""
        self.patience = patience
        self._folder, self._most_bytes, self._connect = folder, most_bytes, connect
        self._places = ProducerPlaces(producers)
        self._long_step = asyncio.Lock()
        """The steps of long productions run one after another: at the same time they would not be faster, since one
        interpreter runs them all, and would take more of it from other requests."""
        self._producing = ThreadPoolExecutor(producers, "export")
        self._reading = ThreadPoolExecutor(READ_THREADS, "spool")
        self._by_key: dict[str, Spool] = {}
        self._spools: OrderedDict[Spool, asyncio.Task[None]] = OrderedDict()
        """All spools that take room, the least recently used first."""
        self._productions: set[asyncio.Task[None]] = set()
        self._freeing: set[Future[None]] = set()
        self._newest: DatabaseState | None = None

    @asynccontextmanager
    async def follow(self, source: ExportSource, party: str) -> AsyncIterator[Follower]:
        """Follow the spool of an export while the block runs; start its production if there is no spool yet."""
        self._note_state(source.state, permanent=source.permanent)
        spool = self._by_key.get(source.key(source.state)) or self._start(source, party)
        self._spools.move_to_end(spool)
        follower = Follower(spool, party, self._reading)
        spool.followers.add(follower)
        try:
            yield follower
        finally:
            spool.followers.discard(follower)
            self._leave(spool)

    def _note_state(self, state: DatabaseState, *, permanent: bool) -> None:
        """Drop the spools of older states; one with followers is dropped with the last of them."""
        if permanent or state == self._newest:
            return
        self._newest = state
        for spool in [*self._spools]:
            if spool.finished and not spool.followers and self._is_outdated(spool):
                self._drop(spool)

    def _is_outdated(self, spool: Spool) -> bool:
        return not spool.permanent and spool.state != self._newest

    def _start(self, source: ExportSource, party: str) -> Spool:
        while len(self._spools) >= MOST_SPOOLS and self._drop_unread():
            pass
        spool = Spool(source)
        task = asyncio.get_running_loop().create_task(self._produce(spool, source, party))
        self._by_key[spool.key], self._spools[spool] = spool, task
        self._productions.add(task)  # the loop itself does not keep tasks
        task.add_done_callback(self._productions.discard)
        return spool

    def _leave(self, spool: Spool) -> None:
        """Drop a spool without followers, unless another client may still use it."""
        if spool not in self._spools or spool.followers:
            return
        is_found = self._by_key.get(spool.key) is spool and not self._is_outdated(spool)
        if not (is_found if spool.finished else spool.outlives_followers):
            self._drop(spool)

    async def _produce(self, spool: Spool, source: ExportSource, party: str) -> None:
        try:
            async with self._places.place(party, self.patience):
                spool.is_queued = False
                await self._write_all(spool, source, ExportProduction(self._connect(), self._folder))
        except Exception as error:
            self._drop(spool, error)

    async def _write_all(self, spool: Spool, source: ExportSource, production: ExportProduction) -> None:
        try:
            file, export, chunk = await self._step(production.begin, source)
            self._identify(spool, file, export, source.key(export.state))
            while chunk and spool.failure is None:
                self._reserve(spool, len(chunk))
                async with self._long_step if spool.size else nullcontext():
                    following = await self._write(production, spool, file, chunk)
                spool.grow(len(chunk), finished=not following)
                chunk = following
            spool.grow(0, finished=not chunk)
        finally:
            await self._step(production.close)

    async def _step(self, step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._producing, partial(step, *args, **kwargs))

    def _identify(self, spool: Spool, file: SpoolFile, export: Export, key: str) -> None:
        """Give a spool the key of the state that its production found, which may be newer than the expected one."""
        spool.state, spool.permanent = export.state, export.permanent
        self._note_state(export.state, permanent=export.permanent)
        if spool.failure is None:
            spool.file = file
        if key != spool.key and self._by_key.get(spool.key) is spool:
            del self._by_key[spool.key]
            spool.key = key
            self._by_key.setdefault(key, spool)

    async def _write(self, production: ExportProduction, spool: Spool, file: SpoolFile, chunk: bytes) -> bytes:
        """Write a chunk and return the next one; if the disk is full, drop spools without followers and try again."""
        while True:
            try:
                return await self._step(production.write, file, chunk)
            except DiskFull:
                if not self._drop_unread(but=spool):
                    raise no_room() from None
                await asyncio.gather(*map(asyncio.wrap_future, [*self._freeing]))

    def _reserve(self, spool: Spool, count: int) -> None:
        """Reserve room for more bytes of a spool, dropping others for it; raise a `Problem` (507) if there is none."""
        while sum(one.reserved for one in self._spools) + count > self._most_bytes:
            if not (self._drop_unread(but=spool) or self._break_off(spool, count)):
                raise Problem("insufficient-storage", "The exports that are being read leave no room for this one.")
        spool.reserved += count

    def _drop_unread(self, but: Spool | None = None) -> bool:
        """Drop a spool without followers, a finished one if possible; return whether there was one."""
        unread = [spool for spool in self._spools if not spool.followers and spool is not but]
        if unread:
            self._drop(min(unread, key=lambda spool: not spool.finished))
        return bool(unread)

    def _break_off(self, spool: Spool, count: int) -> bool:
        """Drop the largest spool of the party that takes up most, and return True.

        If that is no more than the parties of `spool` take up with `count` more bytes, drop nothing and return False.
        """
        taken: defaultdict[str, float] = defaultdict(float)
        read = [one for one in self._spools if one.followers]
        for one in read:
            for party in one.parties:
                taken[party] += one.share()
        mine = max((taken[party] for party in spool.parties), default=0.0)
        greatest = max(taken, key=lambda party: taken[party], default="")
        if taken[greatest] <= mine + count:
            return False
        self._drop(max((one for one in read if greatest in one.parties), key=Spool.share))
        return True

    def _drop(self, spool: Spool, failure: Exception | None = None) -> None:
        """End a spool: remove it from the index, end its followers and its production, and free its room."""
        spool.failure = spool.failure or failure or ExportBrokenOff("the room of an export was needed for others")
        if self._by_key.get(spool.key) is spool:
            del self._by_key[spool.key]
        task = self._spools.pop(spool, None)
        if task is not None and spool.is_queued:
            task.cancel()
        file, spool.file = spool.file, None
        if file is not None:  # in a thread: freeing a large file can take long
            freeing = self._reading.submit(file.empty)
            self._freeing.add(freeing)
            freeing.add_done_callback(self._freeing.discard)
        spool.wake()

    async def close(self) -> None:
        """Drop all spools, wait for their productions to end, and stop the threads."""
        for spool in [*self._spools]:
            self._drop(spool, Problem("export-not-ready", "The service ends.", headers={"retry-after": "5"}))
        await asyncio.gather(*self._productions, return_exceptions=True)
        for threads in (self._producing, self._reading):
            threads.shutdown()
