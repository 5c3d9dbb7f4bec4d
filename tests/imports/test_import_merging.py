"""What becomes of offers: new records, merged ones, joined ones, refused ones; and what the next import makes of it."""

from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy import delete as delete_rows

from app.auth.audit import Who
from app.common.problems import Problem
from app.database.engine import reading
from app.database.migrations import migrate
from app.editing.service import Change, delete, patch
from app.imports.candidates import Candidate, Found, ImportWarning, PartialUpdate, Rejection, SourceItem
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.releases.summary import find_release as release_named
from app.store import integrity as maintaining
from app.store.documents import Document, State
from app.store.import_models import Conflict, Imported
from app.store.revision import changing
from tests import importing
from tests.changing import CITED, SOURCE, Json, change
from tests.importing import paper, take, taken_back, trial, undo

BY_HAND: Json = {"id": "our-trial", "title": "Our title", "registry_ids": ["NCT00000001"], "enrolled": 679, **CITED}


def document(engine: Engine, type: RecordType, id: str) -> Json:
    with reading(engine) as connection:
        of = (Document.type == type, Document.id == id, Document.until_revision.is_(None))
        body = connection.scalars(select(Document.body).where(*of)).one()
    said: Json = orjson.loads(body)
    return said


def ids(engine: Engine, type: RecordType) -> set[str]:
    with reading(engine) as connection:
        of = (Document.type == type, Document.until_revision.is_(None))
        return set(connection.scalars(select(Document.id).where(*of)))


