"""What becomes of the records that a batch's steps go to: those that are new, and those that are merged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.imports.candidates import Json
from app.imports.linkage.assignment import LinkedCandidate
from app.imports.linkage.prefetch import Prefetched
from app.records.base_schemas import as_entered
from app.store.reconciliation.contributions import Layer, added_up, bare, groups
from app.store.reconciliation.history import NEVER, Known
from app.store.reconciliation.precedence import REPEATING
from app.store.reconciliation.survivorship import Standing
from app.store.submission import Draft, Fault
from app.store.validation import Checking
from app.store.versions import Key

PENDING = NEVER
"""The revision of what is offered now, until there is one."""


SeenCandidates = dict[tuple[Key, str, str], tuple[str, str]]
"""What each source has said in a run, by record, source and part: its digest, and where it stood first."""


class Rejected(Exception):
    """What a step offers cannot be taken, so neither can its unit."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("refused")
        self.faults = list(faults)


@dataclass(slots=True)
class MergedRecord:
    """A record that steps go to. `only`: it is new, and this is all that was said of it."""

    key: Key
    standing: Standing | None = None
    sole_candidate: LinkedCandidate | None = None
    new_layers: dict[tuple[str, str], Layer] = field(default_factory=dict)
    replaced_layers: set[tuple[str, str]] = field(default_factory=set)
    """Layers that stand in this revision already."""
    units: list[int] = field(default_factory=list)
    before: Json | None = None

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def data(self) -> Json:
        if self.sole_candidate is not None:
            return self.sole_candidate.full_data
        assert self.standing is not None
        return {"id": self.key[1], **self.standing.record}

    def draft(self, number: int) -> Draft:
        if self.sole_candidate and self.sole_candidate.prebuilt:
            return Draft(number, self.key[0], self.sole_candidate.data, ready=self.sole_candidate.prebuilt.ready)
        return Draft(number, self.key[0], self.data, self.sole_candidate.entered if self.sole_candidate else None)

    @property
    def is_changed(self) -> bool:
        return self.standing is None or self.before != self.standing.record


def _validated(key: Key, data: Json) -> Json:
    """A record as it would be entered, without what is absent from it; raises `Refused`."""
    checking = Checking()
    reads = list(checking.read([Draft(0, key[0], data)]))
    if checking.faults:
        raise Rejected(checking.faults)
    return bare(key[0], orjson.loads(as_entered(reads[0].record)))


