"""What an import does with all its items: faults, repetitions, dry runs, withdrawals, batches."""

from typing import Any

import orjson
import pytest
from sqlalchemy import Engine
from sqlalchemy import delete as delete_rows

from app.database.migrations import migrate
from app.imports.candidates import Candidate, Found, ImportWarning, PartialUpdate, Rejection, SourceItem
from app.store import integrity as maintaining
from app.store.import_models import Conflict, Imported
from tests.changing import CITED, SOURCE, change
from tests.importing import paper, take, taken_back, trial
from tests.imports.merging.stored import BY_HAND, by_hand, count, document, edit, ids, of_label, revision


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
    report = take(engine, trial()._replace(warnings=said)).as_json()
    assert report["warnings"]["condition-kept-as-text"]["count"] == 30
    assert len(report["warnings"]["condition-kept-as-text"]["texts"]) == 20
    assert orjson.loads(orjson.dumps(report)) == report


def test_garbage_is_refused_and_breaks_nothing(engine: Engine) -> None:
    garbage: list[Any] = [None, 7, [], {}, {"id": 7}, {"id": "x", "registry_ids": {"a": 1}, "publications": [7, {}]}]
    units = [SourceItem(f"unit {number}", (Candidate("studies", data),)) for number, data in enumerate(garbage)]
    report = take(engine, *units, trial(), on_error="skip")
    assert (report.units.refused, report.units.applied) == (len(garbage), 1)


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
    """Without its tables, nothing is known about imports; afterwards, titles find publications again."""
    title = "OnabotulinumtoxinA for treatment of chronic migraine"
    take(engine, paper("1", title=title, year=2010), format="pubmed")
    migrate(engine, "0006")
    migrate(engine)
    assert count(engine, Imported) == 0
    maintaining.rebuild(engine, actor="test")
    offered = paper("1", title=title, year=2010).candidates[1].data
    unknown = {name: value for name, value in offered.items() if name != "pmid"} | {"id": "by-title"}
    unit = paper("1")
    report = take(
        engine,
        unit._replace(candidates=(unit.candidates[0], Candidate("publications", unknown))),
        format="ris",
        name="two",
    )
    assert report.units.refused == 0
    assert ids(engine, "publications") == {"pmid-1"}


def test_a_batch_costs_a_fixed_number_of_statements(engine: Engine, statements: list[str]) -> None:
    def cost(many: int) -> tuple[int, int]:
        """The statements of an import that creates half of its records and merges the others, and of its repetition."""
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
    """An edit and the next import both start from the record as it was last entered."""

    def citing(number: str, **more: Any) -> SourceItem:
        unit = trial(number, publications=[{"publication": "pmid-1"}])
        source = unit.candidates[0].data["id"]
        offered = {"id": "pmid-1", "pmid": "1", "title": "A paper", "provenance": [{"source": source}], **more}
        return unit._replace(candidates=(unit.candidates[0], Candidate("publications", offered), unit.candidates[1]))

    between = [trial(f"NCT1{number:07}") for number in range(300)]
    found = [citing("NCT00000001", volume="7"), *between, citing("NCT00000002", year=2010)]
    take(engine, *found)
    edit(engine, "publications", "pmid-1", note="Ours.")
    told = document(engine, "publications", "pmid-1")
    assert (told["volume"], told["year"], told["note"]) == ("7", 2010, "Ours.")
    assert [cited["source"] for cited in told["provenance"]] == ["ctgov-nct00000001", "ctgov-nct00000002"]
    assert take(engine, *found, name="two").revision is None
    take(engine, citing("NCT00000002", year=2011), name="three")  # the origin of each value is still known
    told = document(engine, "publications", "pmid-1")
    assert (told["volume"], told["year"]) == ("7", 2011)


def test_what_is_shown_anew_and_then_entered_in_one_run_is_entered(engine: Engine) -> None:
    by_hand(engine)
    take(engine, trial(enrolled=700))
    mention = PartialUpdate("studies", "NCT00000001", {"phase": "3"})
    between = [trial(f"NCT1{number:07}") for number in range(300)]
    late = trial("NCT00000009")._replace(partial_updates=(mention,))
    take(engine, trial(enrolled=720), *between, late, name="two")
    edit(engine, "studies", "our-trial", note="Ours.")
    assert document(engine, "studies", "our-trial")["phase"] == "3"
    undo_of_edit = document(engine, "studies", "our-trial")["conflicts"]
    assert [each["proposed"] for each in undo_of_edit if each["field"] == "enrolled"] == [720]


def test_the_unit_that_is_at_fault_is_refused(engine: Engine) -> None:
    """Another product has the brand that the second item adds to the first product."""
    by_hand(engine, "products", {"id": "other", "name": "Other", "brand_names": ["Taken"], **CITED})
    good = of_label("NCT00000001", "products", {"id": "p", "name": "Good"})
    wrong = of_label("NCT00000002", "products", {"id": "p", "name": "Good", "synonyms": ["Taken"]})
    report = take(engine, good, wrong, format="label", on_error="skip")
    assert [refusal["place"] for refusal in report.refusals] == ["NCT00000002"]
    assert "p" in ids(engine, "products")


@pytest.mark.parametrize("between", [0, 300])
def test_what_comes_and_is_withdrawn_in_one_run_goes_in_the_next(engine: Engine, between: int) -> None:
    found = [paper("1"), *(paper(str(1000 + number)) for number in range(between)), taken_back("1")]
    report = take(engine, *found, format="pubmed")
    assert report.warnings["withdrawn-in-the-same-run"].count == 1
    assert "pmid-1" in ids(engine, "publications")
    take(engine, *found, format="pubmed", name="two")
    assert "pmid-1" not in ids(engine, "publications")
