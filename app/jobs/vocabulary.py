"""The states of an import, what to do about a refused source item, and the exit code of a worker that was stopped."""

from typing import Literal

RunState = Literal["queued", "fetching", "reading", "writing", "done", "failed", "interrupted", "cancelled"]
OnError = Literal["stop", "skip"]

RUNNING: tuple[RunState, ...] = ("fetching", "reading", "writing")
STOPPED: tuple[RunState, ...] = ("failed", "interrupted")
"""States in which an import can be resumed, as long as its files are kept."""
OVER: tuple[RunState, ...] = ("done", "cancelled")
INTERRUPTED = 130
"""The exit code of a worker that was stopped: 128 plus the number of SIGINT, as in shells."""
