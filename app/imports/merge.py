"""The merge of a batch: linked candidates become new records, or contributions to existing ones."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.common.problems import Fault
from app.imports.candidates import Json
from app.imports.linkage.assignment import LinkedCandidate
from app.imports.linkage.prefetch import Prefetched
from app.imports.provisional import FORMAT, go_apart
from app.records.base_schemas import as_entered
from app.store.reconciliation.contributions import Contribution, added_up, bare
from app.store.reconciliation.history import NEVER, ContributionHistory
from app.store.reconciliation.precedence import REPEATING
from app.store.reconciliation.survivorship import CurrentRecord
from app.store.submission import Submission
from app.store.validation import Validation
from app.store.versions import Key

PENDING = NEVER
"""Stands for the revision of this run's contributions until that revision is open."""


SeenCandidates = dict[tuple[Key, str, str], tuple[str, str]]
"""The candidates of a run by record, source and part: the digest of each, and the place where it was read first."""


class Rejected(Exception):
    """A candidate cannot be imported, and so neither can its unit."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("refused")
        self.faults = list(faults)


@dataclass(slots=True)
class MergedRecord:
    """A record of the batch with the candidates that were applied to it.

    A new record has only its `sole_candidate` until a second candidate is applied to it; only then is it parsed and
    merged. An existing record has a `standing` and, in `before`, its fields before the batch.
    """

    key: Key
    standing: CurrentRecord | None = None
    sole_candidate: LinkedCandidate | None = None
    new_layers: dict[tuple[str, str], Contribution] = field(default_factory=dict)
    """The contributions that this batch stores, by source and part."""
    replaced_layers: set[tuple[str, str]] = field(default_factory=set)
    """Those of them that replace a row of this same revision."""
    units: list[int] = field(default_factory=list)
    """The units that changed the record, in order."""
    before: Json | None = None

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def data(self) -> Json:
        """The record's data as it would be entered."""
        if self.sole_candidate is not None:
            return self.sole_candidate.full_data
        assert self.standing is not None
        return {"id": self.key[1], **self.standing.record}

    def draft(self, number: int) -> Submission:
        """The record as a draft for validation, under its number in the batch."""
        made = self.sole_candidate.prebuilt if self.sole_candidate else None
        if made and made.record:
            return Submission(number, self.key[0], None, ready=made.record)
        return Submission(number, self.key[0], self.data, made.entered if made else None)

    @property
    def is_changed(self) -> bool:
        return self.standing is None or self.before != self.standing.record


def _validated(key: Key, data: Json) -> Json:
    """The fields of a record as it would be entered, without absent ones; raises `Rejected` if it is not valid."""
    checking = Validation()
    reads = list(checking.read([Submission(0, key[0], data)]))
    if checking.faults:
        raise Rejected(checking.faults)
    return bare(key[0], orjson.loads(as_entered(reads[0].record)))


