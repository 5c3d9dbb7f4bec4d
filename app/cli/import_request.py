"""The options of `evidence import`, and checking that they fit together and fit the format."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from app.cli.console import USAGE, errors, stop
from app.common.suggestions import nearest
from app.imports.report import OnError


class ImportOptions(NamedTuple):
    """The arguments and options of the command."""

    format: str
    inputs: tuple[str, ...]
    query: str | None
    since: str | None
    on_error: str
    dry_run: bool
    name: str | None
    reason: str | None
    encoding: str | None = None
    allow_older: bool = False

    @property
    def on_refusal(self) -> OnError:
        """The checked value of `--on-error`."""
        return "skip" if self.on_error == "skip" else "stop"


def require_valid(options: ImportOptions) -> None:
    """End the command with a message for each fault in its options, if there are any."""
    faults = list(_faults(options))
    for fault in faults[:-1]:
        errors.print(fault, markup=False)
    if faults:
        raise stop(USAGE, faults[-1])


def _faults(options: ImportOptions) -> Iterator[str]:
    from app.imports.registry import FORMATS

    format = FORMATS.get(options.format)
    if format is None:
        yield f"There is no format {options.format!r}; nearest: {', '.join(nearest(options.format, FORMATS))}."
        return
    if options.query is not None and format.live is None:
        yield f"--query: nobody answers queries for {format.name}; name files."
    if (options.query is None) == (not options.inputs):
        yield "Name files, folders or addresses (- is standard input), or give a --query; one of the two."
    yield from _input_faults(options)
    yield from _word_faults(options)
    if not format.is_release:
        yield from _release_faults(options)
    yield from _encoding_faults(options)
    if options.since is not None:
        yield from _since_faults(options, has_dates=format.updated is not None)


def _release_faults(options: ImportOptions) -> Iterator[str]:
    if options.name is not None:
        yield f"--name: what {options.format} brings becomes no release."
    if options.allow_older:
        yield f"--allow-older: what {options.format} brings does not say how new it is."


def _word_faults(options: ImportOptions) -> Iterator[str]:
    from app.releases.service import is_name

    if options.on_error not in ("stop", "skip"):
        yield f"--on-error is stop or skip, not {options.on_error!r}."
    if options.name is not None and not is_name(options.name):
        yield f"{options.name!r} is no name of a release: words of a-z and 0-9, joined by hyphens."


def _encoding_faults(options: ImportOptions) -> Iterator[str]:
    from app.imports.readers.encodings import is_text_encoding

    if options.encoding is None:
        return
    if options.format != "references":
        yield f"--encoding: files of {options.format} say themselves what encoding they are in."
    elif not is_text_encoding(options.encoding):
        yield f"--encoding: {options.encoding!r} is no encoding that is known here, such as gb18030 or latin-1."


def _input_faults(options: ImportOptions) -> Iterator[str]:
    from app.imports.reader_process import is_address

    for input in options.inputs:
        if input != "-" and not is_address(input) and not Path(input).exists():
            yield f"There is no {input}."


def _since_faults(options: ImportOptions, *, has_dates: bool) -> Iterator[str]:
    try:
        date.fromisoformat(options.since or "")
    except ValueError:
        yield f"--since is a day like 2026-01-31, not {options.since!r}."
    if options.query is None and not has_dates:
        yield f"--since: files of {options.format} do not say when each record was updated; it goes with a --query."
