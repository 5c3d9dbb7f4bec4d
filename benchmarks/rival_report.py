"""The results of `benchmarks.rivals` as a table, with the targets."""

from collections.abc import Iterator
from typing import NamedTuple

from rich.table import Table

from benchmarks.rival_cases import Case

LEAST_INDEXED, MOST_GROWN = 10_000, 50.0

OURS, FLOOR = "ours", "floor: a bare ASGI app, the same bytes"
DATASETTE, DATASETTE_DEFAULT = "Datasette", "Datasette as it comes"
DJANGO, DJANGO_DOCUMENTS = "Django REST framework", "Django given our documents"
TARGETED = {DATASETTE: 0, DJANGO: 1}
"""The lines that have targets, with the index of their target in `Case.least`."""

COMPARED = TARGETED | {DATASETTE_DEFAULT: 0, DJANGO_DOCUMENTS: 1}


class Result(NamedTuple):
    """The median times of one case, by server."""

    case: Case
    seconds: dict[str, float]

    def ratio(self, who: str) -> float:
        """How many times as long as our service a server takes."""
        return self.seconds[who] / self.seconds[OURS]

    def least(self, who: str) -> float | None:
        """The ratio to reach against a server, if there is one."""
        return self.case.least[COMPARED[who]] if who in COMPARED else None

    @property
    def missed(self) -> bool:
        """Whether a target is missed."""
        return any(self.ratio(who) < (self.least(who) or 0.0) for who in TARGETED)


class Measurement(NamedTuple):
    """The results of a whole run."""

    results: list[Result]
    studies: int
    entries: int
    """The number of entries in the search index."""
    index_seconds: float
    grown: float
    """The megabytes by which the server grew during an export."""
    grown_private: float
    """The private part of `grown`."""
    exported: int
    """The size of the export in bytes."""
    export_seconds: float

    @property
    def indexed(self) -> float:
        """The studies indexed per second."""
        return self.studies / self.index_seconds

    @property
    def missed(self) -> bool:
        """Whether any target is missed."""
        slow = any(result.missed for result in self.results)
        return slow or self.indexed < LEAST_INDEXED or self.grown >= MOST_GROWN


def _verdict(result: Result, who: str) -> str:
    least = result.least(who)
    if least is None:
        return ""
    verdict = f"≥ {least:g} {'reached' if result.ratio(who) >= least else 'missed'}"
    return verdict if who in TARGETED else f"({verdict})"


def table_of(measured: Measurement, number: int, block: int) -> Table:
    """The times of all cases; `number` requests of each were measured, in blocks of `block` for each server."""
    title = f"{measured.studies:,} studies, one worker each, SQLite; medians of {number} different requests"
    table = Table(title=f"{title}, {block} of each server in turns", title_justify="left")
    for name in ("case", "who"):
        table.add_column(name)
    for name in ("ms", "requests/s", "times ours", "target"):
        table.add_column(name, justify="right")
    for result in measured.results:
        for who, seconds in result.seconds.items():
            name = result.case.name if who == OURS else ""
            compared = "" if who == OURS else f"{result.ratio(who):.2f}x"
            table.add_row(name, who, f"{seconds * 1000:.2f}", f"{1 / seconds:,.0f}", compared, _verdict(result, who))
        table.add_section()
    table.caption = (
        "Targets are judged on Datasette without its suggestions of more facets and on Django REST framework as an app "
        "of it is written; in brackets what the other lines would come to."
    )
    table.caption_justify = "left"
    return table


def lines_of(measured: Measurement) -> Iterator[str]:
    """Lines about the build of the index and about the export."""
    built = "reached" if measured.indexed >= LEAST_INDEXED else "missed"
    rate = measured.entries / measured.index_seconds
    yield f"index build: {measured.indexed:,.0f} studies/s {built} (≥ {LEAST_INDEXED:,}), {rate:,.0f} entries/s in all"
    kept = "reached" if measured.grown < MOST_GROWN else "missed"
    yield (
        f"csv export: {measured.exported / 1e6:,.0f} MB in {measured.export_seconds:.0f} s; memory grew by "
        f"{measured.grown:.0f} MB {kept} (< {MOST_GROWN:g}), {measured.grown_private:.0f} MB of it private"
    )
