"""Which record each part of a unit goes to, before anything is merged: units become steps."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from app.imports.candidates import Mention, Offer, Prepared, Remark, Unit, Withdrawal
from app.imports.linkage.identifiers import tiers
from app.imports.linkage.matching import Ambiguous, Matching
from app.imports.linkage.prefetch import Looked
from app.imports.linkage.references import rewritten, unlinked, without_missing
from app.records.base_models import fold
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.store.reconciliation.history import Known
from app.store.rendering import etag_of
from app.store.submission import Fault
from app.store.versions import Key

Json = dict[str, Any]
LONGEST_ID = 110
"""Of one that something is put behind."""


class Step(NamedTuple):
    """Something that a source says of one record."""

    unit: int
    key: Key
    source: str
    part: str
    data: Json
    digest: str
    is_whole: bool
    """An offer; else only some fields, of a record that is there."""
    entered: bytes | None = None
    """As it would be kept, where it is offered in a shape that is known to be right."""
    prepared: Prepared | None = None
    """Then `data` is only what the record is found by."""

    @property
    def whole(self) -> Json:
        """All that is said."""
        if self.prepared is None:
            return self.data
        return unlinked(self.key[0], orjson.loads(self.prepared.said)) | {"id": self.key[1]}


class Placed(NamedTuple):
    steps: list[Step]
    withdrawn: list[Key]
    remarks: list[Remark]
    dropped: int
    set_aside: bool
    unplaced: tuple[Mention, ...] = ()
    """What is said of records that nobody has so far."""


class Misplaced(Exception):
    """An offer without what it takes to place it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(0, "/id", detail)


def digest_of(type: RecordType, data: Json, said: bytes | None = None) -> str:
    """Of what is offered; `said`: all of it as JSON, sorted by name.

    The day on which a source was read is no news where its content is known by its hash.
    """
    if said is None or type == "sources":
        told = {name: value for name, value in data.items() if type != "sources" or name != "retrieved_on"}
        said = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return etag_of(said)


class Placing:
    """Units in their order; each may find what those before it create."""

    def __init__(self, looked: Looked, format: str) -> None:
        self._looked, self.format = looked, format
        self.matching = Matching(looked)

    def place(self, units: Mapping[int, Unit]) -> tuple[dict[int, list[Placed]], dict[int, Fault]]:
        """Where all of a batch goes, and what cannot be placed; mentions last, for they may be of what comes later."""
        placed: dict[int, list[Placed]] = {}
        faults: dict[int, Fault] = {}
        of_units = {number: _PlacedUnit(self, number, unit) for number, unit in units.items()}
        for number, unit in of_units.items():
            try:
                placed[number] = [unit.placed()]
            except Misplaced as error:
                faults[number] = error.fault
        for number, found in placed.items():
            if not found[0].set_aside:
                found.append(of_units[number].said_of_others())
        return placed, faults

    def may_restore(self, key: Key) -> bool:
        """Whether a deleted record was deleted by an import or by undoing one, not by people."""
        known = self._looked.layers.get(key, Known())
        return known.ever and all(layer.part for layer in known.layers)

    def is_gone(self, key: Key) -> bool:
        return key in self._looked.gone and not self.matching.is_there(key)


