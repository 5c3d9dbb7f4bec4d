"""One batch of source items, from record linkage to entries that can be written.

    prefetch    everything that the batch can refer to, in a fixed number of statements
    assign      items -> linked candidates, each with the record that it belongs to
    merge       linked candidates -> merged records
    validate    merged records -> entries, or faults

A fault rejects the item of a new record, and freezes fields of an existing one. All steps after the prefetch are then
repeated, until no fault is left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection

from app.common.problems import Fault
from app.imports.candidates import ImportWarning, PartialUpdate, SourceItem
from app.imports.editions import StoredEditions, older_in_batch
from app.imports.linkage.assignment import Assigner, Assignments, LinkedCandidate
from app.imports.linkage.prefetch import Prefetched, prefetch
from app.imports.merge import Merge, MergedRecord, Rejected, SeenCandidates, is_already_applied
from app.store.entry import Entry
from app.store.reconciliation.contributions import Contribution, agree, bare, fields_grouped_with
from app.store.reconciliation.history import ContributionHistory, contributions_to, last_entered
from app.store.reconciliation.precedence import WITHDRAWING
from app.store.reconciliation.survivorship import CurrentRecord
from app.store.validation import TYPE_ORDER, Validation, still_referred
from app.store.versions import Key


@dataclass(slots=True)
class BatchOutcome:
    """What has to be written for a batch, and what has to be reported about it. Units are given by their numbers."""

    entries: list[Entry] = field(default_factory=list)
    merged: list[MergedRecord] = field(default_factory=list)
    withdrawn: dict[Key, int] = field(default_factory=dict)
    """The records that their publishers have withdrawn, each with the unit that states it."""
    deletions: list[Key] = field(default_factory=list)
    """The withdrawn records that may be deleted: only imports contributed to them, and nothing refers to them."""
    rejected: dict[int, list[Fault]] = field(default_factory=dict)
    applied: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    superseding: set[int] = field(default_factory=set)
    """The units that replace an older edition which this run has imported in an earlier batch."""
    warnings: list[tuple[int, ImportWarning]] = field(default_factory=list)
    dropped_links: int = 0
    unassigned: list[tuple[int, PartialUpdate]] = field(default_factory=list)


class Batch:
    """Resolves one batch. `seen` holds the digests of earlier batches, for formats whose files repeat records.

    With `again`, units replace what this same run has written of them.
    """

    def __init__(
        self,
        connection: Connection,
        units: Mapping[int, SourceItem],
        format: str,
        revision: int | None,
        seen: SeenCandidates,
        *,
        allow_older: bool = False,
        again: bool = False,
    ) -> None:
        self._connection, self._units, self._format, self._revision = connection, units, format, revision
        self._seen, self._older, self._again = seen, older_in_batch(units), again
        self._prefetched: Prefetched = prefetch(connection, units.values(), WITHDRAWING.get(format, ()))
        stored = self._prefetched.editions
        written = frozenset(id for id in stored if self._is_written(id))
        self._editions = StoredEditions(stored, written, allow_older)
        self._standing: dict[Key, CurrentRecord] = {}
        self._rejected: dict[int, list[Fault]] = {}
        self._frozen: dict[Key, frozenset[str] | None] = {}
        self._freeze_reasons: dict[Key, tuple[int, str]] = {}

    def resolve(self) -> BatchOutcome:
        """Returns what has to be written and reported.

        It repeats assignment, merge and validation without the units that were rejected, and without the fields that
        must not be changed, until nothing is wrong.
        """
        while True:
            outcome, linked = self._assign()
            self._load_standing(
                {
                    candidate.key: candidate.unit
                    for candidate in linked
                    if not is_already_applied(self._prefetched, candidate, {})
                }
            )
            merge, rejected = self._merge(self._without_exported(linked), outcome)
            faults = self._validate(merge, outcome)
            if faults:
                self._handle_faults(faults, merge)
            elif rejected:
                self._rejected |= rejected
            else:
                self._seen.update(merge.seen)
                outcome.warnings += [(number, ImportWarning("duplicate", what)) for number, what in merge.duplicates]
                return self._finish(outcome)

    def _assign(self) -> tuple[BatchOutcome, list[LinkedCandidate]]:
        outcome, linked = BatchOutcome(), []
        outcome.skipped, outcome.warnings = set(self._older), [*self._older.items()]
        assigner = Assigner(self._prefetched, self._format, self._editions)
        left_out = self._rejected.keys() | self._older.keys()
        units = {number: unit for number, unit in self._units.items() if number not in left_out}
        assigned, faults = assigner.assign(units)
        self._rejected |= {number: [fault] for number, fault in faults.items()}
        for number, found in assigned.items():
            for each in found:
                linked.extend(each.linked)
                _collect(outcome, number, each)
        outcome.withdrawn |= self._no_longer_stated(linked)
        self._apply_withdrawals(outcome)
        return outcome, [*_candidates_first(linked)]

    def _no_longer_stated(self, linked: Iterable[LinkedCandidate]) -> dict[Key, int]:
        """The records that only a source of the batch states and that its item no longer holds, each with the unit."""
        stated = {candidate.key: candidate.unit for candidate in linked if candidate.is_whole}
        return {
            key: unit
            for (_, source), unit in stated.items()
            for key in sorted(self._prefetched.citing.get(source, ()))
            if key not in stated and {layer.source for layer in self.layers(key)} == {source}
        }

    def _load_standing(self, keys: Mapping[Key, int]) -> None:
        """Loads existing records together with all contributions to them.

        `keys` gives, for each record, the unit that wants it. A record without an entered document is frozen.
        """
        wanted = sorted(key for key in keys if key in self._prefetched.existing and key not in self._standing)
        layers = contributions_to(self._connection, wanted)
        for key, entered in last_entered(self._connection, wanted).items():
            record = bare(key[0], orjson.loads(entered))
            self._standing[key] = CurrentRecord(key[0], record, layers.get(key, ContributionHistory()).layers)
        for key in wanted:
            if key not in self._standing:
                self._freeze(key, keys[key], "it is not kept as it was entered")

    def _without_exported(self, linked: Sequence[LinkedCandidate]) -> list[LinkedCandidate]:
        """Leaves out the items that were exported from a stored publication and say nothing that it does not say."""
        repeated = {
            candidate.unit
            for candidate in linked
            if candidate.key == ("publications", self._units[candidate.unit].exported) and self._says(candidate)
        }
        return [candidate for candidate in linked if candidate.unit not in repeated]

    def _says(self, candidate: LinkedCandidate) -> bool:
        """Whether the stored record has all values of a candidate, or the same ones in another spelling."""
        standing = self._standing.get(candidate.key)
        if standing is None:
            return False
        values = bare(candidate.key[0], candidate.full_data)
        if values.get("date") == str(standing.record.get("year")):
            del values["date"]  # a date that is a year alone says nothing more
        return all(agree(name, values[name], standing.record.get(name)) for name in values if name != "provenance")

    def _freeze(self, key: Key, unit: int, why: str) -> None:
        """Leaves a record as it is in this batch, and keeps the reason for the report."""
        self._frozen[key], self._freeze_reasons[key] = None, (unit, why)

    def _merge(self, linked: Iterable[LinkedCandidate], outcome: BatchOutcome) -> tuple[Merge, dict[int, list[Fault]]]:
        """Applies all linked candidates; returns the merge and the faults of the units that it rejects."""
        places = {number: unit.place for number, unit in self._units.items()}
        run = (self._standing, self._format, self._revision, places, self._frozen, self._seen)
        merge = Merge(self._prefetched, *run, self._units.keys() if self._again else outcome.superseding)
        rejected: dict[int, list[Fault]] = {}
        for candidate in linked:
            try:
                if candidate.key not in outcome.deletions and merge.apply(candidate):
                    outcome.applied.add(candidate.unit)
            except Rejected as error:
                rejected.setdefault(candidate.unit, []).extend(error.faults)
        return merge, rejected

    def _validate(self, merge: Merge, outcome: BatchOutcome) -> list[tuple[MergedRecord, Fault]]:
        """Validates the changed records; returns each fault with the record that it belongs to."""
        outcome.merged = [merged for merged in merge.records.values() if merged.new_layers]
        changed = sorted(
            (merged for merged in outcome.merged if merged.is_changed), key=lambda merged: TYPE_ORDER[merged.key[0]]
        )
        checking = Validation(outcome.deletions)
        drafts = [merged.draft(number) for number, merged in enumerate(changed)]
        outcome.entries = checking.settle(self._connection, list(checking.read(drafts)))
        return [(changed[fault.number], fault) for fault in checking.faults]

    def _handle_faults(self, faults: list[tuple[MergedRecord, Fault]], merge: Merge) -> None:
        """Decides what a fault means for the next attempt.

        If the record is new, the last unit that changed it is rejected. If it exists, the fields at fault stay as they
        are, with all fields that are merged together with them; if that does not help, the whole record stays as it is.
        """
        for merged in {merged.key: merged for merged, _ in faults}.values():
            own = [fault for other, fault in faults if other is merged]
            if merged.is_new:
                self._rejected.setdefault(merged.units[-1], []).extend(own)
            elif merged.key in self._frozen or merged.before is None:
                self._freeze(merged.key, merged.units[0], own[0].detail)
            else:
                self._frozen[merged.key] = fields_grouped_with(
                    merged.key[0], [fault.pointer for fault in own], merged.before
                )

    def _finish(self, outcome: BatchOutcome) -> BatchOutcome:
        """Adds the rejections and a warning for each record that was left as it is."""
        outcome.rejected = self._rejected
        for key, (number, why) in self._freeze_reasons.items():
            outcome.warnings.append((number, ImportWarning("left-as-it-is", f"{key[0]}/{key[1]}: {why}")))
        return outcome

    def _apply_withdrawals(self, outcome: BatchOutcome) -> None:
        """Marks withdrawn records for deletion where that is allowed, and warns about each record that stays."""
        keys = outcome.withdrawn
        self._load_standing(keys)
        outcome.deletions = self._deletable(keys)
        outcome.applied |= {keys[key] for key in outcome.deletions}
        named = [(keys[key], f"{key[0]}/{key[1]}") for key in outcome.deletions if self._is_of_source(key)]
        outcome.warnings += [(number, ImportWarning("withdrawn-by-source", name)) for number, name in named]
        for key in sorted(keys.keys() - set(outcome.deletions)):
            kind = "withdrawn-in-the-same-run" if self._entered_in_this_run(key) else "withdrawn-but-in-use"
            outcome.warnings.append((keys[key], ImportWarning(kind, f"{key[0]}/{key[1]}")))

    def _is_of_source(self, key: Key) -> bool:
        """Whether the record is withdrawn because an item no longer holds it, and not by an item about the record."""
        return key[0] in WITHDRAWING.get(self._format, ())

    def _deletable(self, keys: Iterable[Key]) -> list[Key]:
        """The withdrawn records that may be deleted.

        A record stays if a person contributed to it, if a record refers to it, or if this very run has entered it.
        """
        earlier = [key for key in keys if key in self._standing and not self._entered_in_this_run(key)]
        untouched = [key for key in earlier if not self._standing[key].is_touched()]
        needed = still_referred(self._connection, untouched)
        return [key for key in untouched if key not in needed]

    def _entered_in_this_run(self, key: Key) -> bool:
        """Whether this run has entered the record, or is about to enter it as new."""
        return key not in self._prefetched.existing or self._prefetched.entered_revisions.get(key, 0) == self._revision

    def _is_written(self, source: str) -> bool:
        """Whether this run has stored what the source states of itself."""
        mine = (layer for layer in self.layers(("sources", source)) if layer.key == (source, ""))
        return any(layer.revision == self._revision for layer in mine)

    def layers(self, key: Key) -> tuple[Contribution, ...]:
        """The contributions to a record, without their content."""
        return self._prefetched.layers.get(key, ContributionHistory()).layers


def _candidates_first(linked: Sequence[LinkedCandidate]) -> Iterator[LinkedCandidate]:
    """Puts partial updates after all candidates."""
    yield from (candidate for candidate in linked if candidate.is_whole)
    yield from (candidate for candidate in linked if not candidate.is_whole)


def _collect(outcome: BatchOutcome, number: int, assigned: Assignments) -> None:
    """Adds the assignments of one unit to the outcome of the batch."""
    outcome.withdrawn |= dict.fromkeys(assigned.withdrawn, number)
    outcome.dropped_links += assigned.dropped_links
    outcome.unassigned += [(number, update) for update in assigned.unassigned]
    outcome.warnings += [(number, warning) for warning in assigned.warnings]
    if assigned.supersedes:
        outcome.superseding.add(number)
    if assigned.is_skipped:
        outcome.skipped.add(number)