class Merge:
    """`standing`: the records that steps may change, as they are. `frozen`: fields that the batch must leave alone."""

    def __init__(
        self,
        prefetched: Prefetched,
        standing: Mapping[Key, Standing],
        format: str,
        revision: int | None,
        places: Mapping[int, str],
        frozen: Mapping[Key, frozenset[str] | None],
        seen: SeenCandidates,
    ) -> None:
        self._prefetched, self._standing, self._format, self._revision = prefetched, standing, format, revision
        self._places, self._frozen = places, frozen
        self.records: dict[Key, MergedRecord] = {}
        self.seen = dict(seen)
        self.duplicates: list[tuple[int, str]] = []
        """Units that say otherwise what was said before, and what of."""

    def apply(self, candidate: LinkedCandidate) -> bool:
        """Whether the step changes what is known; raises `Refused`."""
        if self._is_repeated(candidate) or is_already_applied(self._prefetched, candidate, self.records):
            return False
        if self._frozen.get(candidate.key, frozenset()) is None:
            return False
        merged = self.records.get(candidate.key)
        if merged is None and self._is_new(candidate.key):
            return self._create(candidate)
        return self._merge(merged or self._open_existing(candidate.key), candidate)

    def _is_new(self, key: Key) -> bool:
        return key not in self._prefetched.existing

    def _is_repeated(self, candidate: LinkedCandidate) -> bool:
        """Whether the same was said before in this run; something else is refused."""
        name, own = (candidate.key, candidate.source, candidate.part), (candidate.digest, self._places[candidate.unit])
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
        twice = f"{candidate.key[0]}/{candidate.key[1]} stands here twice (first {where})"
        if digest != candidate.digest and self._format not in REPEATING:
            raise Rejected([Fault(0, "/id", twice)])
        if candidate.key[0] != "sources" and self._format in REPEATING:
            self.duplicates.append((candidate.unit, twice))
        return True

    def _known(self, key: Key) -> Known:
        return self._prefetched.layers.get(key, Known())

    def _create(self, candidate: LinkedCandidate) -> bool:
        if not candidate.is_whole:
            return False
        layer = Layer(
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
        if merged.sole_candidate is not None:
            self._make_mergeable(merged)
        assert merged.standing is not None
        layer = self._contribution(merged.standing, candidate)
        if layer is None:
            return False
        after = self._with_frozen_fields(merged, merged.standing.offered(layer))
        if _is_unchanged(merged.standing, after, layer):
            return False
        merged.standing = after
        now = next(each for each in after.layers if each.key == layer.key)
        merged.new_layers[now.key] = now._replace(revision=PENDING)
        self._keep_other_layers(merged)
        merged.units.append(candidate.unit)
        return True

    def _keep_other_layers(self, merged: MergedRecord) -> None:
        """What was kept in this revision before is kept anew, for it may be kept as what the record was entered as."""
        assert merged.standing is not None
        existing = {each.key for each in self._known(merged.key).layers if each.revision == self._revision}
        for layer in merged.standing.layers:
            if layer.key in existing:
                merged.replaced_layers.add(layer.key)
                merged.new_layers.setdefault(layer.key, layer._replace(revision=PENDING))

    def _make_mergeable(self, merged: MergedRecord) -> None:
        """A new record that a second step goes to."""
        record = _validated(merged.key, merged.data)
        merged.new_layers = {key: layer._replace(offered=record) for key, layer in merged.new_layers.items()}
        merged.standing, merged.sole_candidate = (
            Standing(merged.key[0], record, tuple(merged.new_layers.values())),
            None,
        )

    def _contribution(self, standing: Standing, candidate: LinkedCandidate) -> Layer | None:
        """What the step offers, if it is to be kept."""
        before = next((each for each in standing.layers if each.key == (candidate.source, candidate.part)), None)
        if candidate.part.startswith("publications/") and not before and self._has_or_had_link(standing, candidate):
            return None
        offered = self._contributed_fields(standing, candidate)
        if not candidate.is_whole and before and before.revision in (self._revision, PENDING):
            offered = _combined(before.offered, offered)
        return Layer(
            candidate.source, self._format, offered, frozenset(), candidate.part, candidate.digest, PENDING, PENDING
        )

    def _has_or_had_link(self, standing: Standing, candidate: LinkedCandidate) -> bool:
        """Whether a study has the link already, or somebody took it out."""
        publication = candidate.part.rpartition("/")[2]
        links = (link["publication"] for link in standing.record.get("publications", ()))
        return publication in links or any(layer.part == candidate.part for layer in standing.layers)

    def _contributed_fields(self, standing: Standing, candidate: LinkedCandidate) -> Json:
        if not candidate.is_whole:
            return bare(candidate.key[0], candidate.data)
        offered = _validated(candidate.key, candidate.full_data)
        return _with_first_retrieval(standing.record, offered) if candidate.key[0] == "sources" else offered

    def _with_frozen_fields(self, merged: MergedRecord, after: Standing) -> Standing:
        frozen = self._frozen.get(merged.key) or frozenset()
        if not frozen or merged.before is None:
            return after
        kept = {name: value for name, value in merged.before.items() if name in frozen}
        record = {name: value for name, value in after.record.items() if name not in frozen} | kept
        return Standing(after.type, record, after.layers)


def _is_unchanged(before: Standing, after: Standing, layer: Layer) -> bool:
    previous = next((each for each in before.layers if each.key == layer.key), None)
    same = previous is not None and (previous.digest, previous.offered) == (layer.digest, layer.offered)
    return same and before.record == after.record


def is_already_applied(prefetched: Prefetched, candidate: LinkedCandidate, merged: Mapping[Key, MergedRecord]) -> bool:
    """Whether a source says what it said before, and nobody but imports has changed the record since."""
    if candidate.key in merged or candidate.key not in prefetched.existing:
        return False
    layers = prefetched.layers.get(candidate.key, Known()).layers
    repeated = any(
        layer.key == (candidate.source, candidate.part) and layer.digest == candidate.digest for layer in layers
    )
    return repeated and max(layer.revision for layer in layers) >= prefetched.entered_revisions.get(candidate.key, 0)


def _with_first_retrieval(record: Mapping[str, Any], offered: Json) -> Json:
    """A source whose content is the same was read when it was first: another day alone is no news."""
    if "retrieved_on" in record and record.get("sha256") == offered.get("sha256"):
        return offered | {"retrieved_on": record["retrieved_on"]}
    return offered


def _combined(one: Json, other: Json) -> Json:
    """What a source says in several places of one run."""
    lists = {name: [*one.get(name, ()), *other.get(name, ())] for name in added_up(one, other)}
    return one | other | lists


def fields_grouped_with(key: Key, pointers: Iterable[str], record: Mapping[str, Any]) -> frozenset[str]:
    """The fields at some pointers and all that are taken together with them."""
    named = {pointer.split("/")[1] for pointer in pointers if pointer.startswith("/")}
    existing = dict.fromkeys((*record, *named))
    found = {name for group in groups(key[0], existing) if named & set(group) for name in group}
    return frozenset(found | named)