def revision(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalars(select(State.revision)).one()


def count(engine: Engine, table: Any) -> int:
    with reading(engine) as connection:
        return connection.scalars(select(func.count()).select_from(table)).one()


def edit(engine: Engine, type: RecordType, id: str, **fields: Any) -> None:
    with changing(engine) as connection:
        patch(connection, RESOURCES[type], id, fields, Change(Who("editor"), "corrected"))


def by_hand(engine: Engine, type: RecordType = "studies", record: Json = BY_HAND) -> None:
    assert change(engine, [SOURCE, (type, record)])


@pytest.fixture(autouse=True)
def _how(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is offered comes made ready to one database and as it was read to the other; test_importing_ready and
    test_importing_machine have both ways, and mixtures of them, on both."""
    monkeypatch.setattr(importing, "is_ready", lambda: engine.dialect.name == "sqlite")


@pytest.fixture(autouse=True)
def _proven(engine: Engine) -> Any:
    """Whatever a test does, every layer follows from the one before."""
    yield
    assert list(maintaining.check(engine)) == []


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


def test_what_a_person_entered_stands_and_the_rest_is_filled(engine: Engine) -> None:
    by_hand(engine)
    report = take(engine, trial(enrolled=700, phase="3"))
    assert report.counts["updated"] == 1
    assert ids(engine, "studies") == {"our-trial"}
    study = document(engine, "studies", "our-trial")
    assert (study["title"], study["enrolled"], study["phase"]) == ("Our title", 679, "3")
    assert [cited["source"] for cited in study["provenance"]] == ["s", "ctgov-nct00000001"]
    told = {
        one["field"]: (one["current"], one["current_source"], one["proposed"], one["rule"])
        for one in study["conflicts"]
    }
    assert told == {
        "enrolled": (679, None, 700, "person-first"),
        "title": ("Our title", None, "Trial NCT00000001", "person-first"),
    }
    assert (report.conflicts_opened, report.conflicts_total) == (2, 2)


def test_an_edit_after_an_import_stands_and_shows_at_once(engine: Engine) -> None:
    take(engine, trial(enrolled=700))
    edit(engine, "studies", "nct00000001", enrolled=679)
    shown = document(engine, "studies", "nct00000001")["conflicts"]
    assert [(one["field"], one["current"], one["proposed"]) for one in shown] == [("enrolled", 679, 700)]
    before = revision(engine)
    assert take(engine, trial(enrolled=700), name="two").revision is None
    assert revision(engine) == before
    take(engine, trial(enrolled=720, sha="c"), name="three")
    study = document(engine, "studies", "nct00000001")
    assert (study["enrolled"], study["conflicts"][0]["proposed"]) == (679, 720)
    edit(engine, "studies", "nct00000001", enrolled=720)
    assert document(engine, "studies", "nct00000001")["conflicts"] == []


def test_a_conflict_goes_when_the_source_agrees(engine: Engine) -> None:
    by_hand(engine)
    take(engine, trial(enrolled=700, title="Our title"))
    assert count(engine, Conflict) == 1
    report = take(engine, trial(enrolled=679, title="Our title"), name="two")
    assert (report.conflicts_total, count(engine, Conflict)) == (0, 0)
    take(engine, trial(enrolled=700, title="Our title"), name="three")
    assert document(engine, "studies", "our-trial")["enrolled"] == 679


def test_what_a_person_took_out_stays_out(engine: Engine) -> None:
    take(engine, trial(enrolled=700, phase="3", sha="a"))
    edit(engine, "studies", "nct00000001", enrolled=None, absent={"phase": "not-reported"}, phase=None)
    take(engine, trial(enrolled=710, phase="3", sha="c"), name="two")
    study = document(engine, "studies", "nct00000001")
    assert (study["enrolled"], study["phase"], study["absent"]) == (None, None, {"phase": "not-reported"})
    assert {(one["field"], one["proposed"]) for one in study["conflicts"]} == {("enrolled", 710), ("phase", "3")}


def test_results_go_together(engine: Engine) -> None:
    arms = [{"key": "a", "name": "A", "n": 10}]
    results = [{"measure": "Pain", "kind": "continuous", "results": [{"arm": "a", "mean": 1}]}]
    ours = [{"key": "ours", "name": "Ours"}]
    by_hand(engine, record=BY_HAND | {"arms": ours})
    take(engine, trial(arms=arms, outcomes=results))
    study = document(engine, "studies", "our-trial")
    assert [arm["key"] for arm in study["arms"]] == ["ours"]
    assert study["outcomes"] == []
    assert {one["field"] for one in study["conflicts"]} == {"arms", "outcomes", "title"}


def test_an_offer_that_would_break_a_rule_leaves_what_is_there(engine: Engine) -> None:
    by_hand(engine, record=BY_HAND | {"start_date": "2012"})
    report = take(engine, trial(completion_date="2010", phase="3"))
    study = document(engine, "studies", "our-trial")
    assert (study["start_date"], study["completion_date"]) == ("2012", None)
    assert report.units.refused == 0


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
    take(engine, paper("5", mentions=(RETRACTED,)), format="pubmed", name="two")
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


def test_the_same_trial_from_registry_and_paper_is_one_study(engine: Engine) -> None:
    by_hand(engine)
    take(engine, paper("1", registry_ids=["NCT00000001"]), format="pubmed")
    take(engine, trial(phase="3"), name="two")
    assert ids(engine, "studies") == {"our-trial"}
    study = document(engine, "studies", "our-trial")
    assert [report["id"] for report in study["publications"]] == ["pmid-1"]
    assert document(engine, "publications", "pmid-1")["studies"][0]["id"] == "our-trial"


def test_joining_goes_both_ways(engine: Engine) -> None:
    take(engine, paper("1", registry_ids=["NCT00000001"]), format="pubmed")
    take(engine, trial(), name="two")
    assert [each["id"] for each in document(engine, "studies", "nct00000001")["publications"]] == ["pmid-1"]
    before = revision(engine)
    assert take(engine, paper("1", registry_ids=["NCT00000001"]), format="pubmed", name="three").revision is None
    assert take(engine, trial(), name="four").revision is None
    assert revision(engine) == before


def test_a_link_that_a_person_took_out_is_not_put_back(engine: Engine) -> None:
    take(engine, trial())
    take(engine, paper("1", registry_ids=["NCT00000001"]), format="pubmed", name="two")
    edit(engine, "studies", "nct00000001", publications=[])
    take(engine, paper("1", registry_ids=["NCT00000001"], year=2010), format="pubmed", name="three")
    take(engine, trial(phase="3", sha="c"), name="four")
    study = document(engine, "studies", "nct00000001")
    assert (study["publications"], study["phase"]) == ([], "3")


def test_a_study_finds_publications_by_their_pmid_and_drops_the_others(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    links = [{"publication": "pmid-1"}, {"publication": "pmid-2"}]
    report = take(engine, trial(publications=links))
    assert [each["id"] for each in document(engine, "studies", "nct00000001")["publications"]] == ["aurora"]
    assert (report.dropped_links, report.warnings["publication-not-here"].texts) == (1, ["NCT00000001: pmid-2"])


def test_a_study_without_a_registration_is_found_by_its_publication(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    study = {"id": "ours", "title": "Ours", "publications": [{"publication": "aurora"}], **CITED}
    assert change(engine, [("studies", study)])
    take(engine, trial(publications=[{"publication": "pmid-1"}]))
    assert ids(engine, "studies") == {"ours"}
    assert document(engine, "studies", "ours")["registry_ids"] == ["NCT00000001"]


def test_several_studies_of_one_registration(engine: Engine) -> None:
    main = BY_HAND | {"id": "main", "title": "Main"}
    extension = BY_HAND | {"id": "extension", "title": "Extension", "registry_ids": ["NCT00000001", "NCT00000009"]}
    assert change(engine, [SOURCE, ("studies", main), ("studies", extension)])
    take(engine, trial(phase="3"))
    assert document(engine, "studies", "main")["phase"] == "3"
    assert document(engine, "studies", "extension")["phase"] is None


def test_nothing_is_guessed(engine: Engine) -> None:
    one, other = (BY_HAND | {"id": id, "title": id} for id in ("one", "other"))
    assert change(engine, [SOURCE, ("studies", one), ("studies", other)])
    before = revision(engine)
    report = take(engine, trial(phase="3"))
    assert (report.units.skipped, report.revision, revision(engine)) == (1, None, before)
    assert report.warnings["ambiguous-study"].texts == ["NCT00000001: nct00000001 may be studies/one, studies/other"]


def test_publications_are_found_by_title_and_year(engine: Engine) -> None:
    title = "OnabotulinumtoxinA for treatment of chronic migraine"
    by_hand(engine, "publications", {"id": "aurora", "title": title, "year": 2010, **CITED})
    take(engine, paper("1", title=title.upper(), year=2010), format="pubmed")
    assert ids(engine, "publications") == {"aurora"}
    assert document(engine, "publications", "aurora")["pmid"] == "1"
    take(engine, paper("2", title=title, year=2010), format="pubmed", name="two")
    assert ids(engine, "publications") == {"aurora", "pmid-2"}


def test_one_doi_of_two_papers(engine: Engine) -> None:
    take(engine, paper("1", doi="10.1000/x"), paper("2", doi="10.1000/x"), format="pubmed")
    assert document(engine, "publications", "pmid-2")["doi"] is None
    assert document(engine, "publications", "pmid-1")["doi"] == "10.1000/x"


def test_the_worst_retraction_state_wins(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "Bad", "retraction_state": "none", **CITED})
    mention = PartialUpdate("publications", "1", {"retraction_state": "retracted"})
    take(engine, paper("2", mentions=(mention,)), format="pubmed")
    assert document(engine, "publications", "aurora")["retraction_state"] == "retracted"
    take(engine, paper("1", title="Bad", retraction_state="none"), format="pubmed", name="two")
    told = document(engine, "publications", "aurora")
    assert told["retraction_state"] == "retracted"
    assert [(one["field"], one["rule"]) for one in told["conflicts"]] == [
        ("retraction_state", "worst-retraction-state")
    ]


def test_a_mention_of_what_nobody_has_is_of_no_matter(engine: Engine) -> None:
    mention = PartialUpdate("publications", "99", {"retraction_state": "retracted"})
    assert take(engine, paper("2", mentions=(mention,)), format="pubmed").units.applied == 1
    assert ids(engine, "publications") == {"pmid-2"}


def test_a_notice_may_come_long_before_what_it_retracts(engine: Engine) -> None:
    mention = PartialUpdate("publications", "9000", {"retraction_state": "retracted"})
    found = [paper("2", mentions=(mention,)), *(paper(str(1000 + n)) for n in range(300)), paper("9000")]
    assert take(engine, *found, format="pubmed").units.applied == 302
    assert document(engine, "publications", "pmid-9000")["retraction_state"] == "retracted"
    assert take(engine, *found, format="pubmed", name="two").revision is None


def test_pubmed_comes_first_for_bibliography_whoever_came_first(engine: Engine) -> None:
    other = paper("1", title="Paper one.", year=2011)
    pubmed = paper("1", title="Paper one", journal="Pain")
    source = other.offers[0].data | {"id": "export", "url": "https://example.org/export.ris"}
    ris = SourceItem("1", (Candidate("sources", source), Candidate("publications", _citing(other, "export"))))
    take(engine, ris, format="ris")
    take(engine, pubmed, format="pubmed", name="two")
    told = document(engine, "publications", "pmid-1")
    assert (told["title"], told["journal"], told["year"]) == ("Paper one", "Pain", 2011)
    assert [(one["source"], one["current_source"], one["rule"]) for one in told["conflicts"]] == [
        ("export", "pubmed-1", "pubmed-for-bibliography")
    ]


def _citing(unit: SourceItem, source: str) -> Json:
    return unit.offers[1].data | {"provenance": [{"source": source}]}


def test_a_source_is_found_by_its_address(engine: Engine) -> None:
    address = "https://clinicaltrials.gov/study/NCT00000001"
    ours: Json = {"id": "ours", "kind": "web-page", "tier": "primary", "title": "The registry", "url": address}
    assert change(engine, [("sources", ours)])
    take(engine, trial())
    assert ids(engine, "sources") == {"ours"}
    source = document(engine, "sources", "ours")
    assert (source["title"], source["kind"], source["retrieved_on"]) == ("The registry", "web-page", "2026-11-25")
    assert document(engine, "studies", "nct00000001")["provenance"][0]["source"] == "ours"


def test_stop_writes_nothing_and_tells_everything(engine: Engine) -> None:
    before = revision(engine)
    wrong = trial("NCT00000002", design="randomised")
    found: list[Found] = [
        trial(),
        wrong,
        Rejection("line 7", "/x", "no record"),
        trial("NCT00000003", products=["nobody"]),
    ]
    report = take(engine, *found)
    assert (report.stopped, report.revision, revision(engine)) == (True, None, before)
    assert (report.units.read, report.units.refused, report.refusals_total) == (4, 3, 3)
    assert [(each["place"], each["pointer"]) for each in report.refusals] == [
        ("line 7", "/x"),
        ("NCT00000002", "/design"),
        ("NCT00000003", "/products/0"),
    ]
    assert report.refusals[1]["record"] == "studies/nct00000002"
    assert "randomized-controlled-trial" in report.refusals[1]["nearest"]


def test_skip_leaves_out_whole_units(engine: Engine) -> None:
    wrong = trial("NCT00000002", design="randomised")
    report = take(engine, trial(), wrong, Rejection("line 7", "", "no record"), on_error="skip")
    assert (report.stopped, report.units.applied, report.units.refused) == (False, 1, 2)
    assert ids(engine, "studies") == {"nct00000001"}
    assert ids(engine, "sources") == {"ctgov-nct00000001"}


def test_twice_in_one_run(engine: Engine) -> None:
    report = take(engine, trial(), trial(), trial(phase="3"), on_error="skip")
    assert (report.units.applied, report.units.unchanged, report.units.refused) == (1, 1, 1)
    assert report.refusals[0]["detail"] == "studies/nct00000001 stands here twice (first at NCT00000001)"
    assert document(engine, "studies", "nct00000001")["phase"] is None


def test_twice_in_one_run_far_apart(engine: Engine) -> None:
    between = [trial(f"NCT1{number:07}") for number in range(300)]
    report = take(engine, trial(), *between, trial(phase="3"), on_error="skip")
    assert (report.units.applied, report.units.refused) == (301, 1)
    assert take(engine, trial(), *between, trial(), name="two").units.unchanged == 302
    assert report.refusals[0]["detail"] == "studies/nct00000001 stands here twice (first before)"


def test_what_citation_managers_export_twice_is_taken_once(engine: Engine) -> None:
    between = [paper(str(number)) for number in range(10, 310)]
    found = [
        paper(title="Botulinum toxin"),
        *between,
        paper(title="BOTULINUM TOXIN."),
        paper("7"),
        paper("7", volume="3"),
    ]
    report = take(engine, *found, format="references")
    assert (report.units.applied, report.units.unchanged, report.units.refused) == (302, 2, 0)
    assert report.warnings["duplicate"].count == 2
    assert document(engine, "publications", "pmid-1")["title"] == "Botulinum toxin"
    second = take(engine, *found, format="references", name="two")
    assert (second.revision, second.units.unchanged) == (None, 304)


def test_several_units_offer_one_publication(engine: Engine) -> None:
    def citing(number: str, **more: Any) -> SourceItem:
        unit = trial(number, publications=[{"publication": "pmid-1"}])
        source = unit.offers[0].data["id"]
        offered = {"id": "pmid-1", "pmid": "1", "title": "A paper", "provenance": [{"source": source}], **more}
        return unit._replace(offers=(unit.offers[0], Candidate("publications", offered), unit.offers[1]))

    report = take(engine, citing("NCT00000001"), citing("NCT00000002", year=2010))
    assert report.units.applied == 2
    told = document(engine, "publications", "pmid-1")
    assert [cited["source"] for cited in told["provenance"]] == ["ctgov-nct00000001", "ctgov-nct00000002"]
    assert told["year"] == 2010
    assert len(told["studies"]) == 2
    before = revision(engine)
    again = take(engine, citing("NCT00000001"), citing("NCT00000002", year=2010), name="two")
    assert (again.revision, again.units.unchanged, revision(engine)) == (None, 2, before)


def test_a_dry_run_tells_the_same_and_changes_nothing(engine: Engine) -> None:
    by_hand(engine)
    before = revision(engine)
    tried = take(engine, trial(enrolled=700), trial("NCT00000002"), dry_run=True).as_json()
    assert revision(engine) == before
    assert count(engine, Imported) == 0
    done = take(engine, trial(enrolled=700), trial("NCT00000002")).as_json()
    assert tried | {"revision": None} == done | {"revision": None}


def test_a_withdrawn_record_goes_if_nobody_needs_it(engine: Engine) -> None:
    take(engine, paper("1"), paper("2"), paper("3"), format="pubmed")
    edit(engine, "publications", "pmid-2", note="Ours.")
    study = {"id": "x", "title": "X", "publications": [{"publication": "pmid-3"}], **CITED}
    assert change(engine, [SOURCE, ("studies", study)])
    back = [taken_back(pmid) for pmid in "1234"]
    report = take(engine, *back, format="pubmed", name="two")
    assert report.counts["deleted"] == 1
    assert ids(engine, "publications") == {"pmid-2", "pmid-3"}
    assert report.warnings["withdrawn-but-in-use"].count == 2
    assert take(engine, paper("1"), format="pubmed", name="three").counts["restored"] == 1


def test_remarks_are_counted(engine: Engine) -> None:
    said = tuple(ImportWarning("condition-kept-as-text", f"Pain {number}") for number in range(30))
    report = take(engine, trial()._replace(remarks=said)).as_json()
    assert report["warnings"]["condition-kept-as-text"]["count"] == 30
    assert len(report["warnings"]["condition-kept-as-text"]["texts"]) == 20
    assert orjson.loads(orjson.dumps(report)) == report


def test_garbage_is_refused_and_breaks_nothing(engine: Engine) -> None:
    garbage: list[Any] = [None, 7, [], {}, {"id": 7}, {"id": "x", "registry_ids": {"a": 1}, "publications": [7, {}]}]
    units = [SourceItem(f"unit {number}", (Candidate("studies", data),)) for number, data in enumerate(garbage)]
    report = take(engine, *units, trial(), on_error="skip")
    assert (report.units.refused, report.units.applied) == (len(garbage), 1)


def test_a_record_that_cannot_be_changed_is_left_as_it_is(engine: Engine) -> None:
    """Its quote has gone from its source: whoever enters it anew has to look for another."""
    quoting = BY_HAND | {"provenance": [{"source": "s", "quote": "Pain fell."}]}
    by_hand(engine, record=quoting)
    assert change(engine, [("sources", SOURCE[1] | {"text": "Nothing of the kind."})])
    report = take(engine, trial(phase="3"), trial("NCT00000002"))
    assert report.units.refused == 0
    assert report.warnings["left-as-it-is"].count == 1
    assert document(engine, "studies", "our-trial")["phase"] is None
    assert change(engine, [SOURCE])


def test_spoilt_conflicts_are_found_and_made_anew(engine: Engine) -> None:
    by_hand(engine)
    take(engine, trial(enrolled=700))
    good = document(engine, "studies", "our-trial")
    with engine.begin() as connection:
        connection.execute(delete_rows(Conflict).where(Conflict.field == "enrolled"))
    found = list(maintaining.check(engine))
    assert "studies/our-trial: the conflicts are not what was entered and imported" in found
    maintaining.rebuild(engine, actor="test")
    assert document(engine, "studies", "our-trial") == good


def test_migrations_keep_what_is_imported_until_they_cannot(engine: Engine) -> None:
    """Without its tables nothing is known of imports; titles find publications again afterwards."""
    title = "OnabotulinumtoxinA for treatment of chronic migraine"
    take(engine, paper("1", title=title, year=2010), format="pubmed")
    migrate(engine, "0006")
    migrate(engine)
    assert count(engine, Imported) == 0
    maintaining.rebuild(engine, actor="test")
    offered = paper("1", title=title, year=2010).offers[1].data
    unknown = {name: value for name, value in offered.items() if name != "pmid"} | {"id": "by-title"}
    unit = paper("1")
    report = take(
        engine, unit._replace(offers=(unit.offers[0], Candidate("publications", unknown))), format="ris", name="two"
    )
    assert report.units.refused == 0
    assert ids(engine, "publications") == {"pmid-1"}


def test_a_batch_costs_a_fixed_number_of_statements(engine: Engine, statements: list[str]) -> None:
    def cost(many: int) -> tuple[int, int]:
        """Of an import that creates half of its records and merges the others, and of the same again."""
        numbers = [f"NCT{many}{number:05}" for number in range(many)]
        hand = [BY_HAND | {"id": f"by-hand-{n.lower()}", "registry_ids": [n]} for n in numbers[: many // 2]]
        assert change(engine, [SOURCE, *(("studies", record) for record in hand)])
        papers = [paper(f"{many}{n:05}", registry_ids=[number]) for n, number in enumerate(numbers)]
        take(engine, *papers, format="pubmed", name=f"papers-{many}")
        sent = []
        for again in ("first", "again"):
            statements.clear()
            take(engine, *(trial(number, enrolled=9) for number in numbers), name=f"trials-{many}-{again}")
            sent.append(len(statements))
        return sent[0], sent[1]

    few, many = cost(10), cost(120)
    assert few == many
    assert few[1] <= 20


def test_what_is_said_in_two_batches_of_a_run_is_entered(engine: Engine) -> None:
    """Who edits a record begins with what was entered last, and so does the next import."""

    def citing(number: str, **more: Any) -> SourceItem:
        unit = trial(number, publications=[{"publication": "pmid-1"}])
        source = unit.offers[0].data["id"]
        offered = {"id": "pmid-1", "pmid": "1", "title": "A paper", "provenance": [{"source": source}], **more}
        return unit._replace(offers=(unit.offers[0], Candidate("publications", offered), unit.offers[1]))

    between = [trial(f"NCT1{number:07}") for number in range(300)]
    found = [citing("NCT00000001", volume="7"), *between, citing("NCT00000002", year=2010)]
    take(engine, *found)
    edit(engine, "publications", "pmid-1", note="Ours.")
    told = document(engine, "publications", "pmid-1")
    assert (told["volume"], told["year"], told["note"]) == ("7", 2010, "Ours.")
    assert [cited["source"] for cited in told["provenance"]] == ["ctgov-nct00000001", "ctgov-nct00000002"]
    assert take(engine, *found, name="two").revision is None
    take(engine, citing("NCT00000002", year=2011), name="three")  # whose value is whose is still known
    told = document(engine, "publications", "pmid-1")
    assert (told["volume"], told["year"]) == ("7", 2011)


def test_what_is_shown_anew_and_then_entered_in_one_run_is_entered(engine: Engine) -> None:
    by_hand(engine)
    take(engine, trial(enrolled=700))
    mention = PartialUpdate("studies", "NCT00000001", {"phase": "3"})
    between = [trial(f"NCT1{number:07}") for number in range(300)]
    late = trial("NCT00000009")._replace(mentions=(mention,))
    take(engine, trial(enrolled=720), *between, late, name="two")
    edit(engine, "studies", "our-trial", note="Ours.")
    assert document(engine, "studies", "our-trial")["phase"] == "3"
    undo_of_edit = document(engine, "studies", "our-trial")["conflicts"]
    assert [each["proposed"] for each in undo_of_edit if each["field"] == "enrolled"] == [720]


EUDRACT = "2010-019999-19"


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("one", "two"),
    [
        (["NCT00000001", EUDRACT], ["NCT00000002", EUDRACT]),
        (["NCT00000001"], ["NCT00000002", "NCT00000001"]),
        (["NCT00000002", "NCT00000001"], ["NCT00000001"]),
    ],
    ids=["one number of a programme", "an extension names its parent", "the extension comes first"],
)
def test_relatives_of_a_trial_are_trials_of_their_own(
    engine: Engine, one: list[str], two: list[str], together: bool
) -> None:
    first, second = (trial(names[0], registry_ids=names) for names in (one, two))
    if together:
        take(engine, first, second)
    else:
        take(engine, first)
        take(engine, second, name="two")
    assert ids(engine, "studies") == {"nct00000001", "nct00000002"}


def test_a_registration_is_not_a_study_of_studies(engine: Engine) -> None:
    pooled = {"design": "pooled-analysis", "registry_ids": ["NCT00000001", "NCT00000002"], "enrolled": None}
    by_hand(engine, record={**BY_HAND, **pooled})
    take(engine, trial(), trial("NCT00000002"))
    assert ids(engine, "studies") == {"our-trial", "nct00000001", "nct00000002"}


def test_one_unregistered_study_is_found_by_one_trial(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    ours = {"id": "ours", "title": "A", "publications": [{"publication": "aurora"}], **CITED}
    assert change(engine, [("studies", ours)])
    links = [{"publication": "pmid-1"}]
    take(engine, trial(publications=links), trial("NCT00000002", publications=links))
    assert ids(engine, "studies") == {"ours", "nct00000002"}
    assert document(engine, "studies", "ours")["registry_ids"] == ["NCT00000001"]


def by_doi(doi: str) -> SourceItem:
    data = {"id": "doi-10-1000-x-1", "doi": doi, "title": f"Paper {doi}", "provenance": [{"source": "pubmed-1"}]}
    return SourceItem(doi, (paper("1").offers[0], Candidate("publications", data)))


def test_words_that_make_one_id_of_two_dois_make_two_publications(engine: Engine) -> None:
    first, second = by_doi("10.1000/x.1"), by_doi("10.1000/x-1")
    take(engine, first, format="references")
    take(engine, second, format="references", name="two")
    assert len(ids(engine, "publications")) == 2
    again = take(engine, first, second, format="references", name="three")
    assert (again.revision, len(ids(engine, "publications"))) == (None, 2)


def of_label(number: str, type: RecordType, data: Json) -> SourceItem:
    cited = {"provenance": [{"source": f"ctgov-{number.lower()}"}]}
    return SourceItem(number, (trial(number).offers[0], Candidate(type, data | cited)))


def test_indications_of_one_slug_and_two_names_are_two(engine: Engine) -> None:
    alpha, beta = (
        of_label(number, "indications", {"id": "thalassemia", "name": name})
        for number, name in (("NCT00000001", "α-Thalassemia"), ("NCT00000002", "β-Thalassemia"))
    )
    take(engine, alpha, format="label")
    take(engine, beta, format="label", name="two")
    assert len(ids(engine, "indications")) == 2
    assert take(engine, alpha, beta, format="label", name="three").revision is None


def test_the_unit_that_is_at_fault_is_refused(engine: Engine) -> None:
    """Another product has a brand that the second unit adds to the first one's."""
    by_hand(engine, "products", {"id": "other", "name": "Other", "brand_names": ["Taken"], **CITED})
    good = of_label("NCT00000001", "products", {"id": "p", "name": "Good"})
    wrong = of_label("NCT00000002", "products", {"id": "p", "name": "Good", "synonyms": ["Taken"]})
    report = take(engine, good, wrong, format="label", on_error="skip")
    assert [refusal["place"] for refusal in report.refusals] == ["NCT00000002"]
    assert "p" in ids(engine, "products")


def test_what_was_reverted_comes_back_though_others_mention_it(engine: Engine) -> None:
    take(engine, paper("2", retraction_state="retracted"), format="pubmed")
    mention = PartialUpdate("publications", "2", {"retraction_state": "retracted"})
    take(engine, paper("5", mentions=(mention,)), format="pubmed", name="two")
    undo(engine, "one")
    take(engine, paper("2", retraction_state="retracted"), format="pubmed", name="three")
    assert "pmid-2" in ids(engine, "publications")


def test_what_a_batch_adds_to_a_record_finds_it_in_the_same_batch(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    take(engine, paper("1", doi="10.1000/y"), by_doi("10.1000/y"), format="references")
    assert ids(engine, "publications") == {"aurora"}


def test_what_a_person_says_of_a_link_stands(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    links = [{"publication": "pmid-1"}]
    take(engine, trial(publications=links))
    edit(engine, "studies", "nct00000001", publications=[{"publication": "aurora", "reports_pooled_data": True}])
    for name in ("two", "three"):
        take(engine, trial(publications=links, sha=name[1]), name=name)
        assert document(engine, "studies", "nct00000001")["publications"][0]["reports_pooled_data"] is True


def test_how_a_person_spells_a_name_stands(engine: Engine) -> None:
    unit = of_label("NCT00000001", "products", {"id": "p", "name": "P", "brand_names": ["BOTOX", "Other"]})
    take(engine, unit, format="label")
    edit(engine, "products", "p", brand_names=["Botox", "Other"])
    take(engine, unit, format="label", name="two")
    assert document(engine, "products", "p")["brand_names"] == ["Botox", "Other"]


def test_what_a_person_adds_to_a_citation_stands(engine: Engine) -> None:
    take(engine, trial(enrolled=5))
    cited = [{"source": "ctgov-nct00000001", "paths": {"enrolled": "/a/b"}}]
    edit(engine, "studies", "nct00000001", provenance=cited)
    take(engine, trial(enrolled=5), name="two")
    assert document(engine, "studies", "nct00000001")["provenance"][0]["paths"] == {"enrolled": "/a/b"}


def test_what_a_source_says_of_its_own_link_changes(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    take(engine, trial(publications=[{"publication": "pmid-1"}]))
    take(engine, trial(publications=[{"publication": "pmid-1", "reports_pooled_data": True}]), name="two")
    assert document(engine, "studies", "nct00000001")["publications"][0]["reports_pooled_data"] is True


@pytest.mark.parametrize("between", [0, 300])
def test_what_comes_and_is_withdrawn_in_one_run_goes_in_the_next(engine: Engine, between: int) -> None:
    found = [paper("1"), *(paper(str(1000 + number)) for number in range(between)), taken_back("1")]
    report = take(engine, *found, format="pubmed")
    assert report.warnings["withdrawn-in-the-same-run"].count == 1
    assert "pmid-1" in ids(engine, "publications")
    take(engine, *found, format="pubmed", name="two")
    assert "pmid-1" not in ids(engine, "publications")
