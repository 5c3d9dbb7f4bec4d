"""Importing: units become one revision and one release, merged with what is there. Nothing grows with their number."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from sqlalchemy import Connection, Engine

from app.common.gc_pause import collected_between
from app.imports.batch import Batch, Settled
from app.imports.candidates import Found, Refusal, Unit
from app.imports.merge import Held, Said
from app.imports.report import MOST_REFUSALS, Order, Report, Stopped
from app.records.resource import Row
from app.releases.service import apart, counts_of, record_release, refuse_taken
from app.store.reconciliation.contributions import Layer
from app.store.reconciliation.history import count_conflicts, remember, remembered
from app.store.reconciliation.precedence import REPEATING
from app.store.revision import Revising, changing
from app.store.rows import BATCH, batches
from app.store.submission import Draft
from app.store.validation import Checking
from app.store.versions import Key

MOST_LATER = 10_000

Progress = Callable[[int], None]
"""Told of how many more units were read."""


def run(engine: Engine, found: Iterable[Found], order: Order, progress: Progress = lambda _: None) -> Report:
    """An import in a transaction of its own; a dry run is the very same, and undone before anybody could see it."""
    try:
        if order.dry_run:
            return _tried(engine, found, order, progress)
        with changing(engine) as connection:
            return take_in(connection, found, order, progress)
    except Stopped as stopped:
        return stopped.report


def _tried(engine: Engine, found: Iterable[Found], order: Order, progress: Progress) -> Report:
    with apart(engine) as there, changing(there) as connection:
        report = take_in(connection, found, order, progress)
        connection.rollback()
    report.revision = None
    return report


def take_in(
    connection: Connection, found: Iterable[Found], order: Order, progress: Progress = lambda _: None
) -> Report:
    """Takes in what a reader found, in a transaction of `changing`.

    Raises `Stopped` where something is refused and the order is to stop then: the transaction must be given up.
    """
    refuse_taken(connection, order.name)
    taking = _Taking(connection, order)
    with collected_between() as collect:
        for batch in _batches(found):
            taking.take(batch)
            progress(len(batch))
            collect()
            if taking.is_hopeless:
                break
    return taking.end()


def _batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """So many units that they hold some hundred offers; one that holds more is a batch of its own."""
    batch: list[Found] = []
    size = 0
    for each in found:
        more = max(1, len(each.offers) + len(each.mentions)) if isinstance(each, Unit) else 1
        if batch and size + more > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += more
    if batch:
        yield batch


class _Taking:
    def __init__(self, connection: Connection, order: Order) -> None:
        self._connection, self._order = connection, order
        self._revising = Revising(connection, actor=order.who.actor, reason=order.reason)
        self._report = Report(order.format, order.name)
        self._said: Said = {}
        """Only of formats that repeat themselves; nobody exports more references than memory holds."""
        self._later: list[Unit] = []
        """Of records that may come yet: a notice can stand before the article that it retracts."""

    @property
    def _is_stopped(self) -> bool:
        return self._order.on_error == "stop" and self._report.refusals_total > 0

    @property
    def is_hopeless(self) -> bool:
        return self._order.on_error == "stop" and self._report.refusals_total >= MOST_REFUSALS

    def take(self, batch: Sequence[Found]) -> None:
        was_stopped = self._is_stopped
        units: dict[int, Unit] = {}
        for number, found in enumerate(batch):
            if isinstance(found, Refusal):
                self._report.refuse_unread(found)
            else:
                units[number] = found
        self._report.units.read += len(units)
        if was_stopped:
            self._look_over(units.values())
        elif units:
            self._settle(units)

    def _look_over(self, units: Iterable[Unit]) -> None:
        """Once nothing will be written, what else is wrong is still told, as far as it shows in the units alone."""
        for unit in units:
            checking = Checking()
            for number, offer in enumerate(unit.offers):
                list(checking.read([Draft(number, offer.type, offer.data)] if offer.prepared is None else ()))
            if checking.faults:
                self._report.refuse(unit.place, _name_of(unit), checking.faults)

    def _settle(self, units: dict[int, Unit]) -> None:
        batch = self._batch(units)
        settled = batch.settle()
        self._tell(units, settled)
        for number, mention in settled.unplaced[: MOST_LATER - len(self._later)]:
            unit = units[number]
            self._later.append(Unit(unit.place, unit.offers[:1], (mention,)))
        if not self._is_stopped and (settled.held or settled.gone):
            self._write(batch, settled)

    def _tell(self, units: dict[int, Unit], settled: Settled) -> None:
        report = self._report
        for number, faults in sorted(settled.refused.items()):
            report.refuse(units[number].place, _name_of(units[number]), faults)
        for number, unit in units.items():
            if number not in settled.refused:
                report.remark(unit.place, unit.remarks)
        for number, remark in settled.remarks:
            report.remark(units[number].place, [remark])
        report.dropped_links += settled.dropped
        report.units.skipped += len(settled.set_aside)
        report.units.applied += len(settled.taken)
        report.units.unchanged += len(units) - len(settled.refused) - len(settled.set_aside) - len(settled.taken)

    def _write(self, batch: Batch, settled: Settled) -> None:
        revision = self._revising.opened()
        there = [held for held in settled.held if not held.is_new]
        self._remember(there, revision)
        self._remember_withdrawn(batch, settled.gone, revision)
        self._revising.put(settled.entries, settled.gone)
        self._remember([held for held in settled.held if held.is_new], revision)
        self._revising.hear([held.key for held in settled.held if held.only is None])

    def _remember(self, held: Iterable[Held], revision: int) -> None:
        """What is offered of a record that was there is kept before it is written, for its conflicts follow from it."""
        rows, again = [], []
        for each in held:
            layers = [layer._replace(revision=revision) for layer in each.fresh.values()]
            kept = [remembered(each.key, layer, as_entered=each.only is not None) for layer in layers]
            rows += kept
            again += [row for row, layer in zip(kept, layers, strict=True) if layer.key in each.again]
        remember(self._connection, rows, again)

    def _remember_withdrawn(self, batch: Batch, gone: Iterable[Key], revision: int) -> None:
        rows: list[Row] = []
        for key in gone:
            rows += [remembered(key, _withdrawn(layer, revision), as_entered=True) for layer in batch.layers(key)]
        remember(self._connection, rows, rows)

    def _look_again(self) -> None:
        for some in batches(self._later):
            batch = self._batch(dict(enumerate(some)))
            settled = batch.settle()
            if settled.held:
                self._write(batch, settled)

    def _batch(self, units: dict[int, Unit]) -> Batch:
        said = self._said if self._order.format in REPEATING else {}
        return Batch(self._connection, units, self._order.format, self._revising.summary.revision, said)

    def end(self) -> Report:
        """Ends the revision, and makes a release of it."""
        report = self._report
        if not self._is_stopped:
            self._look_again()
        if self._is_stopped:
            report.stopped = True
            raise Stopped(report)
        summary = self._revising.close()
        report.revision, report.counts = summary.revision, counts_of(summary)
        report.conflicts_opened, report.conflicts_total = count_conflicts(self._connection, summary.revision)
        if summary.revision is not None:
            record_release(self._connection, self._order.name, summary, self._order.who, "import", self._order.reason)
        return report


def _withdrawn(layer: Layer, revision: int) -> Layer:
    return layer._replace(digest="", offered={}, theirs=frozenset(), revision=revision)


def _name_of(unit: Unit) -> str:
    """The record that a unit is about: the first that is no source."""
    offers = [offer for offer in chain(unit.offers) if offer.type != "sources"] or list(unit.offers)
    data = offers[0].data if offers else None
    return f"{offers[0].type}/{data.get('id')}" if isinstance(data, dict) else ""
