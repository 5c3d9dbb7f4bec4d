"""The vocabularies of imports over HTTP."""

from typing import Literal, get_args

RunState = Literal["queued", "fetching", "reading", "writing", "done", "failed", "interrupted", "cancelled"]
OnError = Literal["stop", "skip"]

RUNNING: tuple[RunState, ...] = ("fetching", "reading", "writing")
STOPPED: tuple[RunState, ...] = ("failed", "interrupted")
"""May be gone on with, as long as what they need is kept."""
OVER: tuple[RunState, ...] = ("done", "cancelled")
STATES: tuple[RunState, ...] = get_args(RunState)
