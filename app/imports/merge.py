"""What becomes of the records that a batch's steps go to: those that are new, and those that are merged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.imports.linkage.assignment import Step
from app.imports.linkage.prefetch import Looked
from app.records.base_schemas import as_entered
from app.store.reconciliation.contributions import Json, Layer, added_up, bare, groups
from app.store.reconciliation.history import NEVER, Known
from app.store.reconciliation.precedence import REPEATING
from app.store.reconciliation.survivorship import Standing
from app.store.submission import Draft, Fault
from app.store.validation import Checking
from app.store.versions import Key

FRESH = NEVER
"""The revision of what is offered now, until there is one."""


Said = dict[tuple[Key, str, str], tuple[str, str]]
"""What each source has said in a run, by record, source and part: its digest, and where it stood first."""


class Refused(Exception):
    """What a step offers cannot be taken, so neither can its unit."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("refused")
        self.faults = list(faults)


@dataclass(slots=True)
class Held:
    """A record that steps go to. `only`: it is new, and this is all that was said of it."""

    key: Key
    standing: Standing | None = None
    only: Step | None = None
    fresh: dict[tuple[str, str], Layer] = field(default_factory=dict)
    again: set[tuple[str, str]] = field(default_factory=set)
    """Layers that stand in this revision already."""
    units: list[int] = field(default_factory=list)
    before: Json | None = None

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def data(self) -> Json:
        if self.only is not None:
            return self.only.whole
        assert self.standing is not None
        return {"id": self.key[1], **self.standing.record}

    def draft(self, number: int) -> Draft:
        if self.only and self.only.prepared:
            return Draft(number, self.key[0], self.only.data, ready=self.only.prepared.ready)
        return Draft(number, self.key[0], self.data, self.only.entered if self.only else None)

    @property
    def is_changed(self) -> bool:
        return self.standing is None or self.before != self.standing.record


def _read_alone(key: Key, data: Json) -> Json:
    """A record as it would be entered, without what is absent from it; raises `Refused`."""
    checking = Checking()
    reads = list(checking.read([Draft(0, key[0], data)]))
    if checking.faults:
        raise Refused(checking.faults)
    return bare(key[0], orjson.loads(as_entered(reads[0].record)))


