"""Prebuilt records are stored exactly as records that are built by the writer."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from app.database.engine import Base, open_engine, reading
from app.database.migrations import migrate
from app.imports.candidates import Found, SourceItem
from app.imports.name_index import NO_NAMES
from app.imports.preparation import prebuild
from app.imports.registry import FORMATS
from app.store import integrity as maintaining
from tests.changing import CITED, SOURCE, Json, Typed, change
from tests.conftest import NewDatabase
from tests.importing import paper, take, trial
from tests.offered import DATA, FIXTURES

WHEN = {"revisions", "releases", "audit", "audit_head", "secrets", "database_state"}
"""Tables with times or random values."""

OLD_PAPER: Typed = (
    "sources",
    {"id": "old-paper", "kind": "article", "tier": "primary", "url": "https://pubmed.ncbi.nlm.nih.gov/1/"},
)
OLD_STUDY: Typed = ("studies", {"id": "old", "title": "Old", "provenance": [{"source": "old-paper"}]})
OF_TRIAL: Json = {"publications": [{"publication": "pmid-1"}, {"publication": "pmid-9"}]}

SCENARIOS: dict[str, tuple[Sequence[Typed], Sequence[tuple[str, Sequence[SourceItem]]]]] = {
    "nobody is here": ((), [("ctgov", [trial(), trial("NCT00000002", phase="2", **OF_TRIAL)])]),
    "the publication comes first": ((), [("pubmed", [paper("1")]), ("ctgov", [trial(**OF_TRIAL)])]),
    "the publication comes later": ((), [("ctgov", [trial(**OF_TRIAL)]), ("pubmed", [paper("1")])]),
    "the same again": ((), [("ctgov", [trial(**OF_TRIAL)]), ("ctgov", [trial(**OF_TRIAL)])]),
    "again with news": ((), [("ctgov", [trial(enrolled=1)]), ("ctgov", [trial(enrolled=2, sha="c")])]),
    "who names the registration": (
        (),
        [("pubmed", [paper("1", registry_ids=["NCT00000001"])]), ("ctgov", [trial(), trial("NCT00000002")])],
    ),
    "in one file": ((), [("pubmed", [paper("1"), paper("2", retraction_state="retracted"), paper("1")])]),
    "a retracted one is cited": (
        [OLD_PAPER, OLD_STUDY],
        [("pubmed", [paper("2"), paper("1", retraction_state="retracted")])],
    ),
    "its source is here": (
        [
            SOURCE,
            (
                "sources",
                {"id": "ctgov-nct00000001", "kind": "web-page", "tier": "other", "url": "https://example.org/"},
            ),
        ],
        [("ctgov", [trial(), trial("NCT00000002")])],
    ),
    "a person knows it": (
        [SOURCE, ("studies", {"id": "mine", "title": "Mine", "registry_ids": ["NCT00000001"], **CITED})],
        [("ctgov", [trial(), trial("NCT00000002")])],
    ),
    "a name is taken": (
        [SOURCE, ("publications", {"id": "mine", "title": "Mine", "doi": "10.1000/1", "pmid": "7", **CITED})],
        [("pubmed", [paper("1", doi="10.1000/1"), paper("2")])],
    ),
    "it is wrong": ((), [("ctgov", [trial(enrolled=-1), trial("NCT00000002", overlaps_with=["nct00000002"])])]),
    "it is flagged": ((), [("ctgov", [trial(needs_primary_source=True)])]),
}


def everything(engine: Engine) -> dict[str, list[str]]:
    """All rows of all other tables."""
    with reading(engine) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
            if table.name not in WHEN
        }


@contextmanager
def database(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


Steps = Iterable[tuple[str, Sequence[Found]]]


def told(engine: Engine, before: Sequence[Typed], steps: Steps, *, ready: Iterator[bool]) -> list[Json]:
    if before:
        assert change(engine, before)
    told = []
    for number, (format, found) in enumerate(steps):
        units = [prebuild(each) if next(ready) else each for each in found]
        report = take(engine, *units, format=format, name=f"step-{number}", on_error="skip")
        told.append(report.as_json())
    assert list(maintaining.check(engine)) == []
    return told


def alike(backend: str, new_database: NewDatabase, before: Sequence[Typed], steps: Steps) -> None:
    steps = list(steps)
    with database(new_database(backend)) as first, database(new_database(backend)) as second:
        as_read = told(first, before, steps, ready=cycle([False]))
        due = everything(first)
        assert told(second, before, steps, ready=cycle([True])) == as_read
        assert everything(second) == due
    with database(new_database(backend)) as third:
        assert told(third, before, steps, ready=cycle([True, False, False])) == as_read
        assert everything(third) == due


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_made_ready_stands_as_anything_else(name: str, backend: str, new_database: NewDatabase) -> None:
    before, steps = SCENARIOS[name]
    alike(backend, new_database, before, steps)


def found_in(format: str, *files: Path) -> list[Found]:
    found: list[Found] = []
    for file in files:
        with file.open("rb") as stream:
            found += FORMATS[format].units(stream, file.name, NO_NAMES)
    return found


FILES = (FIXTURES / "ctgov/trial.json", FIXTURES / "pubmed/articles.xml")


def test_files_are_made_ready(backend: str, new_database: NewDatabase) -> None:
    steps = [(file.parent.name, found_in(file.parent.name, file)) for file in FILES]
    alike(backend, new_database, (), steps)


def test_what_quotes_or_shows_others_is_not() -> None:
    found = map(prebuild, found_in("label", FIXTURES / "label/prescription.xml"))
    offers = [candidate for unit in found if isinstance(unit, SourceItem) for candidate in unit.candidates]
    assert len(offers) > 5
    made = [candidate.prebuilt for candidate in offers]
    assert all(one and one.entered and one.record is None for one in made)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real records are not at {DATA}")
def test_real_records_are_made_ready(new_database: NewDatabase) -> None:
    studies = found_in("ctgov", *sorted((DATA / "ctgov/studies").glob("*.json")))
    linked = 0
    for unit in studies:
        assert isinstance(unit, SourceItem)
        ready = prebuild(unit)
        assert isinstance(ready, SourceItem)
        for candidate, made in zip(unit.candidates, ready.candidates, strict=True):
            is_linked = bool(candidate.data.get("products") or candidate.data.get("indications"))
            assert made.prebuilt
            assert bool(made.prebuilt.record) is not is_linked
            linked += is_linked
    assert linked == 178
    papers = found_in("pubmed", *sorted((DATA / "pubmed").glob("*.xml")))
    alike("sqlite", new_database, (), [("ctgov", studies), ("pubmed", papers), ("ctgov", studies)])
