"""One case's load on one server for some seconds: by `wrk` where it is installed, else by our own client."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from benchmarks.exchanges import Target
from benchmarks.processes import CLIENT, Server, cpu_seconds, pin

Tool = Literal["wrk", "client"]

CONNECTIONS = 16
"""Enough that a server is never idle; more would only queue."""

GRACE_SECONDS = 30

HERE = Path(__file__).parent


class Failed(Exception):
    pass


class Sample(NamedTuple):
    """What one turn showed; a busy neighbour on the machine moves everything but `cpu`."""

    rate: float
    """Requests a second."""
    p50: float
    p99: float
    """Milliseconds to the answer, with so many connections asking at once."""
    cpu: float
    """Microseconds that the server computed for a request."""

    @property
    def busy(self) -> float:
        """The part of the time in which the server computed; well below 1, something else was the limit."""
        return self.rate * self.cpu / 1e6


def installed() -> Tool:
    return "wrk" if shutil.which("wrk") else "client"


def write_requests(file: Path, targets: Iterable[Target]) -> Path:
    file.write_bytes(b"\0".join(target.request for target in targets))
    return file


def _command(tool: Tool, server: Server, requests: Path, seconds: float) -> list[str]:
    if tool == "client":
        ours = ["-m", "benchmarks.client", server.host, str(server.port)]
        return [sys.executable, *ours, str(requests), str(CONNECTIONS), str(seconds)]
    url = f"http://{server.host}:{server.port}/"
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(HERE / "wrk.lua")]
    return ["wrk", *options, url, "--", str(requests)]


def put(tool: Tool, server: Server, *, case: str, requests: Path, seconds: float) -> Sample:
    command = _command(tool, server, requests, seconds)
    before = cpu_seconds(server.pid)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=HERE.parent) as process:
        pin(process.pid, CLIENT)
        try:
            output, errors = process.communicate(timeout=seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed(f"{case}: {' '.join(command)} did not end in time; a server does not answer.") from None
    if process.returncode:
        raise Failed(f"{case}: {' '.join(command)} ended with exit code {process.returncode}:\n{errors.decode()}")
    seen = json.loads(output.decode().strip().splitlines()[-1])
    cpu = (cpu_seconds(server.pid) - before) / max(1, seen["requests"]) * 1e6
    if seen["errors"] or not seen["requests"]:
        raise Failed(f"{case}: {' '.join(command)}: not all requests were answered well:\n{output.decode()}")
    return Sample(seen["requests"] / seen["seconds"], seen["p50"], seen["p99"], cpu)


def middle(samples: Sequence[Sample]) -> Sample:
    return Sample(*(median(values) for values in zip(*samples, strict=True)))
