"""The states of an import over HTTP, and the choices of what to do about a refused source item."""

from typing import Literal, get_args

RunState = Literal["queued", "fetching", "reading", "writing", "done", "failed", "interrupted", "cancelled"]
OnError = Literal["stop", "skip"]

RUNNING: tuple[RunState, ...] = ("fetching", "reading", "writing")
STOPPED: tuple[RunState, ...] = ("failed", "interrupted")
"""States in which an import can be resumed, as long as its files are kept."""
OVER: tuple[RunState, ...] = ("done", "cancelled")
STATES: tuple[RunState, ...] = get_args(RunState)
