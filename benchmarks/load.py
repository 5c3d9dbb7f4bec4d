"""One case's load on one server for some seconds: by `wrk` where it is installed, else by our own client."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from benchmarks.exchanges import Address, Target
from benchmarks.processes import CLIENT, pin

Tool = Literal["wrk", "client"]

CONNECTIONS = 16
"""Enough that a server is never idle; more would only queue."""

HERE = Path(__file__).parent


class Failed(Exception):
    pass


class Sample(NamedTuple):
    """Requests a second, and milliseconds to the answer with that many connections asking at once."""

    rate: float
    p50: float
    p99: float


def installed() -> Tool:
    return "wrk" if shutil.which("wrk") else "client"


def write_requests(file: Path, targets: Iterable[Target]) -> Path:
    file.write_bytes(b"\0".join(target.request for target in targets))
    return file


def _command(tool: Tool, address: Address, requests: Path, seconds: float) -> list[str]:
    if tool == "client":
        ours = ["-m", "benchmarks.client", address.host, str(address.port)]
        return [sys.executable, *ours, str(requests), str(CONNECTIONS), str(seconds)]
    url = f"http://{address.host}:{address.port}/"
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(HERE / "wrk.lua")]
    return ["wrk", *options, url, "--", str(requests)]


def put(tool: Tool, address: Address, requests: Path, seconds: float) -> Sample:
    command = _command(tool, address, requests, seconds)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=HERE.parent) as process:
        pin(process.pid, CLIENT)
        output, errors = process.communicate()
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with exit code {process.returncode}:\n{errors.decode()}")
    seen = json.loads(output.decode().strip().splitlines()[-1])
    if seen.pop("errors"):
        raise Failed(f"{' '.join(command)}: not all requests were answered well:\n{output.decode()}")
    return Sample(**seen)


def middle(samples: Sequence[Sample]) -> Sample:
    return Sample(*(median(values) for values in zip(*samples, strict=True)))
