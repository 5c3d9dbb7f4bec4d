"""Servers as processes of their own, pinned so that who asks does not take the time of who answers."""

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
"""Which of the cores we may use: the first for servers (only one is busy at a time), the last for the load tool."""

START_SECONDS, SETTLE_SECONDS, STOP_SECONDS = 60, 300, 10

_ADDRESS = re.compile(rb"http://(127\.0\.0\.1):(\d+)")


class NotStarted(Exception):
    pass


class Server(NamedTuple):
    host: str
    port: int
    pid: int


def pin(pid: int, which: int) -> None:
    """Keeps a process on one core, where the system can and has more than one."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, {sorted(os.sched_getaffinity(0))[which]})


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far, in all its threads; not a number where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


T = TypeVar("T")


@contextmanager
def watched(look: Callable[[], T], seen: list[T], every: float) -> Iterator[None]:
    """Looks at something again and again, beside the block."""
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
    """Waits until a server has done what it does beside answering, such as building an index, and the disk its part.

    Pages of a database just copied are still being written out, and who touches one of them then has to wait.
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
    """A Python process that prints the address it serves on; it is stopped at the end."""
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
    """Ours, less what would set up the service in another way than the benchmark says."""
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
