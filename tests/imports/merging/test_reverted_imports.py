"""A reverted import is as if it had not been, and what people did since stays."""

from typing import Any

from sqlalchemy import Engine

from app.auth.audit import Who
from app.editing.service import Change, delete
from app.imports.candidates import PartialUpdate
from app.records.registry import RESOURCES
from app.store.revision import changing
from tests.importing import paper, take, trial, undo
from tests.imports.merging.stored import BY_HAND, by_hand, document, ids, revision


def test_a_revert_is_as_if_it_had_not_been(engine: Engine) -> None:
    by_hand(engine)
    first = document(engine, "studies", "our-trial")
    take(engine, trial(enrolled=700, phase="3"), trial("NCT00000002"))
    imported = document(engine, "studies", "our-trial")
    undo(engine, "one")
    assert document(engine, "studies", "our-trial")["conflicts"] == []
    assert document(engine, "studies", "our-trial")["phase"] is None
    assert ids(engine, "studies") == {"our-trial"}
    report = take(engine, trial(enrolled=700, phase="3"), trial("NCT00000002"), name="two")
    assert report.counts["restored"] == 3
    again = document(engine, "studies", "our-trial")
    assert again == imported
    assert first["conflicts"] == []


def test_a_reverted_change_leaves_the_import_before_it(engine: Engine) -> None:
    take(engine, trial(enrolled=700))
    take(engine, trial(enrolled=720, sha="c"), name="two")
    undo(engine, "two")
    assert document(engine, "studies", "nct00000001")["enrolled"] == 700
    take(engine, trial(enrolled=730, sha="d"), name="three")
    study = document(engine, "studies", "nct00000001")
    assert (study["enrolled"], study["conflicts"]) == (730, [])


def test_a_revert_can_be_reverted(engine: Engine) -> None:
    take(engine, trial(enrolled=700))
    take(engine, trial(enrolled=720, sha="c"), name="two")
    undo(engine, "two")
    undo(engine, "revert-two")
    assert document(engine, "studies", "nct00000001")["enrolled"] == 720
    take(engine, trial(enrolled=730, sha="d"), name="three")
    assert document(engine, "studies", "nct00000001")["enrolled"] == 730


RETRACTED = PartialUpdate("publications", "2", {"retraction_state": "retracted"})


def offered_otherwise(engine: Engine) -> list[Any]:
    told = document(engine, "studies", "our-trial")["conflicts"]
    return [each["proposed"] for each in told if each["field"] == "enrolled"]


def test_what_a_reverted_import_said_in_passing_counts_no_more(engine: Engine) -> None:
    take(engine, paper("2", retraction_state="retracted"), format="pubmed")
    take(engine, paper("5", partial_updates=(RETRACTED,)), format="pubmed", name="two")
    undo(engine, "two")
    take(engine, paper("2", retraction_state="corrected"), format="pubmed", name="three")
    told = document(engine, "publications", "pmid-2")
    assert (told["retraction_state"], told["conflicts"]) == ("corrected", [])


def test_conflicts_are_again_what_they_were_before_a_reverted_import(engine: Engine) -> None:
    by_hand(engine)
    take(engine, trial(enrolled=700))
    take(engine, trial(enrolled=720, sha="c"), name="two")
    undo(engine, "two")
    assert offered_otherwise(engine) == [700]
    undo(engine, "revert-two")
    assert offered_otherwise(engine) == [720]


def test_an_import_that_changed_only_conflicts_can_be_reverted(engine: Engine) -> None:
    by_hand(engine)
    take(engine, trial(enrolled=700))
    assert take(engine, trial(enrolled=720), name="two").counts["refreshed"] == 1
    before = revision(engine)
    done = undo(engine, "two")
    assert (done["revision"], done["counts"]["refreshed"]) == (before + 1, 1)
    assert [(each["id"], each["change"]) for each in done["records"]] == [("our-trial", "refreshed")]
    assert offered_otherwise(engine) == [700]
    assert undo(engine, "revert-two")["revision"] == before + 2
    assert offered_otherwise(engine) == [720]


def test_a_revert_leaves_alone_what_people_deleted_since(engine: Engine) -> None:
    by_hand(engine, record=BY_HAND | {"id": "nct00000001"})
    take(engine, trial(enrolled=679))
    take(engine, trial(enrolled=700), name="two")
    with changing(engine) as connection:
        delete(connection, RESOURCES["studies"], "nct00000001", Change(Who("editor"), "not ours"))
    undo(engine, "two")
    report = take(engine, trial(enrolled=720), name="three")
    assert (report.units.skipped, ids(engine, "studies")) == (1, set())
    undo(engine, "revert-two")
    assert ids(engine, "studies") == set()


def test_what_people_deleted_stays_deleted(engine: Engine) -> None:
    take(engine, trial())
    with changing(engine) as connection:
        delete(connection, RESOURCES["studies"], "nct00000001", Change(Who("editor"), "not ours"))
    report = take(engine, trial(enrolled=5, sha="c"), name="two")
    assert (report.units.skipped, report.revision, ids(engine, "studies")) == (1, None, set())
    assert report.warnings["deleted-here"].texts == ["NCT00000001: studies/nct00000001"]


def test_what_was_reverted_comes_back_though_others_mention_it(engine: Engine) -> None:
    take(engine, paper("2", retraction_state="retracted"), format="pubmed")
    mention = PartialUpdate("publications", "2", {"retraction_state": "retracted"})
    take(engine, paper("5", partial_updates=(mention,)), format="pubmed", name="two")
    undo(engine, "one")
    take(engine, paper("2", retraction_state="retracted"), format="pubmed", name="three")
    assert "pmid-2" in ids(engine, "publications")
