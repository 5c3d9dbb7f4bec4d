"""Results as a table: rates, their ratio and whether it is the one to reach."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from rich.table import Table

from benchmarks.cases import NOW_AND_THEN, Case
from benchmarks.load import Sample, middle

ENOUGH = 0.85
"""How much of the time the bare server must have computed for its rate to be the best it can."""


class Result(NamedTuple):
    case: Case
    turns: list[tuple[Sample, Sample]]
    """The bare server's and ours, one right after the other."""

    @property
    def middles(self) -> tuple[Sample, Sample]:
        bare, ours = (middle(samples) for samples in zip(*self.turns, strict=True))
        return bare, ours

    @property
    def ratio(self) -> float:
        """Turn by turn, so that a neighbour who is busy for a while weighs on both alike."""
        return median(ours.rate / bare.rate for bare, ours in self.turns)

    @property
    def cpu_ratio(self) -> float:
        return median(bare.cpu / ours.cpu for bare, ours in self.turns)

    @property
    def missed(self) -> bool:
        """By either ratio: where the bare server had to wait for its client, rates flatter ours."""
        least = self.case.least or 0.0
        return self.ratio < least or self.cpu_ratio < least


def then_beside_now(results: Sequence[Result]) -> str:
    """How many times what a record costs it costs as of a moment."""
    now, then = (next(result for result in results if result.case.name == name) for name in NOW_AND_THEN)
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
    """CPU time a request is shown too: on a busy machine it is steadier than rates are."""
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
