"""Bounds on the open connections, in all and for each address, and on the open files of the process.

When the server is full, a new connection takes the place of another one, which is cut off: of the oldest connection
without an open request, or else of one whose client does not read its response, from the address with the most
connections.
"""

import resource
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import structlog

from app.common.problems import Problem

OTHER_FILES = 200
"""Open files that the process needs beside its connections: databases, the index, spools, logs."""

log = structlog.get_logger("evidence.web")


class Connection(Protocol):
    """One client's connection to the server."""

    @property
    def address(self) -> str:
        """The network of the peer, which may be a proxy."""

    @property
    def is_answering(self) -> bool:
        """Whether a request of this connection is open."""

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether a response waits for the client to read it."""

    def cut_off(self) -> None:
        """End the connection at once."""


def allow_files(connections: int) -> int:
    """Raise the process's limit of open files for so many connections, and return how many fit into it.

    The hard limit cannot be exceeded.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    usable = connections if soft == resource.RLIM_INFINITY else min(connections, max(1, soft - OTHER_FILES))
    if usable < connections:
        log.warning("the limit of open files leaves room for fewer connections", limit=soft, connections=usable)
    return usable


class ConnectionLimits:
    """The open connections, at most `most` in all and `most_of_address` for each address.

    `is_exempt` tells whether an address is a trusted proxy: many clients share it, so the bound of one does not apply.
    """

    def __init__(self, most: int, most_of_address: int, is_exempt: Callable[[str], bool]) -> None:
        self.most, self.most_of_address, self.is_exempt = most, most_of_address, is_exempt
        self._open: dict[Connection, str] = {}
        """Connections by age, the oldest first, and the address that each was counted for."""
        self._of_address: Counter[str] = Counter()

    def admit(self, connection: Connection) -> Problem | None:
        """Count a new connection, or return the problem (429 or 503) that refuses it."""
        address = connection.address
        if self._of_address[address] >= self.most_of_address and not self.is_exempt(address):
            detail = f"At most {self.most_of_address} connections of one address are kept open."
            return Problem("slow-down", detail, headers={"retry-after": "10"})
        if len(self._open) >= self.most and not self._cut_off_one():
            detail = f"All {self.most} connections are being answered."
            return Problem("too-busy", detail, headers={"retry-after": "5"})
        self._open[connection] = address
        self._of_address[address] += 1
        return None

    def forget(self, connection: Connection) -> None:
        """Stop counting a connection; one that is not counted is ignored."""
        address = self._open.pop(connection, None)
        if address is None:
            return
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def _weight_of(self, connection: Connection) -> tuple[bool, int]:
        """Return a sort key: by the connections of the same address; those of trusted proxies rank below all others."""
        address = self._open[connection]
        return not self.is_exempt(address), self._of_address[address]

    def _cut_off_one(self) -> bool:
        found = next((connection for connection in self._open if not connection.is_answering), None)
        if found is None:
            waiting = (connection for connection in self._open if connection.is_waiting_for_client)
            found = max(waiting, key=self._weight_of, default=None)
        if found is None:
            return False
        self.forget(found)
        found.cut_off()
        return True
