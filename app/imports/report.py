"""What an import is asked to do, and what it says it did."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal

from app.auth.audit import Who
from app.imports.candidates import Json, Refusal, Remark
from app.store.submission import Fault

OnError = Literal["stop", "skip"]

Progress = Callable[[int], None]

MOST_REFUSALS = 1000
MOST_TEXTS = 20
MOST_KINDS = 200
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """`stop`: whatever is refused, nothing is written. `skip`: a unit that is refused is left out as a whole."""

    format: str
    name: str
    """Of the release that the import becomes."""
    reason: str
    who: Who
    on_error: OnError = "stop"
    dry_run: bool = False


@dataclass(slots=True)
class Units:
    read: int = 0
    applied: int = 0
    unchanged: int = 0
    skipped: int = 0
    """Nothing of them could be put anywhere without guessing, or against what people decided; remarks say why."""
    refused: int = 0


@dataclass(slots=True)
class Warnings:
    count: int = 0
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """Grows with nothing but what is told in full: so many refusals, and so many remarks of a kind."""

    format: str
    name: str
    revision: int | None = None
    """Nothing was changed where there is none."""
    stopped: bool = False
    """Something was refused, so nothing was written."""
    counts: Json = field(default_factory=dict)
    units: Units = field(default_factory=Units)
    refusals: list[Json] = field(default_factory=list)
    refusals_total: int = 0
    warnings: dict[str, Warnings] = field(default_factory=dict)
    conflicts_opened: int = 0
    conflicts_total: int = 0
    dropped_links: int = 0

    def reject(self, place: str, record: str, faults: Iterable[Fault]) -> None:
        self.units.refused += 1
        for fault in faults:
            self._add_rejection(place, record, fault.pointer, fault.detail, list(fault.nearest))

    def reject_unreadable(self, refusal: Refusal) -> None:
        self.units.read += 1
        self.units.refused += 1
        self._add_rejection(refusal.place, "", refusal.pointer, refusal.detail, [])

    def _add_rejection(self, place: str, record: str, pointer: str, detail: str, nearest: list[str]) -> None:
        self.refusals_total += 1
        if len(self.refusals) < MOST_REFUSALS:
            rejection = {
                "place": _text(place),
                "record": record,
                "pointer": pointer,
                "detail": _text(detail[:LONGEST_TEXT]),
            }
            self.refusals.append({**rejection, "nearest": nearest})

    def warn(self, place: str, warnings: Iterable[Remark]) -> None:
        for warning in warnings:
            if warning.kind not in self.warnings and len(self.warnings) >= MOST_KINDS:
                continue
            known = self.warnings.setdefault(warning.kind, Warnings())
            known.count += 1
            if len(known.texts) < MOST_TEXTS:
                known.texts.append(_text(f"{place}: {warning.text}"[:LONGEST_TEXT]))

    def as_json(self) -> Json:
        """As JSON; the same words for the command line and over HTTP."""
        content = asdict(self)
        conflicts = {"opened": content.pop("conflicts_opened"), "total": content.pop("conflicts_total")}
        return {**content, "conflicts": conflicts}


def _text(text: str) -> str:
    """Names of files need be no text."""
    return text.encode("utf-8", "replace").decode()


class Stopped(Exception):
    """Something was refused and the order is to stop then: the transaction is to be given up."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{report.refusals_total} refused")
        self.report = report
