"""The request for an import, and its report."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal

from app.auth.audit import Who
from app.common.problems import Fault
from app.imports.candidates import ImportWarning, Json, Rejection

OnError = Literal["stop", "skip"]

Progress = Callable[[int], None]
"""Takes the number of items that were processed since the last call."""

MOST_REFUSALS = 1000
MOST_TEXTS = 20
MOST_KINDS = 200
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What an import is asked to do.

    With `stop`, any rejection prevents all changes; with `skip`, rejected items are left out.
    """

    format: str
    name: str
    """The name of the release that the import becomes."""
    reason: str
    who: Who
    on_error: OnError = "stop"
    allow_older: bool = False
    """Whether records are imported that are older than what is stored of them."""


@dataclass(slots=True)
class Units:
    """Numbers of source items."""

    read: int = 0
    applied: int = 0
    unchanged: int = 0
    skipped: int = 0
    """Items of which no record could be assigned without guessing or against a person's decision, and items that are
    older than what is stored of them; warnings say why.
    """
    refused: int = 0


@dataclass(slots=True)
class Warnings:
    """The warnings of one kind: how many there were, and the first of their texts."""

    count: int = 0
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What an import did.

    It is bounded: it lists at most `MOST_REFUSALS` rejections, and `MOST_TEXTS` warnings of each kind.
    """

    format: str
    name: str
    revision: int | None = None
    """The revision that the import made; `None` if nothing changed."""
    stopped: bool = False
    """Whether a rejection stopped the import, so that nothing was written."""
    counts: Json = field(default_factory=dict)
    units: Units = field(default_factory=Units)
    refusals: list[Json] = field(default_factory=list)
    refusals_total: int = 0
    warnings: dict[str, Warnings] = field(default_factory=dict)
    conflicts_opened: int = 0
    conflicts_total: int = 0
    dropped_links: int = 0

    def reject(self, place: str, record: str, faults: Iterable[Fault]) -> None:
        """Counts a rejected item and lists its faults."""
        self.units.refused += 1
        for fault in faults:
            self._add_rejection(place, record, fault)

    def reject_unreadable(self, refusal: Rejection) -> None:
        """Counts and lists a part of a file that could not be read as an item."""
        self.units.read += 1
        self.units.refused += 1
        self._add_rejection(refusal.place, "", Fault(refusal.detail, refusal.pointer))

    def _add_rejection(self, place: str, record: str, fault: Fault) -> None:
        self.refusals_total += 1
        if len(self.refusals) < MOST_REFUSALS:
            rejection = {
                "place": _text(place),
                "record": record,
                "pointer": fault.pointer,
                "detail": _text(fault.detail[:LONGEST_TEXT]),
                "nearest": [*fault.nearest],
            }
            self.refusals.append(rejection)

    def warn(self, place: str, warnings: Iterable[ImportWarning]) -> None:
        """Counts warnings about one place; their kinds, texts and lengths are bounded."""
        for warning in warnings:
            if warning.kind not in self.warnings and len(self.warnings) >= MOST_KINDS:
                continue
            known = self.warnings.setdefault(warning.kind, Warnings())
            known.count += 1
            if len(known.texts) < MOST_TEXTS:
                known.texts.append(_text(f"{place}: {warning.text}"[:LONGEST_TEXT]))

    def as_json(self) -> Json:
        """The report as JSON, the same for the command line and over HTTP."""
        content = asdict(self)
        conflicts = {"opened": content.pop("conflicts_opened"), "total": content.pop("conflicts_total")}
        return {**content, "conflicts": conflicts}


def fault_of(refusal: Json) -> Fault:
    """The fault that a report lists as a refusal, whose place counts as its file."""
    return Fault.from_json({**refusal, "file": refusal["place"]})


def _text(text: str) -> str:
    """Replaces what UTF-8 cannot encode, because a file name need not be valid text."""
    return text.encode("utf-8", "replace").decode()


class Stopped(Exception):
    """An item was rejected and the request says to stop then. The transaction must be rolled back."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{report.refusals_total} refused")
        self.report = report