class _PlacedUnit:
    def __init__(self, placing: Placing, number: int, unit: Unit) -> None:
        self._placing, self._number, self._unit = placing, number, unit
        self._matching = placing.matching
        self._ids: dict[Key, str | None] = {}
        """The ids that the unit's records have here, by those proposed."""
        self._remarks: list[Remark] = []
        self._dropped = 0
        self._source = fold("sources", placing.format)

    def placed(self) -> Placed:
        steps = [step for offer in self._unit.offers for step in self._offer(offer)]
        main = [step for step in steps if step.is_whole and step.key[0] != "sources"]
        offered = [offer for offer in self._unit.offers if offer.type != "sources"]
        if offered and not main:
            return Placed([], [], self._remarks, self._dropped, set_aside=True)
        return Placed(steps, [], self._remarks, self._dropped, set_aside=False)

    def said_of_others(self) -> Placed:
        """What the unit says of records that it does not hold, once all that the batch holds is placed."""
        steps = [step for mention in self._unit.mentions for step in self._mention(mention)]
        withdrawn = [key for each in self._unit.withdrawals for key in self._withdrawn(each)]
        found = {step.key for step in steps}
        unplaced = [each for each in self._unit.mentions if self._mentioned(each) not in found]
        return Placed(steps, withdrawn, [], 0, set_aside=False, unplaced=tuple(unplaced))

    def _resolve(self, type: RecordType, id: str) -> str | None:
        if (type, id) in self._ids:
            return self._ids[type, id]
        return self._matching.publication(id) if type == "publications" else id

    def _offer(self, offer: Offer) -> Iterator[Step]:
        proposed = offer.data.get("id") if isinstance(offer.data, dict) else None
        if not isinstance(proposed, str):
            raise Misplaced("what is offered needs an id")
        data = self._apart(offer.type, self._told(offer))
        id = self._find(offer.type, proposed, data)
        self._ids[offer.type, proposed] = id
        if id is None:
            return
        self._matching.add(offer.type, id, data)
        if offer.type == "sources" and self._unit.offers[0] is offer:
            self._source = id
        yield self._whole_step(offer, (offer.type, id), data)
        yield from self._joining((offer.type, id), data)

    def _whole_step(self, offer: Offer, key: Key, found: Json) -> Step:
        """`found`: what it was found by, as it is here."""
        data, made = found | {"id": key[1]}, offer.prepared
        if made and data == unlinked(offer.type, offer.data):
            return Step(self._number, key, self._source, "", data, made.digest, is_whole=True, prepared=made)
        if made:
            kept, _ = self._rewritten(offer.type, offer.whole)
            data |= {name: value for name, value in kept.items() if name not in offer.data or name == "provenance"}
        step = self._step(key, data, "", is_whole=True)
        return step._replace(entered=offer.entered) if offer.entered and data == offer.whole else step

    def _step(self, key: Key, data: Json, part: str, *, is_whole: bool) -> Step:
        return Step(self._number, key, self._source, part, data, digest_of(key[0], data), is_whole)

    def _told(self, offer: Offer) -> Json:
        data, missing = self._rewritten(offer.type, offer.data)
        self._dropped += len(missing)
        self._remarks += [Remark("publication-not-here", id) for id in missing]
        return data

    def _rewritten(self, type: RecordType, data: Json) -> tuple[Json, list[str]]:
        kept, missing = without_missing(type, data, self._resolve)
        return rewritten(RESOURCES[type].entered, kept, self._resolve), missing

    def _apart(self, type: RecordType, data: Json) -> Json:
        """A publication without the DOI of another one, which has another PMID."""
        doi = data.get("doi")
        if type != "publications" or not isinstance(doi, str):
            return data
        owners = self._matching.named(type, fold(type, doi), frozenset({"doi"}))
        others = sorted(id for id in owners if self._matching.is_another(id, data))
        if not others:
            return data
        self._remarks.append(Remark("doi-of-another", f"{doi} is the DOI of {others[0]}"))
        return {name: value for name, value in data.items() if name != "doi"}

    def _find(self, type: RecordType, proposed: str, data: Json) -> str | None:
        """The id under which a record is here, or is to be; nothing where it is to be left out."""
        try:
            found = self._matching.find(type, data, self._source)
        except Ambiguous as ambiguous:
            self._remarks.append(Remark(f"ambiguous-{RESOURCES[type].singular}", f"{proposed} may be {ambiguous}"))
            return None
        key = (type, proposed)
        if found is None and self._placing.is_gone(key) and not self._placing.may_restore(key):
            self._remarks.append(Remark("deleted-here", f"{type}/{proposed}"))
            return None
        return found or self._free(type, proposed, data)

    def _free(self, type: RecordType, proposed: str, data: Json) -> str:
        """The id that is proposed, or one of what it is called where another record has that."""
        if not self._matching.is_there((type, proposed)):
            return proposed
        names = sorted(identifier.key for tier in tiers(type, data) for identifier in tier)
        return f"{proposed[:LONGEST_ID]}-{etag_of(orjson.dumps(names))[:8]}"

    def _joining(self, key: Key, data: Json) -> Iterator[Step]:
        """Links between studies and publications that name the same registration."""
        if key[0] == "publications":
            for study in self._matching.joined("studies", data):
                yield self._link(study, key[1])
        elif key[0] == "studies":
            for publication in self._matching.joined("publications", data):
                yield self._link(key[1], publication)

    def _link(self, study: str, publication: str) -> Step:
        data = {"publications": [{"publication": publication, "reports_pooled_data": None}]}
        return self._step(("studies", study), data, f"publications/{publication}", is_whole=False)

    def _mentioned(self, mention: Mention) -> Key | None:
        id = self._matching.any_name(mention.type, mention.name)
        return None if id is None else (mention.type, id)

    def _mention(self, mention: Mention) -> Iterator[Step]:
        key = self._mentioned(mention)
        if key is not None:
            yield self._step(key, mention.data, "mention", is_whole=False)

    def _withdrawn(self, withdrawal: Withdrawal) -> Iterator[Key]:
        id = self._matching.any_name(withdrawal.type, withdrawal.name)
        if id is not None:
            yield withdrawal.type, id
