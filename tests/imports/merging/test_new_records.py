"""Records that are new, unchanged or changed in an import."""

import pytest
from sqlalchemy import Engine

from app.common.problems import Problem
from app.database.engine import reading
from app.releases.summary import find_release as release_named
from app.store.import_models import Imported
from tests.importing import take, trial
from tests.imports.merging.stored import count, document, revision


def test_new_records_make_one_revision_and_one_release(engine: Engine) -> None:
    before = revision(engine)
    report = take(engine, trial("NCT00000001"), trial("NCT00000002"))
    assert report.counts["created"] == 4
    assert (report.units.read, report.units.applied, report.units.refused) == (2, 2, 0)
    assert report.revision == revision(engine) == before + 1
    with reading(engine) as connection:
        release = release_named(connection, "one")
    assert release is not None
    assert (release["revision"], release["actor"], release["counts"]["created"]) == (before + 1, "tester", 4)
    assert document(engine, "studies", "nct00000001")["conflicts"] == []


def test_what_is_unchanged_makes_nothing(engine: Engine) -> None:
    take(engine, trial(), trial("NCT00000002"))
    before, rows = revision(engine), count(engine, Imported)
    report = take(engine, trial(read_on="2026-12-24"), trial("NCT00000002"), name="two")
    assert (report.revision, report.units.unchanged, report.units.applied) == (None, 2, 0)
    assert (revision(engine), count(engine, Imported)) == (before, rows)
    assert document(engine, "sources", "ctgov-nct00000001")["retrieved_on"] == "2026-11-25"


def test_what_changed_makes_one_version(engine: Engine) -> None:
    take(engine, trial(enrolled=10, phase="2"))
    report = take(engine, trial(enrolled=20, sha="c", read_on="2026-12-24"), name="two")
    assert (report.counts["updated"], report.counts["created"]) == (2, 0)
    study = document(engine, "studies", "nct00000001")
    assert (study["enrolled"], study["phase"], study["conflicts"]) == (20, None, [])
    assert document(engine, "sources", "ctgov-nct00000001")["retrieved_on"] == "2026-12-24"


def test_a_name_is_given_once(engine: Engine) -> None:
    take(engine, trial())
    with pytest.raises(Problem, match="release"):
        take(engine, trial("NCT00000002"))
