"""Puts one case's load on one server for some seconds, by `wrk` where it is installed, else by `benchmarks.client`."""

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
"""The number of connections: enough that a server is never idle, while more would only queue."""

GRACE_SECONDS = 30

HERE = Path(__file__).parent


class Failed(Exception):
    """A server gave a wrong answer or none, so there is nothing to measure."""


class Sample(NamedTuple):
    """The result of one turn. Other processes on the machine affect all numbers except `cpu`."""

    rate: float
    """The requests per second."""
    p50: float
    p99: float
    """The latencies in milliseconds with `CONNECTIONS` concurrent requests."""
    cpu: float
    """The server's CPU time per request in microseconds."""

    @property
    def busy(self) -> float:
        """The fraction of time in which the server computed; if it is well below 1, something else was the limit."""
        return self.rate * self.cpu / 1e6


def installed() -> Tool:
    """The best load tool that is installed."""
    return "wrk" if shutil.which("wrk") else "client"


def write_requests(file: Path, targets: Iterable[Target]) -> Path:
    """Write requests into the file that both load tools read, separated by zero bytes."""
    file.write_bytes(b"\0".join(target.request for target in targets))
    return file


def _command(tool: Tool, server: Server, requests: Path, seconds: float) -> list[str]:
    if tool == "client":
        ours = ["-m", "benchmarks.client", server.host, str(server.port)]
        return [sys.executable, *ours, str(requests), str(CONNECTIONS), str(seconds)]
    url = f"http://{server.host}:{server.port}/"
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(HERE / "wrk.lua")]
    return ["wrk", *options, url, "--", str(requests)]


def run_load(tool: Tool, server: Server, *, case: str, requests: Path, seconds: float) -> Sample:
    """Run the load tool for some seconds; raises `Failed` where any request was not answered well."""
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
    """The median of each number."""
    return Sample(*(median(values) for values in zip(*samples, strict=True)))
