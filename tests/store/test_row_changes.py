"""An edit writes only the rows that differ, and renders only documents that may differ, with the same result."""

from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from app.database.engine import reading
from app.records.registry import RESOURCES
from app.records.resource import Row
from app.store import integrity as maintaining
from app.store.documents import Document
from app.store.entry import rows_of
from app.store.revision import changing
from app.store.rows import own_parts, read, read_shared
from app.store.submission import Submission
from app.store.validation import check
from tests.changing import CITED, SOURCE, Json, Typed, change

ARMS = [{"key": "a", "name": "A"}, {"key": "b", "name": "B"}]
RESULTS = [{"arm": "a", "mean": 40}, {"arm": "b", "mean": 2.5}]
OUTCOMES = [{"measure": name, "kind": "continuous", "results": RESULTS} for name in ("pain", "sleep")]
EVENTS = [{"event": "ptosis", "arm": "b", "n": 10, "events": 1}]
STUDY: Json = {
    "id": "study",
    "title": "A study",
    "design": "randomized-controlled-trial",
    "arms": ARMS,
    "outcomes": OUTCOMES,
    "adverse_events": EVENTS,
    "publications": [{"publication": "first"}],
    "comparators": ["placebo"],
    "absent": {"conclusion": "not-reported"},
    "provenance": [{"source": "s", "quote": "Pain fell."}],
}
WORLD: list[Typed] = [
    SOURCE,
    ("sources", {"id": "other", "kind": "web-page", "tier": "other", "url": "https://pubmed.ncbi.nlm.nih.gov/7/"}),
    ("publications", {"id": "first", "title": "First", "year": 2001, **CITED}),
    ("publications", {"id": "second", "pmid": "7", "title": "Second", "retraction_state": "retracted", **CITED}),
    ("studies", STUDY),
    ("mechanisms", {"id": "how", "title": "How", "effect": "E", "studies": ["study"], **CITED}),
]

EDITS: dict[str, tuple[Json, int]] = {
    "a note": ({"note": "Seen."}, 0),
    "no absence": ({"absent": {}}, 0),
    "a number": ({"enrolled": 12}, 0),
    "a result that is printed more precisely": (
        {"outcomes": [OUTCOMES[0], {**OUTCOMES[1], "results": [{"arm": "a", "mean": 40.0}, RESULTS[1]]}]},
        0,
    ),
    "an arm, on which results and events stand": ({"arms": [{**ARMS[0], "dose": "100 U"}, ARMS[1]]}, 0),
    "arms in another order": ({"arms": ARMS[::-1]}, 0),
    "an outcome, on which results stand": ({"outcomes": [{**OUTCOMES[0], "unit": "cm"}, OUTCOMES[1]]}, 0),
    "no outcomes": ({"outcomes": []}, 0),
    "the title, which others show": ({"title": "Another title"}, 1),
    "no title, so that the publication's is shown": ({"title": None}, 1),
    "another publication, which is retracted": ({"publications": [{"publication": "second"}]}, 3),
    "a date, from which a year follows": (
        {"publications": [], "title": STUDY["title"], "completion_date": "2010-05"},
        1,
    ),
    "a source that is no primary one": ({"provenance": [{"source": "other"}]}, 0),
    "a curator's flag": ({"needs_primary_source": True}, 0),
}
"""An edit of the study, and how many other documents it changes."""


@pytest.fixture
def world(engine: Engine) -> Engine:
    assert change(engine, WORLD)
    return engine


def _is_as_entered(engine: Engine, record: Json) -> None:
    """Hold the rows of the study against those that the record becomes if nothing is stored yet."""
    resource = RESOURCES["studies"]
    with changing(engine) as connection:
        [entry], _ = check(connection, [Submission(0, "studies", record)])
        stored: Any = read(connection, "studies", (resource.main, *own_parts(resource)), ["study"])["study"]
        stored["records"] = [read_shared(connection, "studies", ["study"])["study"]]
    for table, rows in rows_of(entry).items():
        free = {"evidence_basis", "checked_at", *resource.derived}
        assert _printed(stored[table], rows, free) == _printed(rows, rows, free), table


def _printed(rows: list[Row], entered: list[Row], free: set[str]) -> list[str]:
    names = sorted({name for row in entered for name in row} - free)
    return sorted(str([row[name] for name in names]) for row in rows)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_leaves_what_writing_all_rows_would(world: Engine, name: str) -> None:
    edit, others = EDITS[name]
    record = {name: value for name, value in {**STUDY, **edit}.items() if value is not None}
    done = change(world, [("studies", record)])
    assert done is not None
    assert (done.updated, done.refreshed) == (1, others)
    _is_as_entered(world, record)
    assert list(maintaining.check(world)) == []
    assert maintaining.rebuild(world, actor="test") == 0


def test_edits_one_after_the_other_leave_what_writing_all_rows_would(world: Engine) -> None:
    record = STUDY
    for edit, _ in EDITS.values():
        record = {name: value for name, value in {**record, **edit}.items() if value is not None}
        assert change(world, [("studies", record)])
        _is_as_entered(world, record)
    assert list(maintaining.check(world)) == []
    assert maintaining.rebuild(world, actor="test") == 0
    with reading(world) as connection:
        versions = select(func.count()).where(Document.id == "study", Document.change == "updated")
        assert connection.scalars(versions).one() == len(EDITS)


def test_a_note_is_written_in_few_statements(world: Engine, statements: list[str]) -> None:
    change(world, [("studies", {**STUDY, "note": "One."})])
    statements.clear()
    change(world, [("studies", {**STUDY, "note": "Another."})])
    written = [sql.split()[0] for sql in statements if not sql.startswith("SELECT")]
    assert len(statements) <= 46
    # the revision, the record's own row, its quotes, which were found again now, the version before, and the state
    assert written.count("UPDATE") == 4
    assert written.count("DELETE") == 1
