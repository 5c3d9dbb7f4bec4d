"""One batch of units: looked up, placed, merged and checked, until all that is left of it can be written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection

from app.imports.candidates import Mention, Remark, Unit
from app.imports.linkage.assignment import Assigner, Assignments, LinkedCandidate
from app.imports.linkage.prefetch import Prefetched, prefetch
from app.imports.merge import Merge, MergedRecord, Rejected, SeenCandidates, fields_grouped_with, is_already_applied
from app.store.entry import Entry
from app.store.reconciliation.contributions import Layer, bare
from app.store.reconciliation.history import Known, known_layers, last_entered
from app.store.reconciliation.survivorship import Standing
from app.store.submission import Fault
from app.store.validation import TYPE_ORDER, Checking, still_referred
from app.store.versions import Key


@dataclass(slots=True)
class BatchOutcome:
    """What is to be written of a batch, and what is to be told of it."""

    entries: list[Entry] = field(default_factory=list)
    merged: list[MergedRecord] = field(default_factory=list)
    withdrawn: dict[Key, int] = field(default_factory=dict)
    """Records that their publisher has taken back, by the unit that says so."""
    deletions: list[Key] = field(default_factory=list)
    """Those of them that nobody else has a hand in or refers to."""
    rejected: dict[int, list[Fault]] = field(default_factory=dict)
    applied: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    warnings: list[tuple[int, Remark]] = field(default_factory=list)
    dropped_links: int = 0
    unassigned: list[tuple[int, Mention]] = field(default_factory=list)


class Batch:
    """`said`: by the batches before, where a format's files repeat themselves."""

    def __init__(
        self, connection: Connection, units: Mapping[int, Unit], format: str, revision: int | None, seen: SeenCandidates
    ) -> None:
        self._connection, self._units, self._format, self._revision = connection, units, format, revision
        self._seen = seen
        self._prefetched: Prefetched = prefetch(connection, units.values())
        self._standing: dict[Key, Standing] = {}
        self._rejected: dict[int, list[Fault]] = {}
        self._frozen: dict[Key, frozenset[str] | None] = {}
        self._freeze_reasons: dict[Key, tuple[int, str]] = {}

    def resolve(self) -> BatchOutcome:
        """Tries anew without what is refused, and without touching what cannot be changed, until nothing is wrong."""
        while True:
            outcome, linked = self._assign()
            self._load_standing(
                {
                    candidate.key: candidate.unit
                    for candidate in linked
                    if not is_already_applied(self._prefetched, candidate, {})
                }
            )
            merge, rejected = self._merge(linked, outcome)
            faults = self._validate(merge, outcome)
            if faults:
                self._handle_faults(faults, merge)
            elif rejected:
                self._rejected |= rejected
            else:
                self._seen.update(merge.seen)
                outcome.warnings += [(number, Remark("duplicate", what)) for number, what in merge.duplicates]
                return self._finish(outcome)

    def _assign(self) -> tuple[BatchOutcome, list[LinkedCandidate]]:
        outcome, linked = BatchOutcome(), []
        assigner = Assigner(self._prefetched, self._format)
        units = {number: unit for number, unit in self._units.items() if number not in self._rejected}
        assigned, faults = assigner.assign(units)
        self._rejected |= {number: [fault] for number, fault in faults.items()}
        for number, found in assigned.items():
            for each in found:
                linked.extend(each.linked)
                _collect(outcome, number, each)
        self._apply_withdrawals(outcome)
        return outcome, [*_candidates_first(linked)]

    def _load_standing(self, keys: Mapping[Key, int]) -> None:
        wanted = sorted(key for key in keys if key in self._prefetched.existing and key not in self._standing)
        layers = known_layers(self._connection, wanted)
        for key, entered in last_entered(self._connection, wanted).items():
            record = bare(key[0], orjson.loads(entered))
            self._standing[key] = Standing(key[0], record, layers.get(key, Known()).layers)
        for key in wanted:
            if key not in self._standing:
                self._freeze(key, keys[key], "it is not kept as it was entered")

    def _freeze(self, key: Key, unit: int, why: str) -> None:
        self._frozen[key], self._freeze_reasons[key] = None, (unit, why)

    def _merge(self, linked: Iterable[LinkedCandidate], outcome: BatchOutcome) -> tuple[Merge, dict[int, list[Fault]]]:
        places = {number: unit.place for number, unit in self._units.items()}
        merge = Merge(self._prefetched, self._standing, self._format, self._revision, places, self._frozen, self._seen)
        rejected: dict[int, list[Fault]] = {}
        for candidate in linked:
            try:
                if candidate.key not in outcome.deletions and merge.apply(candidate):
                    outcome.applied.add(candidate.unit)
            except Rejected as error:
                rejected.setdefault(candidate.unit, []).extend(error.faults)
        return merge, rejected

    def _validate(self, merge: Merge, outcome: BatchOutcome) -> list[tuple[MergedRecord, Fault]]:
        outcome.merged = [merged for merged in merge.records.values() if merged.new_layers]
        changed = sorted(
            (merged for merged in outcome.merged if merged.is_changed), key=lambda merged: TYPE_ORDER[merged.key[0]]
        )
        checking = Checking(outcome.deletions)
        drafts = [merged.draft(number) for number, merged in enumerate(changed)]
        outcome.entries = checking.settle(self._connection, list(checking.read(drafts)))
        return [(changed[fault.number], fault) for fault in checking.faults]

    def _handle_faults(self, faults: list[tuple[MergedRecord, Fault]], merge: Merge) -> None:
        """A new record's fault is its unit's; one that was there stays as it is where an offer would break it."""
        for merged in {merged.key: merged for merged, _ in faults}.values():
            own = [fault for other, fault in faults if other is merged]
            if merged.is_new:
                self._rejected.setdefault(merged.units[-1], []).extend(own)
            elif merged.key in self._frozen or merged.before is None:
                self._freeze(merged.key, merged.units[0], own[0].detail)
            else:
                self._frozen[merged.key] = fields_grouped_with(
                    merged.key, [fault.pointer for fault in own], merged.before
                )

    def _finish(self, outcome: BatchOutcome) -> BatchOutcome:
        outcome.rejected = self._rejected
        for key, (number, why) in self._freeze_reasons.items():
            outcome.warnings.append((number, Remark("left-as-it-is", f"{key[0]}/{key[1]}: {why}")))
        return outcome

    def _apply_withdrawals(self, outcome: BatchOutcome) -> None:
        """What only imports have made and nobody refers to goes; all else stays, and what came in this very run stays
        until the next one."""
        keys = outcome.withdrawn
        self._load_standing(keys)
        lasting = [key for key in keys if key in self._standing and not self._entered_in_this_run(key)]
        own = [key for key in lasting if not self._standing[key].is_touched()]
        needed = still_referred(self._connection, own)
        outcome.deletions = [key for key in own if key not in needed]
        outcome.applied |= {keys[key] for key in outcome.deletions}
        for key in keys.keys() - set(outcome.deletions):
            kind = "withdrawn-in-the-same-run" if self._entered_in_this_run(key) else "withdrawn-but-in-use"
            outcome.warnings.append((keys[key], Remark(kind, f"{key[0]}/{key[1]}")))

    def _entered_in_this_run(self, key: Key) -> bool:
        """Whether this run has entered it before, or is about to."""
        return key not in self._prefetched.existing or self._prefetched.entered_revisions.get(key, 0) == self._revision

    def layers(self, key: Key) -> tuple[Layer, ...]:
        """Who offered something of a record, without what."""
        return self._prefetched.layers.get(key, Known()).layers


def _candidates_first(linked: Sequence[LinkedCandidate]) -> Iterator[LinkedCandidate]:
    """What is said in passing comes after all that is offered."""
    yield from (candidate for candidate in linked if candidate.is_whole)
    yield from (candidate for candidate in linked if not candidate.is_whole)


def _collect(outcome: BatchOutcome, number: int, assigned: Assignments) -> None:
    outcome.withdrawn |= dict.fromkeys(assigned.withdrawn, number)
    outcome.dropped_links += assigned.dropped_links
    outcome.unassigned += [(number, mention) for mention in assigned.unassigned]
    outcome.warnings += [(number, remark) for remark in assigned.warnings]
    if assigned.is_skipped:
        outcome.skipped.add(number)
