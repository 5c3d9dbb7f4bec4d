"""One export on disk while it is written and read, and its followers. All of it runs on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.exports.production import ExportSource
from app.exports.spool_file import SpoolFile


class ExportBrokenOff(Exception):
    """Raised where an export ends early after a part of it was sent, so that the connection must be closed."""


class ClientGone(Exception):
    """The client of a follower has closed its connection."""


class Spool:
    """One export on disk: its file, the bytes written so far, and its followers."""

    def __init__(self, source: ExportSource) -> None:
        self.key, self.state, self.permanent = source.key(source.state), source.state, source.permanent
        self.file: SpoolFile | None = None
        self.size = self.reserved = 0
        self.is_queued, self.finished = True, False
        self.failure: Exception | None = None
        self.followers: set[Follower] = set()
        self.outlives_followers = False
        """Whether production goes on without followers, because a client was told to come back (`Retry-After`)."""

    @property
    def parties(self) -> set[str]:
        """The parties of the followers."""
        return {follower.party for follower in self.followers}

    def share(self) -> float:
        """Return the bytes that count for each party: those of the file, divided by the parties that follow it."""
        return self.reserved / len(self.parties)

    def grow(self, count: int, *, finished: bool) -> None:
        """Note that bytes have been written, and whether these were the last; wake the followers."""
        self.size, self.finished = self.size + count, finished
        self.wake()

    def wake(self) -> None:
        """Let all followers look at the spool again."""
        for follower in self.followers:
            follower.woken.set()


class Follower:
    """One client that reads a spool while it grows."""

    def __init__(self, spool: Spool, party: str, threads: ThreadPoolExecutor) -> None:
        self.spool, self.party, self._threads = spool, party, threads
        self.woken = asyncio.Event()
        self._is_gone = self._has_begun = False

    def leave(self) -> None:
        """Note that the client has disconnected; all present and later waiting ends with `ClientGone`."""
        self._is_gone = True
        self.woken.set()

    async def begun(self) -> None:
        """Wait for the first bytes, or for the end of an empty export; raise what made its production fail."""
        await self._until(lambda: self.spool.finished or self.spool.size > 0)
        self._has_begun = True

    async def finished(self, seconds: float) -> bool:
        """Wait up to so many seconds for the end of the production; return whether it has ended."""
        try:
            async with asyncio.timeout(seconds):
                await self._until(lambda: self.spool.finished)
        except TimeoutError:
            return False
        return True

    async def read(self, offset: int, size: int) -> bytes:
        """Wait for the bytes at an offset and return up to `size` of them; at the end return no bytes."""
        spool = self.spool
        await self._until(lambda: spool.finished or spool.size > offset)
        count = min(size, spool.size - offset)
        if count <= 0 or spool.file is None:
            return b""
        piece = spool.file.read_at_hand(offset, count)
        if piece is None:
            loop = asyncio.get_running_loop()
            piece = await loop.run_in_executor(self._threads, spool.file.read, offset, count)
            self._check()
        if not piece:
            raise ExportBrokenOff("the file of an export is shorter than what was written to it")
        return piece

    async def _until(self, ready: Callable[[], bool]) -> None:
        self._check()
        while not ready():
            self.woken.clear()
            await self.woken.wait()
            self._check()

    def _check(self) -> None:
        if self._is_gone:
            raise ClientGone
        failure = self.spool.failure
        if failure is not None:
            if self._has_begun:
                raise ExportBrokenOff(str(failure)) from failure
            raise failure
