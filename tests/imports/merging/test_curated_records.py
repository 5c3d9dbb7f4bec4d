"""What a person entered stands against what a source offers."""

from sqlalchemy import Engine

from app.store.import_models import Conflict
from tests.changing import CITED, SOURCE, change
from tests.importing import take, trial
from tests.imports.merging.stored import BY_HAND, by_hand, count, document, edit, ids, of_label, revision


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


def test_a_record_that_cannot_be_changed_is_left_as_it_is(engine: Engine) -> None:
    """The quote of the record is no longer in its source, so that the record cannot be entered again as it is."""
    quoting = BY_HAND | {"provenance": [{"source": "s", "quote": "Pain fell."}]}
    by_hand(engine, record=quoting)
    assert change(engine, [("sources", SOURCE[1] | {"text": "Nothing of the kind."})])
    report = take(engine, trial(phase="3"), trial("NCT00000002"))
    assert report.units.refused == 0
    assert report.warnings["left-as-it-is"].count == 1
    assert document(engine, "studies", "our-trial")["phase"] is None
    assert change(engine, [SOURCE])


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
