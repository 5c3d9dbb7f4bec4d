"""Imports, edits, deletions and reverts in any order: all stored layers agree, and values of curators are kept."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from app.auth.audit import Who
from app.common.problems import Problem
from app.editing.service import Change, delete, patch, restore
from app.imports.candidates import Found, PartialUpdate, SourceItem
from app.records.registry import RESOURCES
from app.store import integrity as maintaining
from app.store.revision import changing
from tests import importing
from tests.changing import CITED, SOURCE, change
from tests.importing import paper, take, taken_back, trial, undo
from tests.imports.merging.stored import document, ids, revision

EDITOR = Change(Who("editor"), "test")
PHASES = ("1", "2", "3", None)


def offered(random: Random) -> list[Found]:
    found: list[Found] = []
    for _ in range(random.randint(1, 6)):
        number = f"NCT0000000{random.randint(1, 4)}"
        links = [{"publication": f"pmid-{pmid}"} for pmid in random.sample(range(1, 6), random.randint(0, 2))]
        more: dict[str, Any] = {"enrolled": random.choice([10, 20, 30]), "publications": links}
        phase = random.choice(PHASES)
        found.append(trial(number, sha=random.choice("abc"), **more, **({"phase": phase} if phase else {})))
    return found


def published(random: Random) -> list[Found]:
    found: list[Found] = []
    for pmid in random.sample("12345", random.randint(1, 4)):
        mention = PartialUpdate("publications", random.choice("12345"), {"retraction_state": "retracted"})
        more = {"year": random.choice([2009, 2010]), "registry_ids": [f"NCT0000000{random.randint(1, 4)}"]}
        state = random.choice(["none", "corrected"])
        unit: SourceItem = paper(
            pmid, partial_updates=(mention,) * random.randint(0, 1), retraction_state=state, **more
        )
        found.append(unit if random.random() < 0.85 else taken_back(pmid))
    return found


def _takes_back(found: list[Found]) -> bool:
    return any(isinstance(unit, SourceItem) and unit.withdrawals for unit in found)


class World:
    def __init__(self, engine: Engine, random: Random) -> None:
        self.engine, self.random = engine, random
        self.releases: list[str] = []
        self.edited: dict[str, int] = {}
        """The enrolment that a curator last entered for a study."""

    def step(self) -> None:
        steps = (self.import_trials, self.import_trials, self.import_papers, self.edit, self.remove, self.revert)
        self.random.choice(steps)()

    def _name(self) -> str:
        return f"release-{len(self.releases)}-{revision(self.engine)}-{self.random.randint(0, 10**9)}"

    def import_trials(self) -> None:
        self._take(offered(self.random), "ctgov")

    def import_papers(self) -> None:
        self._take(published(self.random), "pubmed")

    def _take(self, found: list[Found], format: str) -> None:
        name = self._name()
        report = take(self.engine, *found, format=format, name=name, on_error="skip")
        units = report.units
        assert units.read == units.applied + units.unchanged + units.skipped + units.refused
        if report.revision:
            self.releases.append(name)
        if not report.refusals_total:
            before = revision(self.engine)
            again = take(self.engine, *found, format=format, name=f"{name}-again", on_error="skip")
            settled = {"taken": again.units.applied, "revision": again.revision}
            assert settled == {"taken": 0, "revision": None} or _takes_back(found), again.as_json()
            if again.revision:
                self.releases.append(f"{name}-again")
            else:
                assert revision(self.engine) == before

    def _any(self) -> str | None:
        there = sorted(ids(self.engine, "studies"))
        return self.random.choice(there) if there else None

    def edit(self) -> None:
        id, value = self._any(), self.random.randint(100, 10**6)
        if id:
            with changing(self.engine) as connection:
                patch(connection, RESOURCES["studies"], id, {"enrolled": value}, EDITOR)
            self.edited[id] = value

    def remove(self) -> None:
        id = self._any()
        try:
            with changing(self.engine) as connection:
                if id and self.random.random() < 0.5:
                    delete(connection, RESOURCES["studies"], id, EDITOR)
                    self.edited.pop(id, None)
                else:
                    restore(connection, RESOURCES["studies"], "nct00000001", EDITOR)
        except Problem:
            pass

    def revert(self) -> None:
        if self.releases:
            name = self.releases[-1]
            try:
                undo(self.engine, name)
            except Problem:
                return
            self.releases[-1] = f"revert-{name}"

    def prove(self) -> None:
        assert list(maintaining.check(self.engine)) == []
        for id, value in self.edited.items():
            if id in ids(self.engine, "studies"):
                assert document(self.engine, "studies", id)["enrolled"] == value


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens(engine: Engine, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    monkeypatch.setattr(importing, "is_ready", lambda: random.random() < 0.5)
    ours = {"id": "ours", "title": "Ours", "registry_ids": ["NCT00000002"], "enrolled": 5, **CITED}
    assert change(engine, [SOURCE, ("studies", ours)])
    world = World(engine, random)
    world.edited["ours"] = 5
    for _ in range(12):
        world.step()
        world.prove()