class Merge:
    """Applies linked candidates to the records of a batch.

    `standing` holds the existing records that may change. `places` gives the name of each unit in the report. `frozen`
    gives the fields of a record that must not change, or `None` for the whole record. `superseding` are the units that
    replace an older edition which this same run has imported.
    """

    def __init__(
        self,
        prefetched: Prefetched,
        standing: Mapping[Key, CurrentRecord],
        format: str,
        revision: int | None,
        places: Mapping[int, str],
        frozen: Mapping[Key, frozenset[str] | None],
        seen: SeenCandidates,
        superseding: Container[int] = frozenset(),
    ) -> None:
        self._prefetched, self._standing, self._format, self._revision = prefetched, standing, format, revision
        self._places, self._frozen, self._superseding = places, frozen, superseding
        self.records: dict[Key, MergedRecord] = {}
        self.seen = dict(seen)
        self.duplicates: list[tuple[int, str]] = []
        """Units that repeat a record, each with the text of its warning."""

    def apply(self, candidate: LinkedCandidate) -> bool:
        """Applies a candidate; returns whether that changes anything. Raises `Rejected` if it cannot be imported."""
        if self._is_repeated(candidate) or is_already_applied(self._prefetched, candidate, self.records):
            return False
        if self._frozen.get(candidate.key, frozenset()) is None:
            return False
        merged = self.records.get(candidate.key)
        if merged is None and self._is_new(candidate.key):
            return self._create(candidate)
        merged = merged or self._open_existing(candidate.key)
        return (not candidate.is_whole or self._may_state(merged)) and self._merge(merged, candidate)

    def _may_state(self, merged: MergedRecord) -> bool:
        """Whether the format may state a record. What registry records contributed to it is taken back for others."""
        standing = merged.standing
        if standing is None or not go_apart(standing, self._format, is_new=merged.is_new):
            return True
        if self._format != FORMAT:
            merged.new_layers |= {layer.key: layer._replace(digest="", values={}) for layer in standing.layers}
            merged.standing = CurrentRecord(merged.key[0], {}, ())
        return self._format != FORMAT

    def _is_new(self, key: Key) -> bool:
        return key not in self._prefetched.existing

    def _is_repeated(self, candidate: LinkedCandidate) -> bool:
        """Whether the same source has stated the same part of the record before in this run."""
        name, own = (candidate.key, candidate.source, candidate.part), (candidate.digest, self._places[candidate.unit])
        if candidate.unit in self._superseding:
            self.seen[name] = own
            return False
        first = self.seen.setdefault(name, own) if candidate.is_whole else own
        if first != own:
            return self._handle_duplicate(candidate, first[0], f"at {first[1]}")
        for layer in self._known(candidate.key).layers:
            if (
                candidate.is_whole
                and layer.key == (candidate.source, candidate.part)
                and layer.revision == self._revision
            ):
                return self._handle_duplicate(candidate, layer.digest, "before")
        return False

    def _handle_duplicate(self, candidate: LinkedCandidate, digest: str, where: str) -> bool:
        """Ignores a repeated candidate, and returns `True`.

        Raises `Rejected` if the content differs and the files of the format should not repeat records. In a format that
        repeats them, the first candidate stands and a warning is added, but not for sources.
        """
        twice = f"{candidate.key[0]}/{candidate.key[1]} stands here twice (first {where})"
        if digest != candidate.digest and self._format not in REPEATING:
            raise Rejected([Fault(twice, "/id")])
        if candidate.key[0] != "sources" and self._format in REPEATING:
            self.duplicates.append((candidate.unit, twice))
        return True

    def _known(self, key: Key) -> ContributionHistory:
        return self._prefetched.layers.get(key, ContributionHistory())

    def _create(self, candidate: LinkedCandidate) -> bool:
        """Creates a record from a whole candidate; a partial update creates nothing."""
        if not candidate.is_whole:
            return False
        layer = Contribution(
            candidate.source, self._format, {}, frozenset(), candidate.part, candidate.digest, PENDING, PENDING
        )
        merged = MergedRecord(
            candidate.key, sole_candidate=candidate, new_layers={layer.key: layer}, units=[candidate.unit]
        )
        self.records[candidate.key] = merged
        return True

    def _open_existing(self, key: Key) -> MergedRecord:
        standing = self._standing[key]
        merged = MergedRecord(key, standing, before=dict(standing.record))
        self.records[key] = merged
        return merged

    def _merge(self, merged: MergedRecord, candidate: LinkedCandidate) -> bool:
        """Lays the candidate's contribution over the record; returns whether anything changes."""
        if merged.sole_candidate is not None:
            self._make_mergeable(merged)
        assert merged.standing is not None
        layer = self._contribution(merged.standing, candidate)
        if layer is None:
            return False
        after = self._with_frozen_fields(merged, merged.standing.with_contribution(layer))
        if _is_unchanged(merged.standing, after, layer):
            return False
        merged.standing = after
        now = next(each for each in after.layers if each.key == layer.key)
        merged.new_layers[now.key] = now._replace(revision=PENDING)
        self._keep_other_layers(merged)
        merged.units.append(candidate.unit)
        return True

    def _keep_other_layers(self, merged: MergedRecord) -> None:
        """Stores this revision's earlier contributions anew.

        Their rows may have no content of their own but point to the entered document of this revision, which is about
        to be replaced.
        """
        assert merged.standing is not None
        existing = {each.key for each in self._known(merged.key).layers if each.revision == self._revision}
        for layer in merged.standing.layers:
            if layer.key in existing:
                merged.replaced_layers.add(layer.key)
                merged.new_layers.setdefault(layer.key, layer._replace(revision=PENDING))

    def _make_mergeable(self, merged: MergedRecord) -> None:
        """Parses a new record to which a second candidate is applied."""
        record = _validated(merged.key, merged.data)
        merged.new_layers = {key: layer._replace(values=record) for key, layer in merged.new_layers.items()}
        merged.standing, merged.sole_candidate = (
            CurrentRecord(merged.key[0], record, tuple(merged.new_layers.values())),
            None,
        )

    def _contribution(self, standing: CurrentRecord, candidate: LinkedCandidate) -> Contribution | None:
        """The contribution of a candidate, or `None` if nothing of it has to be stored."""
        before = next((each for each in standing.layers if each.key == (candidate.source, candidate.part)), None)
        if candidate.part.startswith("publications/") and not before and self._has_or_had_link(standing, candidate):
            return None
        values = self._contributed_fields(standing, candidate)
        if not candidate.is_whole and before and before.revision in (self._revision, PENDING):
            values = _combined(before.values, values)
        return Contribution(
            candidate.source, self._format, values, frozenset(), candidate.part, candidate.digest, PENDING, PENDING
        )

    def _has_or_had_link(self, standing: CurrentRecord, candidate: LinkedCandidate) -> bool:
        """Whether the study has the link, or another source contributed it, so that a person must have removed it."""
        publication = candidate.part.rpartition("/")[2]
        links = (link["publication"] for link in standing.record.get("publications", ()))
        return publication in links or any(layer.part == candidate.part for layer in standing.layers)

    def _contributed_fields(self, standing: CurrentRecord, candidate: LinkedCandidate) -> Json:
        if not candidate.is_whole:
            return bare(candidate.key[0], candidate.data)
        values = _validated(candidate.key, candidate.full_data)
        return _with_first_retrieval(standing.record, values) if candidate.key[0] == "sources" else values

    def _with_frozen_fields(self, merged: MergedRecord, after: CurrentRecord) -> CurrentRecord:
        frozen = self._frozen.get(merged.key) or frozenset()
        if not frozen or merged.before is None:
            return after
        kept = {name: value for name, value in merged.before.items() if name in frozen}
        record = {name: value for name, value in after.record.items() if name not in frozen} | kept
        return CurrentRecord(after.type, record, after.layers)


