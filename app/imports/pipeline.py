"""The import pipeline: source items are linked, merged and written as one revision and one release.

    found items  ->  batches of some hundred candidates
    each batch   ->  prefetch, assignment, merge, validation (`app.imports.batch`)
                 ->  contributions, rows and documents of one revision
    at the end   ->  deferred partial updates, the closed revision, its release

Memory use does not grow with the number of items, with two exceptions: at most `MOST_DEFERRED` partial updates, and the
digests of all candidates for formats whose files repeat records.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from app.common.gc_pause import collected_between
from app.imports.batch import Batch, BatchOutcome
from app.imports.candidates import Found, ImportWarning, Rejection, SourceItem
from app.imports.merge import MergedRecord, SeenCandidates
from app.imports.provisional import FORMAT
from app.imports.relinking import Relinker
from app.imports.report import MOST_REFUSALS, ImportRequest, Progress, Report, Stopped
from app.records.resource import Row
from app.releases.service import counts_of, record_release, refuse_taken
from app.store.reconciliation.contributions import Contribution
from app.store.reconciliation.history import count_conflicts, remember, remembered
from app.store.reconciliation.precedence import REPEATING
from app.store.revision import RevisionWriter
from app.store.rows import BATCH, batches
from app.store.submission import Submission
from app.store.validation import Validation
from app.store.versions import Key

MOST_DEFERRED = 10_000
"""The number of partial updates that are kept until the end of a run, for records that may come later in it."""


def import_units(
    connection: Connection, found: Iterable[Found], request: ImportRequest, progress: Progress = lambda _: None
) -> Report:
    """Imports what a reader found, in a transaction of `changing`; returns the report.

    Raises `Stopped` if an item was rejected and the request says to stop then. The caller must roll back the
    transaction.
    """
    refuse_taken(connection, request.name)
    pipeline = _Pipeline(connection, request)
    with collected_between() as collect:
        for batch in _batches(found):
            pipeline.process(batch)
            progress(len(batch))
            collect()
            if pipeline.has_too_many_rejections:
                break
    return pipeline.end()


def _batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Groups items so that each batch holds about `BATCH` candidates and partial updates.

    An item that holds more than that is a batch of its own.
    """
    batch: list[Found] = []
    size = 0
    for each in found:
        more = max(1, len(each.candidates) + len(each.partial_updates)) if isinstance(each, SourceItem) else 1
        if batch and size + more > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += more
    if batch:
        yield batch


