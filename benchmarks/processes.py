"""Servers as separate processes, pinned to a core of their own so that clients do not take their time."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple, TypeVar

SERVER, CLIENT = 0, -1
"""The indices of the cores to use: the first for servers, one of which is busy at a time, and the last for clients."""

START_SECONDS, SETTLE_SECONDS, STOP_SECONDS = 60, 300, 10

_ADDRESS = re.compile(rb"http://(127\.0\.0\.1):(\d+)")


class NotStarted(Exception):
    """A server did not start; the message has its output."""


class Server(NamedTuple):
    """A running server."""

    host: str
    port: int
    pid: int


def pin(pid: int, which: int) -> None:
    """Pin a process to one core, if the system can do that and has more than one."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, {sorted(os.sched_getaffinity(0))[which]})


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process in all its threads; NaN where the system has no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


T = TypeVar("T")


@contextmanager
def sampled(look: Callable[[], T], seen: list[T], every: float) -> Iterator[None]:
    """Append the result of `look` to `seen` every so many seconds, in a thread, while the block runs."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every):
            seen.append(look())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def settle(server: Server) -> None:
    """Wait until a server has finished its background work, such as building an index, and the disk its writes.

    The pages of a database that was just copied are still being written, and a read of such a page would have to wait.
    """
    os.sync()
    end = time.monotonic() + SETTLE_SECONDS
    before = cpu_seconds(server.pid)
    while time.monotonic() < end:
        time.sleep(1)
        before, last = cpu_seconds(server.pid), before
        if not before - last > 0.1:
            return


@contextmanager
def python(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a Python process that prints the address that it serves on; it is stopped at the end of the block."""
    with TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**_environment(), **(environment or {})},
            cwd=Path(__file__).parent.parent,
        )
        try:
            pin(process.pid, SERVER)
            yield _started(process, output)
        finally:
            _stop(process)


def _environment() -> dict[str, str]:
    """Our environment without the service's settings, so that only the benchmark's settings apply."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("EVIDENCE_")}


def _written(output: IO[bytes]) -> bytes:
    return os.pread(output.fileno(), 100_000, 0)


def _started(process: subprocess.Popen[bytes], output: IO[bytes]) -> Server:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if found := _ADDRESS.search(_written(output)):
            return Server(found[1].decode(), int(found[2]), process.pid)
        time.sleep(0.02)
    why = "did not say where it listens" if process.poll() is None else f"ended with exit code {process.returncode}"
    command = " ".join(map(str, process.args)) if isinstance(process.args, list) else process.args
    raise NotStarted(f"{command!s}\n{why}:\n{_written(output).decode(errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
