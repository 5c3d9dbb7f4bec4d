"""What every reader of references says of a file: what it found, and what became of each line."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from app.imports.candidates import Found, Rejection
from app.imports.formats.references.lines import Line
from app.imports.readers.record_builder import Entry

State = Literal["used", "known", "refused"]
"""A line is used for a record, or it is known to say nothing that a record has, or it is refused with its number."""
Tags = dict[str, list[str]]
"""The values of an entry by their tags, in order."""


class Options(NamedTuple):
    """What the readers of all kinds of entries are given."""

    name: str
    """The name of the file, for entries that name no database."""
    day: date
    """The day on which the file is read."""
    store_abstracts: bool = False


class Reading(NamedTuple):
    """What was found in some lines, and the state of each line by its number."""

    found: tuple[Found, ...]
    states: tuple[tuple[int, State], ...] = ()


def states(lines: Iterable[Line], state: State) -> tuple[tuple[int, State], ...]:
    """One state for all lines that count."""
    return tuple((line.number, state) for line in lines if line.is_counted)


def rejected(lines: list[Line], detail: str) -> Reading:
    """A rejection of all lines of an entry."""
    counted = [line.number for line in lines if line.text.strip()]
    return Reading((Rejection(place_of(counted), "", detail),), states(lines, "refused"))


def place_of(numbers: list[int]) -> str:
    """The name of some lines in the report: the first of them."""
    return f"line {numbers[0]}" if numbers else "line 1"


def warn_of_lines(entry: Entry, kind: str, numbers: Iterable[int], what: str) -> None:
    """Adds one warning that names some lines."""
    named = ", ".join(map(str, dict.fromkeys(numbers)))
    if named:
        entry.warn(kind, f"line {named}: {what}")