class _Pipeline:
    """One import run: its revision, its report, and what has to be remembered between batches."""

    def __init__(self, connection: Connection, request: ImportRequest) -> None:
        self._connection, self._request = connection, request
        self._revising = RevisionWriter(connection, actor=request.who.actor, reason=request.reason)
        self._report = Report(request.format, request.name)
        self._seen: SeenCandidates = {}
        """The digests of this run's candidates, for formats whose files repeat records.

        Such files are exports of citation managers, which are small enough for memory.
        """
        self._deferred: list[SourceItem] = []
        """Partial updates of records that are not stored yet but may come later in the run.

        A retraction notice can precede the article that it retracts.
        """
        self._relinker = Relinker(connection, self._revising, self._write_relinked)

    @property
    def _is_stopped(self) -> bool:
        return self._request.on_error == "stop" and self._report.refusals_total > 0

    @property
    def _relinks(self) -> bool:
        """Whether the run brings names of products and indications for which registry records wait."""
        return self._request.format == "label"

    @property
    def has_too_many_rejections(self) -> bool:
        """Whether reading on is pointless: nothing will be written, and the report's list of rejections is full."""
        return self._request.on_error == "stop" and self._report.refusals_total >= MOST_REFUSALS

    def process(self, batch: Sequence[Found]) -> None:
        """Imports one batch. After a rejection that stops the run, it only validates the batch for the report."""
        was_stopped = self._is_stopped
        units: dict[int, SourceItem] = {}
        for number, found in enumerate(batch):
            if isinstance(found, Rejection):
                self._report.reject_unreadable(found)
            else:
                units[number] = found
        self._report.units.read += len(units)
        if was_stopped:
            self._validate_only(units.values())
        elif units:
            self._process_units(units)

    def _validate_only(self, units: Iterable[SourceItem]) -> None:
        """Reports the faults that a unit shows by itself, without looking at stored records.

        Prebuilt candidates were validated by the reader process.
        """
        for unit in units:
            checking = Validation()
            for number, candidate in enumerate(unit.candidates):
                if candidate.prebuilt is None:
                    list(checking.read([Submission(number, candidate.type, candidate.data)]))
            if checking.faults:
                self._report.reject(unit.place, _record_name(unit), checking.faults)

    def _write_relinked(self, units: Mapping[int, SourceItem]) -> None:
        """Writes studies of registry records that are linked anew; they are no units of the report."""
        batch = Batch(self._connection, units, FORMAT, self._revising.summary.revision, {}, again=True)
        outcome = batch.resolve()
        for number, faults in outcome.rejected.items():
            refused = [ImportWarning("not-linked-anew", fault.detail) for fault in faults]
            self._report.warn(units[number].place, refused)
        if outcome.merged:
            self._write(batch, outcome)

    def _process_units(self, units: dict[int, SourceItem]) -> None:
        if self._relinks and not self._is_stopped:
            self._relinker.make_way(units.values())
        batch = self._batch(units)
        outcome = batch.resolve()
        self._report_outcome(units, outcome)
        for number, update in outcome.unassigned[: MOST_DEFERRED - len(self._deferred)]:
            unit = units[number]
            self._deferred.append(SourceItem(unit.place, unit.candidates[:1], (update,)))
        if not self._is_stopped and (outcome.merged or outcome.deletions):
            self._write(batch, outcome)
            self._relinker.note_written(merged.key for merged in outcome.merged)

    def _report_outcome(self, units: dict[int, SourceItem], outcome: BatchOutcome) -> None:
        report = self._report
        for number, faults in sorted(outcome.rejected.items()):
            report.reject(units[number].place, _record_name(units[number]), faults)
        for number, unit in units.items():
            if number not in outcome.rejected and number not in outcome.skipped:
                report.warn(unit.place, unit.warnings)
        for number, warning in outcome.warnings:
            report.warn(units[number].place, [warning])
        report.dropped_links += outcome.dropped_links
        # an older edition that an earlier batch imported counts as skipped, as it does if it comes later
        superseding = outcome.superseding - outcome.rejected.keys()
        report.units.skipped += len(outcome.skipped) + len(superseding)
        report.units.applied += len(outcome.applied) - len(superseding)
        report.units.unchanged += len(units) - len(outcome.rejected) - len(outcome.skipped) - len(outcome.applied)

    def _write(self, batch: Batch, outcome: BatchOutcome) -> None:
        revision = self._revising.opened()
        existing = [merged for merged in outcome.merged if not merged.is_new]
        self._store_layers(existing, revision)
        self._store_withdrawals(batch, outcome.deletions, revision)
        self._revising.put(outcome.entries, outcome.deletions)
        self._store_layers([merged for merged in outcome.merged if merged.is_new], revision)
        self._revising.hear([merged.key for merged in outcome.merged if merged.sole_candidate is None])

    def _store_layers(self, merged: Iterable[MergedRecord], revision: int) -> None:
        """Stores the contributions of sources to some records.

        Those to existing records must be stored before the records are written, because conflicts are derived from
        them.
        """
        rows, replaced = [], []
        for each in merged:
            layers = [layer._replace(revision=revision) for layer in each.new_layers.values()]
            stored = [remembered(each.key, layer, as_entered=each.sole_candidate is not None) for layer in layers]
            rows += stored
            replaced += [row for row, layer in zip(stored, layers, strict=True) if layer.key in each.replaced_layers]
        remember(self._connection, rows, replaced)

    def _store_withdrawals(self, batch: Batch, deletions: Iterable[Key], revision: int) -> None:
        rows: list[Row] = []
        for key in deletions:
            rows += [remembered(key, _emptied(layer, revision), as_entered=True) for layer in batch.layers(key)]
        remember(self._connection, rows, rows)

    def _retry_deferred(self) -> None:
        """Applies the deferred partial updates whose records have come in the meantime."""
        for some in batches(self._deferred):
            batch = self._batch(dict(enumerate(some)))
            outcome = batch.resolve()
            if outcome.merged:
                self._write(batch, outcome)

    def _batch(self, units: dict[int, SourceItem]) -> Batch:
        """Prepares a batch. Only formats that repeat records share what was seen in earlier batches."""
        seen = self._seen if self._request.format in REPEATING else {}
        request, revision = self._request, self._revising.summary.revision
        return Batch(self._connection, units, request.format, revision, seen, allow_older=request.allow_older)

    def end(self) -> Report:
        """Closes the revision, records it as a release and returns the report; raises `Stopped` after a rejection that
        stops.
        """
        report = self._report
        if not self._is_stopped:
            self._retry_deferred()
            if self._relinks:
                self._relinker.link_waiting()
        if self._is_stopped:
            report.stopped = True
            raise Stopped(report)
        summary = self._revising.close()
        report.revision, report.counts = summary.revision, counts_of(summary)
        report.conflicts_opened, report.conflicts_total = count_conflicts(self._connection, summary.revision)
        if summary.revision is not None:
            request = self._request
            record_release(self._connection, request.name, summary, request.who, "import", request.reason)
        return report


def _emptied(layer: Contribution, revision: int) -> Contribution:
    """A contribution that its source has taken back in a revision: an empty digest marks it as withdrawn."""
    return layer._replace(digest="", values={}, curator_fields=frozenset(), revision=revision)


def _record_name(unit: SourceItem) -> str:
    """The record that a unit is mainly about, as `type/id`: its first candidate that is not a source."""
    candidates = [candidate for candidate in unit.candidates if candidate.type != "sources"] or list(unit.candidates)
    data = candidates[0].data if candidates else None
    return f"{candidates[0].type}/{data.get('id')}" if isinstance(data, dict) else ""
