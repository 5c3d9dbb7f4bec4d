"""Editions: how new a publisher's record is, so that an older snapshot of it does not replace a newer one.

    registry record    the day of its last update
    label              its version number, then the day from which it is effective
    PubMed             the day of its last revision

A reader states the edition in the source candidate of an item, as `version` and `effective_date`.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from app.imports.candidates import ImportWarning, Json, SourceItem

OLDER = "older-than-stored"
"""The kind of the warning about an item that is skipped because a newer edition of it is stored or was read."""


class Edition(NamedTuple):
    """The version number and the date of a publisher's record, as far as they are known."""

    version: int | None = None
    date: str | None = None
    """A partial date such as 2024, 2024-05 or 2024-05-31."""

    def is_older_than(self, other: "Edition") -> bool:
        """Whether this edition is certainly older; dates are compared as precisely as both are known."""
        if self.version is not None and other.version is not None and self.version != other.version:
            return self.version < other.version
        mine, theirs = self.date or "", other.date or ""
        shared = min(len(mine), len(theirs))
        return mine[:shared] < theirs[:shared]

    def __str__(self) -> str:
        known = (f"version {self.version}" if self.version is not None else "", f"of {self.date}" if self.date else "")
        return " ".join(filter(None, known))


def source_of(item: SourceItem) -> Json | None:
    """The data of the source that an item cites, which is its first candidate, or `None`."""
    first = item.candidates[0] if item.candidates else None
    return first.data if first and first.type == "sources" and isinstance(first.data, dict) else None


def edition_of(source: Json) -> Edition:
    """The edition that a source candidate states; anything that is no version or date is left out."""
    version, date = source.get("version"), source.get("effective_date")
    return Edition(version if type(version) is int else None, date if isinstance(date, str) else None)


def warning_about(id: str, came: Edition, newer: Edition) -> ImportWarning:
    """The warning that an edition of the source `id` is skipped because a newer one is known."""
    return ImportWarning(OLDER, f"sources/{id}: what came is {came}; what stands is {newer}")


class Outdated(Exception):
    """A newer edition of an item's source is stored."""

    def __init__(self, warning: ImportWarning) -> None:
        super().__init__(warning.text)
        self.warning = warning


@dataclass(frozen=True, slots=True)
class StoredEditions:
    """The stored editions of the sources that a batch cites."""

    by_source: Mapping[str, Edition] = field(default_factory=dict)
    of_this_run: Container[str] = frozenset()
    """The sources that this same run has stored."""
    allow_older: bool = False
    """Whether an edition that is older than the one of an earlier run is imported."""

    def superseded(self, source: str, edition: Edition) -> ImportWarning | None:
        """The warning that an edition replaces an older one of this same run; raises `Outdated` if it must be skipped.

        Of the editions in one run the newest stands even if older ones are allowed, so that the order of files does
        not matter.
        """
        stored, is_of_this_run = self.by_source.get(source, Edition()), source in self.of_this_run
        if edition.is_older_than(stored) and (is_of_this_run or not self.allow_older):
            raise Outdated(warning_about(source, edition, stored))
        is_replaced = is_of_this_run and stored.is_older_than(edition)
        return warning_about(source, stored, edition) if is_replaced else None


def older_in_batch(units: Mapping[int, SourceItem]) -> dict[int, ImportWarning]:
    """The items of which the same batch holds a newer edition, each with its warning."""
    newest: dict[str, tuple[Edition, list[int]]] = {}
    older: dict[int, ImportWarning] = {}
    for number, item in units.items():
        source = source_of(item)
        if source is None or not isinstance(id := source.get("id"), str):
            continue
        mine = edition_of(source)
        best, numbers = newest.setdefault(id, (mine, []))
        if mine.is_older_than(best):
            older[number] = warning_about(id, mine, best)
        elif best.is_older_than(mine):
            older |= {one: warning_about(id, best, mine) for one in numbers}
            newest[id] = (mine, [number])
        else:
            numbers.append(number)
    return older
