"""The results of `benchmarks.serve` as a table: rates, ratios, and whether the targets are reached."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from rich.table import Table

from benchmarks.cases import RECORD_CASES, Case
from benchmarks.load import Sample, middle

ENOUGH = 0.85
"""The fraction of time for which the bare server must have been busy for its rate to count as its maximum."""


class Result(NamedTuple):
    """The samples of one case."""

    case: Case
    turns: list[tuple[Sample, Sample]]
    """Pairs of a sample of the bare server and one of ours, taken right after each other."""

    @property
    def middles(self) -> tuple[Sample, Sample]:
        """The medians of the bare server's samples and of ours."""
        bare, ours = (middle(samples) for samples in zip(*self.turns, strict=True))
        return bare, ours

    @property
    def ratio(self) -> float:
        """The median ratio of our rate to the bare server's, taken by turn, so that other load affects both alike."""
        return median(ours.rate / bare.rate for bare, ours in self.turns)

    @property
    def cpu_ratio(self) -> float:
        """The median ratio of the bare server's CPU time per request to ours."""
        return median(bare.cpu / ours.cpu for bare, ours in self.turns)

    @property
    def missed(self) -> bool:
        """Whether either ratio misses the target. Rates flatter ours where the bare server waited for its client."""
        least = self.case.least or 0.0
        return self.ratio < least or self.cpu_ratio < least


def as_of_cost(results: Sequence[Result]) -> str:
    """A sentence that says how many times as much a record as of a moment costs as a current one."""
    now, then = (next(result for result in results if result.case.name == name) for name in RECORD_CASES)
    times, cpu = now.ratio / then.ratio, now.cpu_ratio / then.cpu_ratio
    return f"A record as of a moment costs {times:.2f} times what one costs now, by CPU {cpu:.2f} (≤ 2)."


def _verdict(result: Result) -> str:
    if result.case.least is None:
        return "-"
    return f"{'missed' if result.missed else 'reached'} (≥ {result.case.least:.2f})"


def _row(result: Result) -> list[str]:
    bare, ours = result.middles
    rates = [f"{sample.rate:,.0f}" for sample in (bare, ours)]
    latencies = [f"{sample.p50:.2f} / {sample.p99:.2f}" for sample in (bare, ours)]
    computed = [f"{bare.cpu:.0f} / {ours.cpu:.0f}", f"{result.cpu_ratio:.3f}"]
    return [result.case.name, *rates, f"{result.ratio:.3f}", _verdict(result), *latencies, *computed]


def table_of(results: Sequence[Result], title: str) -> Table:
    """The results as a table. It shows CPU times per request too, which vary less on a busy machine than rates."""
    table = Table(title=title, title_justify="left")
    for name in ("case", "bare /s", "ours /s", "ratio", "target", "bare p50/p99 ms", "ours p50/p99 ms"):
        table.add_column(name, justify="left" if name == "case" else "right")
    for name in ("bare/ours CPU µs", "by CPU"):
        table.add_column(name, justify="right", style="dim")
    for result in results:
        table.add_row(*_row(result))
    idle = [result.case.name for result in results if result.middles[0].busy < ENOUGH]
    if idle:
        table.caption = (
            f"The bare server was not kept busy, the load tool or a neighbour was; go by the CPU: {', '.join(idle)}."
        )
        table.caption_justify = "left"
    return table
