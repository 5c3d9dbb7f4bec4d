"""The load tool where `wrk` is not installed: each connection sends its next request as soon as it has an answer.

`python -m benchmarks.client HOST PORT REQUESTS CONNECTIONS SECONDS` prints one line of JSON, as wrk.lua does. It is a
protocol on uvloop, because asyncio's streams cost more than the bare server does and would measure themselves.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Run:
    """The requests, the end and the results that all connections share."""

    requests: "cycle[bytes]"
    end: float
    seconds: list[float] = field(default_factory=list)
    errors: int = 0


class Client(asyncio.Protocol):
    """One connection; `done` is set when it is closed."""

    def __init__(self, run: Run) -> None:
        self.run, self.head, self.left, self.asked = run, b"", 0, 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transport is not a subclass of it
        self._ask()

    def _ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(next(self.run.requests))

    def data_received(self, data: bytes) -> None:
        if self.left:
            self.left -= len(data)
        elif not self._begun(data):
            return
        if not self.left:
            self._answered()

    def _begun(self, data: bytes) -> bool:
        """Read the head; returns whether it is complete, and then `left` is the number of bytes missing of the body."""
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return False
        self.run.errors += self.head[9:12] not in (b"200", b"304")
        length = _LENGTH.search(self.head, 0, end)
        self.left = (int(length[1]) if length and self.head[9:12] != b"304" else 0) - (len(self.head) - end - 4)
        self.head = b""
        return True

    def _answered(self) -> None:
        now = time.perf_counter()
        self.run.seconds.append(now - self.asked)
        if now < self.run.end:
            self._ask()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.run.errors += error is not None or time.perf_counter() < self.run.end
        self.done.set_result(None)


async def load(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    """Send requests for some seconds; returns their number, the seconds, errors, and latencies in milliseconds."""
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    run = Run(cycle(requests), started + seconds)
    clients = [(await loop.create_connection(lambda: Client(run), host, port))[1] for _ in range(connections)]
    await asyncio.gather(*(client.done for client in clients))
    took, times = time.perf_counter() - started, sorted(run.seconds) or [0.0]
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    return {"requests": len(run.seconds), "seconds": took, "p50": p50 * 1000, "p99": p99 * 1000, "errors": run.errors}


def main() -> None:
    """Run the load that the arguments describe, and print its result."""
    host, port, file, connections, seconds = sys.argv[1:]
    requests = Path(file).read_bytes().split(b"\0")
    print(json.dumps(uvloop.run(load(host, int(port), requests, int(connections), float(seconds)))))


if __name__ == "__main__":
    main()
