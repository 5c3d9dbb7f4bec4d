"""A bound on the bytes of large bodies that wait for clients to read them, in all and for each address.

In the total a body counts once, however many connections it is sent to, until the last of them has sent it. When there
is no room for a new response, stalled connections are cut off, first those of the address that holds the most bytes.
The new response is refused only if none has stalled. A client that reads keeps its connection.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

ADDRESS_SHARE = 4
"""One address may hold one fourth of the bytes."""
STALLED_SECONDS = 2.0
"""A connection has stalled if its client has taken nothing for so many seconds."""


class Receiver(Protocol):
    """A connection that is being sent a large body."""

    @property
    def progressed_at(self) -> float:
        """The loop's time when the client last took bytes."""

    def cut_off(self) -> None:
        """End the connection at once."""


class SendBudget:
    """The bodies in flight, of at most `most` bytes in all; `clock` returns the seconds of the event loop's clock."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self.most, self.clock = most, clock
        self.bytes_held = 0
        self._receivers: dict[Receiver, tuple[str, bytes]] = {}
        """The address that each receiver counts for, and the body that it is being sent."""
        self._copies: Counter[int] = Counter()
        """The number of connections that each body is being sent to, by the identity of the bytes object."""
        self._of_address: Counter[str] = Counter()

    def admits(self, address: str, size: int) -> bool:
        """Return whether a body of `size` bytes may be sent to an address now; stalled connections are cut off for it.

        A body larger than the share of an address is admitted if the address holds nothing else.
        """
        share = self.most // ADDRESS_SHARE
        while self._of_address[address] and self._of_address[address] + size > share:
            if not self._cut_off_one(address):
                return False
        while self.bytes_held and self.bytes_held + size > self.most:
            if not self._cut_off_one(None):
                return False
        return True

    def enter(self, receiver: Receiver, address: str, body: bytes) -> None:
        """Count a body that is being sent to a receiver for an address, until `leave`."""
        self._receivers[receiver] = address, body
        self._of_address[address] += len(body)
        self._copies[id(body)] += 1
        if self._copies[id(body)] == 1:
            self.bytes_held += len(body)

    def leave(self, receiver: Receiver) -> None:
        """Stop counting a receiver's body. A receiver that was cut off is not counted any more and is ignored."""
        if receiver not in self._receivers:
            return
        address, body = self._receivers.pop(receiver)
        self._of_address[address] -= len(body)
        if self._of_address[address] <= 0:
            del self._of_address[address]
        self._copies[id(body)] -= 1
        if not self._copies[id(body)]:
            del self._copies[id(body)]
            self.bytes_held -= len(body)

    def _cut_off_one(self, address: str | None) -> bool:
        """Cut off a stalled connection, of one address if given, and return whether there was one.

        Of several, it is one of the address that holds the most bytes, and the one that has stalled longest.
        """
        latest = self.clock() - STALLED_SECONDS
        candidates = ((receiver, of) for receiver, (of, _) in self._receivers.items() if address in (None, of))
        stalled = [
            (-self._of_address[of], r.progressed_at, id(r), r) for r, of in candidates if r.progressed_at < latest
        ]
        if not stalled:
            return False
        *_, worst = min(stalled)
        self.leave(worst)
        worst.cut_off()
        return True