class Weaving:
    """`standing`: the records that steps may change, as they are. `frozen`: fields that the batch must leave alone."""

    def __init__(
        self,
        looked: Looked,
        standing: Mapping[Key, Standing],
        format: str,
        revision: int | None,
        places: Mapping[int, str],
        frozen: Mapping[Key, frozenset[str] | None],
        said: Said,
    ) -> None:
        self._looked, self._standing, self._format, self._revision = looked, standing, format, revision
        self._places, self._frozen = places, frozen
        self.held: dict[Key, Held] = {}
        self.said = dict(said)
        self.duplicates: list[tuple[int, str]] = []
        """Units that say otherwise what was said before, and what of."""

    def take(self, step: Step) -> bool:
        """Whether the step changes what is known; raises `Refused`."""
        if self._is_repeated(step) or is_known(self._looked, step, self.held):
            return False
        if self._frozen.get(step.key, frozenset()) is None:
            return False
        held = self.held.get(step.key)
        if held is None and self._is_new(step.key):
            return self._create(step)
        return self._merge(held or self._existing(step.key), step)

    def _is_new(self, key: Key) -> bool:
        return key not in self._looked.there

    def _is_repeated(self, step: Step) -> bool:
        """Whether the same was said before in this run; something else is refused."""
        name, own = (step.key, step.source, step.part), (step.digest, self._places[step.unit])
        first = self.said.setdefault(name, own) if step.is_whole else own
        if first != own:
            return self._refuse_other(step, first[0], f"at {first[1]}")
        for layer in self._known(step.key).layers:
            if step.is_whole and layer.key == (step.source, step.part) and layer.revision == self._revision:
                return self._refuse_other(step, layer.digest, "before")
        return False

    def _refuse_other(self, step: Step, digest: str, where: str) -> bool:
        twice = f"{step.key[0]}/{step.key[1]} stands here twice (first {where})"
        if digest != step.digest and self._format not in REPEATING:
            raise Refused([Fault(0, "/id", twice)])
        if step.key[0] != "sources" and self._format in REPEATING:
            self.duplicates.append((step.unit, twice))
        return True

    def _known(self, key: Key) -> Known:
        return self._looked.layers.get(key, Known())

    def _create(self, step: Step) -> bool:
        if not step.is_whole:
            return False
        layer = Layer(step.source, self._format, {}, frozenset(), step.part, step.digest, FRESH, FRESH)
        held = Held(step.key, only=step, fresh={layer.key: layer}, units=[step.unit])
        self.held[step.key] = held
        return True

    def _existing(self, key: Key) -> Held:
        standing = self._standing[key]
        held = Held(key, standing, before=dict(standing.record))
        self.held[key] = held
        return held

    def _merge(self, held: Held, step: Step) -> bool:
        if held.only is not None:
            self._settle(held)
        assert held.standing is not None
        layer = self._layer(held.standing, step)
        if layer is None:
            return False
        after = self._with_frozen(held, held.standing.offered(layer))
        if _is_no_news(held.standing, after, layer):
            return False
        held.standing = after
        now = next(each for each in after.layers if each.key == layer.key)
        held.fresh[now.key] = now._replace(revision=FRESH)
        self._keep_others(held)
        held.units.append(step.unit)
        return True

    def _keep_others(self, held: Held) -> None:
        """What was kept in this revision before is kept anew, for it may be kept as what the record was entered as."""
        assert held.standing is not None
        there = {each.key for each in self._known(held.key).layers if each.revision == self._revision}
        for layer in held.standing.layers:
            if layer.key in there:
                held.again.add(layer.key)
                held.fresh.setdefault(layer.key, layer._replace(revision=FRESH))

    def _settle(self, held: Held) -> None:
        """A new record that a second step goes to."""
        record = _read_alone(held.key, held.data)
        held.fresh = {key: layer._replace(offered=record) for key, layer in held.fresh.items()}
        held.standing, held.only = Standing(held.key[0], record, tuple(held.fresh.values())), None

    def _layer(self, standing: Standing, step: Step) -> Layer | None:
        """What the step offers, if it is to be kept."""
        before = next((each for each in standing.layers if each.key == (step.source, step.part)), None)
        if step.part.startswith("publications/") and not before and self._is_joined(standing, step):
            return None
        offered = self._offered(standing, step)
        if not step.is_whole and before and before.revision in (self._revision, FRESH):
            offered = _both(before.offered, offered)
        return Layer(step.source, self._format, offered, frozenset(), step.part, step.digest, FRESH, FRESH)

    def _is_joined(self, standing: Standing, step: Step) -> bool:
        """Whether a study has the link already, or somebody took it out."""
        publication = step.part.rpartition("/")[2]
        links = (link["publication"] for link in standing.record.get("publications", ()))
        return publication in links or any(layer.part == step.part for layer in standing.layers)

    def _offered(self, standing: Standing, step: Step) -> Json:
        if not step.is_whole:
            return bare(step.key[0], step.data)
        offered = _read_alone(step.key, step.whole)
        return _as_read(standing.record, offered) if step.key[0] == "sources" else offered

    def _with_frozen(self, held: Held, after: Standing) -> Standing:
        frozen = self._frozen.get(held.key) or frozenset()
        if not frozen or held.before is None:
            return after
        kept = {name: value for name, value in held.before.items() if name in frozen}
        record = {name: value for name, value in after.record.items() if name not in frozen} | kept
        return Standing(after.type, record, after.layers)


def _is_no_news(before: Standing, after: Standing, layer: Layer) -> bool:
    said = next((each for each in before.layers if each.key == layer.key), None)
    same = said is not None and (said.digest, said.offered) == (layer.digest, layer.offered)
    return same and before.record == after.record


def is_known(looked: Looked, step: Step, held: Mapping[Key, Held]) -> bool:
    """Whether a source says what it said before, and nobody but imports has changed the record since."""
    if step.key in held or step.key not in looked.there:
        return False
    layers = looked.layers.get(step.key, Known()).layers
    said = any(layer.key == (step.source, step.part) and layer.digest == step.digest for layer in layers)
    return said and max(layer.revision for layer in layers) >= looked.entered.get(step.key, 0)


def _as_read(record: Mapping[str, Any], offered: Json) -> Json:
    """A source whose content is the same was read when it was first: another day alone is no news."""
    if "retrieved_on" in record and record.get("sha256") == offered.get("sha256"):
        return offered | {"retrieved_on": record["retrieved_on"]}
    return offered


def _both(one: Json, other: Json) -> Json:
    """What a source says in several places of one run."""
    lists = {name: [*one.get(name, ()), *other.get(name, ())] for name in added_up(one, other)}
    return one | other | lists


def fields_with(key: Key, pointers: Iterable[str], record: Mapping[str, Any]) -> frozenset[str]:
    """The fields at some pointers and all that are taken together with them."""
    named = {pointer.split("/")[1] for pointer in pointers if pointer.startswith("/")}
    there = dict.fromkeys((*record, *named))
    found = {name for group in groups(key[0], there) if named & set(group) for name in group}
    return frozenset(found | named)
