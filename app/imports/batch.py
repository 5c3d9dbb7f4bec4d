"""One batch of units: looked up, placed, merged and checked, until all that is left of it can be written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection

from app.imports.candidates import Mention, Remark, Unit
from app.imports.linkage.assignment import Placed, Placing, Step
from app.imports.linkage.prefetch import Looked, look
from app.imports.merge import Held, Refused, Said, Weaving, fields_with, is_known
from app.store.entry import Entry
from app.store.reconciliation.contributions import Layer, bare
from app.store.reconciliation.history import Known, known_layers, last_entered
from app.store.reconciliation.survivorship import Standing
from app.store.submission import Fault
from app.store.validation import TYPE_ORDER, Checking, still_referred
from app.store.versions import Key


@dataclass(slots=True)
class Settled:
    """What is to be written of a batch, and what is to be told of it."""

    entries: list[Entry] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    withdrawn: dict[Key, int] = field(default_factory=dict)
    """Records that their publisher has taken back, by the unit that says so."""
    gone: list[Key] = field(default_factory=list)
    """Those of them that nobody else has a hand in or refers to."""
    refused: dict[int, list[Fault]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    set_aside: set[int] = field(default_factory=set)
    remarks: list[tuple[int, Remark]] = field(default_factory=list)
    dropped: int = 0
    unplaced: list[tuple[int, Mention]] = field(default_factory=list)


class Batch:
    """`said`: by the batches before, where a format's files repeat themselves."""

    def __init__(
        self, connection: Connection, units: Mapping[int, Unit], format: str, revision: int | None, said: Said
    ) -> None:
        self._connection, self._units, self._format, self._revision = connection, units, format, revision
        self._said = said
        self._looked: Looked = look(connection, units.values())
        self._standing: dict[Key, Standing] = {}
        self._refused: dict[int, list[Fault]] = {}
        self._frozen: dict[Key, frozenset[str] | None] = {}
        self._why: dict[Key, tuple[int, str]] = {}

    def settle(self) -> Settled:
        """Tries anew without what is refused, and without touching what cannot be changed, until nothing is wrong."""
        while True:
            settled, steps = self._place()
            self._read({step.key: step.unit for step in steps if not is_known(self._looked, step, {})})
            weaving, refused = self._weave(steps, settled)
            faults = self._check(weaving, settled)
            if faults:
                self._give_way(faults, weaving)
            elif refused:
                self._refused |= refused
            else:
                self._said.update(weaving.said)
                settled.remarks += [(number, Remark("duplicate", what)) for number, what in weaving.duplicates]
                return self._told(settled)

    def _place(self) -> tuple[Settled, list[Step]]:
        settled, steps = Settled(), []
        placing = Placing(self._looked, self._format)
        units = {number: unit for number, unit in self._units.items() if number not in self._refused}
        placed, faults = placing.place(units)
        self._refused |= {number: [fault] for number, fault in faults.items()}
        for number, found in placed.items():
            for each in found:
                steps.extend(each.steps)
                _note(settled, number, each)
        self._withdraw(settled)
        return settled, [*_whole_first(steps)]

    def _read(self, keys: Mapping[Key, int]) -> None:
        wanted = sorted(key for key in keys if key in self._looked.there and key not in self._standing)
        layers = known_layers(self._connection, wanted)
        for key, entered in last_entered(self._connection, wanted).items():
            record = bare(key[0], orjson.loads(entered))
            self._standing[key] = Standing(key[0], record, layers.get(key, Known()).layers)
        for key in wanted:
            if key not in self._standing:
                self._leave(key, keys[key], "it is not kept as it was entered")

    def _leave(self, key: Key, unit: int, why: str) -> None:
        self._frozen[key], self._why[key] = None, (unit, why)

    def _weave(self, steps: Iterable[Step], settled: Settled) -> tuple[Weaving, dict[int, list[Fault]]]:
        places = {number: unit.place for number, unit in self._units.items()}
        weaving = Weaving(self._looked, self._standing, self._format, self._revision, places, self._frozen, self._said)
        refused: dict[int, list[Fault]] = {}
        for step in steps:
            try:
                if step.key not in settled.gone and weaving.take(step):
                    settled.taken.add(step.unit)
            except Refused as error:
                refused.setdefault(step.unit, []).extend(error.faults)
        return weaving, refused

    def _check(self, weaving: Weaving, settled: Settled) -> list[tuple[Held, Fault]]:
        settled.held = [held for held in weaving.held.values() if held.fresh]
        changed = sorted((held for held in settled.held if held.is_changed), key=lambda held: TYPE_ORDER[held.key[0]])
        checking = Checking(settled.gone)
        drafts = [held.draft(number) for number, held in enumerate(changed)]
        settled.entries = checking.settle(self._connection, list(checking.read(drafts)))
        return [(changed[fault.number], fault) for fault in checking.faults]

    def _give_way(self, faults: list[tuple[Held, Fault]], weaving: Weaving) -> None:
        """A new record's fault is its unit's; one that was there stays as it is where an offer would break it."""
        for held in {held.key: held for held, _ in faults}.values():
            own = [fault for other, fault in faults if other is held]
            if held.is_new:
                self._refused.setdefault(held.units[-1], []).extend(own)
            elif held.key in self._frozen or held.before is None:
                self._leave(held.key, held.units[0], own[0].detail)
            else:
                self._frozen[held.key] = fields_with(held.key, [fault.pointer for fault in own], held.before)

    def _told(self, settled: Settled) -> Settled:
        settled.refused = self._refused
        for key, (number, why) in self._why.items():
            settled.remarks.append((number, Remark("left-as-it-is", f"{key[0]}/{key[1]}: {why}")))
        return settled

    def _withdraw(self, settled: Settled) -> None:
        """What only imports have made and nobody refers to goes; all else stays, and what came in this very run stays
        until the next one."""
        keys = settled.withdrawn
        self._read(keys)
        lasting = [key for key in keys if key in self._standing and not self._came_now(key)]
        own = [key for key in lasting if not self._standing[key].is_touched()]
        needed = still_referred(self._connection, own)
        settled.gone = [key for key in own if key not in needed]
        settled.taken |= {keys[key] for key in settled.gone}
        for key in keys.keys() - set(settled.gone):
            kind = "withdrawn-in-the-same-run" if self._came_now(key) else "withdrawn-but-in-use"
            settled.remarks.append((keys[key], Remark(kind, f"{key[0]}/{key[1]}")))

    def _came_now(self, key: Key) -> bool:
        """Whether this run has entered it before, or is about to."""
        return key not in self._looked.there or self._looked.entered.get(key, 0) == self._revision

    def layers(self, key: Key) -> tuple[Layer, ...]:
        """Who offered something of a record, without what."""
        return self._looked.layers.get(key, Known()).layers


def _whole_first(steps: Sequence[Step]) -> Iterator[Step]:
    """What is said in passing comes after all that is offered."""
    yield from (step for step in steps if step.is_whole)
    yield from (step for step in steps if not step.is_whole)


def _note(settled: Settled, number: int, placed: Placed) -> None:
    settled.withdrawn |= dict.fromkeys(placed.withdrawn, number)
    settled.dropped += placed.dropped
    settled.unplaced += [(number, mention) for mention in placed.unplaced]
    settled.remarks += [(number, remark) for remark in placed.remarks]
    if placed.set_aside:
        settled.set_aside.add(number)
