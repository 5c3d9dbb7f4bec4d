"""The bytes of answers that wait for clients to read them: bounded in all and for each address.

A body is counted once, however many connections it is sent to, for as long as one of them has not taken it. When a new
answer finds no room, connections that have stalled are cut off, those of the address that holds most first; only where
none has stalled is the new answer refused. A client that reads keeps its connection.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

ADDRESS_SHARE = 4
"""One address may hold a fourth of all the bytes."""
STALLED_SECONDS = 2.0
"""A connection that has taken nothing for so long may be cut off for another one's answer."""


class Receiver(Protocol):
    """A connection that is being sent a large body."""

    @property
    def progressed_at(self) -> float:
        """The loop's time when the client last took bytes."""

    def cut_off(self) -> None: ...


class SendBudget:
    """Bytes of bodies in flight, at most `most` in all; `clock` gives seconds on the event loop's clock."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self.most, self.clock = most, clock
        self.held = 0
        self._receivers: dict[Receiver, tuple[str, bytes]] = {}
        """What each receiver is being sent, and the address that it counts for."""
        self._copies: Counter[int] = Counter()
        """How many connections one body, by its identity, is being sent to."""
        self._of_address: Counter[str] = Counter()

    def admits(self, address: str, size: int) -> bool:
        """Return whether a body of `size` bytes may be sent to an address now, cutting off stalled connections for it.

        A body larger than the share of an address is admitted where the address holds nothing else.
        """
        share = self.most // ADDRESS_SHARE
        while self._of_address[address] and self._of_address[address] + size > share:
            if not self._cut_off_one(address):
                return False
        while self.held and self.held + size > self.most:
            if not self._cut_off_one(None):
                return False
        return True

    def enter(self, receiver: Receiver, address: str, body: bytes) -> None:
        """Count a body that is being sent to a receiver on behalf of an address, until `leave`."""
        self._receivers[receiver] = address, body
        self._of_address[address] += len(body)
        self._copies[id(body)] += 1
        if self._copies[id(body)] == 1:
            self.held += len(body)

    def leave(self, receiver: Receiver) -> None:
        """Count a receiver's body no longer; one that was cut off has left already."""
        if receiver not in self._receivers:
            return
        address, body = self._receivers.pop(receiver)
        self._of_address[address] -= len(body)
        if self._of_address[address] <= 0:
            del self._of_address[address]
        self._copies[id(body)] -= 1
        if not self._copies[id(body)]:
            del self._copies[id(body)]
            self.held -= len(body)

    def _cut_off_one(self, address: str | None) -> bool:
        """Cut off the connection that has stalled longest, of one address or of those that hold most; False: none."""
        latest = self.clock() - STALLED_SECONDS
        held = ((receiver, of) for receiver, (of, _) in self._receivers.items() if address in (None, of))
        stalled = [(-self._of_address[of], r.progressed_at, id(r), r) for r, of in held if r.progressed_at < latest]
        if not stalled:
            return False
        *_, worst = min(stalled)
        self.leave(worst)
        worst.cut_off()
        return True