def _is_unchanged(before: CurrentRecord, after: CurrentRecord, layer: Contribution) -> bool:
    """Whether a contribution says what its source said before, and leaves the record as it was."""
    previous = next((each for each in before.layers if each.key == layer.key), None)
    same = previous is not None and (previous.digest, previous.values) == (layer.digest, layer.values)
    return same and before.record == after.record


def is_already_applied(prefetched: Prefetched, candidate: LinkedCandidate, merged: Mapping[Key, MergedRecord]) -> bool:
    """Whether the candidate is known to change nothing, even before the record is loaded.

    This is so if its source contributed the same digest before, and the record was last entered no later than the
    newest contribution to it, so that no person has changed it since.
    """
    if candidate.key in merged or candidate.key not in prefetched.existing:
        return False
    layers = prefetched.layers.get(candidate.key, ContributionHistory()).layers
    repeated = any(
        layer.key == (candidate.source, candidate.part) and layer.digest == candidate.digest for layer in layers
    )
    return repeated and max(layer.revision for layer in layers) >= prefetched.entered_revisions.get(candidate.key, 0)


def _with_first_retrieval(record: Mapping[str, Any], values: Json) -> Json:
    """A source whose content has not changed keeps the day on which it was first retrieved."""
    if "retrieved_on" in record and record.get("sha256") == values.get("sha256"):
        return values | {"retrieved_on": record["retrieved_on"]}
    return values


def _combined(one: Json, other: Json) -> Json:
    """What a source states about a record in several places of one run: lists are joined, other fields are replaced."""
    lists = {name: [*one.get(name, ()), *other.get(name, ())] for name in added_up(one, other)}
    return one | other | lists
