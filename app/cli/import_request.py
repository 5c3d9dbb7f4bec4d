"""What the command is asked for, and whether that makes sense for a format."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from app.cli.console import USAGE, errors, stop
from app.common.suggestions import nearest
from app.imports.report import OnError


class Asked(NamedTuple):
    format: str
    inputs: tuple[str, ...]
    query: str | None
    since: str | None
    on_error: str
    dry_run: bool
    name: str | None
    reason: str | None

    @property
    def stops(self) -> OnError:
        return "skip" if self.on_error == "skip" else "stop"


def require_sense(asked: Asked) -> None:
    """Ends the command with all that is wrong with what it was asked for."""
    faults = list(_faults(asked))
    for fault in faults[:-1]:
        errors.print(fault, markup=False)
    if faults:
        raise stop(USAGE, faults[-1])


def _faults(asked: Asked) -> Iterator[str]:
    from app.imports.registry import FORMATS

    format = FORMATS.get(asked.format)
    if format is None:
        yield f"There is no format {asked.format!r}; nearest: {', '.join(nearest(asked.format, FORMATS))}."
        return
    if asked.query is not None and format.live is None:
        yield f"--query: nobody answers queries for {format.name}; name files."
    if (asked.query is None) == (not asked.inputs):
        yield "Name files, folders or addresses (- is standard input), or give a --query; one of the two."
    yield from _of_inputs(asked)
    yield from _of_words(asked)
    if asked.name is not None and not format.is_release:
        yield f"--name: what {format.name} brings becomes no release."
    if asked.since is not None:
        yield from _of_since(asked, is_said=format.updated is not None)


def _of_words(asked: Asked) -> Iterator[str]:
    from app.releases.service import is_name

    if asked.on_error not in ("stop", "skip"):
        yield f"--on-error is stop or skip, not {asked.on_error!r}."
    if asked.name is not None and not is_name(asked.name):
        yield f"{asked.name!r} is no name of a release: words of a-z and 0-9, joined by hyphens."


def _of_inputs(asked: Asked) -> Iterator[str]:
    from app.imports.reader_process import is_address

    for input in asked.inputs:
        if input != "-" and not is_address(input) and not Path(input).exists():
            yield f"There is no {input}."


def _of_since(asked: Asked, *, is_said: bool) -> Iterator[str]:
    try:
        date.fromisoformat(asked.since or "")
    except ValueError:
        yield f"--since is a day like 2026-01-31, not {asked.since!r}."
    if asked.query is None and not is_said:
        yield f"--since: files of {asked.format} do not say when each record was updated; it goes with a --query."
