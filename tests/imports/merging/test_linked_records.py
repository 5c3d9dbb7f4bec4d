"""Which stored record an offered one is: by registration, publication, title, address or name."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app.imports.candidates import Candidate, PartialUpdate, SourceItem
from tests.changing import CITED, SOURCE, Json, change
from tests.importing import paper, take, trial
from tests.imports.merging.stored import BY_HAND, by_hand, document, edit, ids, of_label, revision


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
    take(engine, paper("2", partial_updates=(mention,)), format="pubmed")
    assert document(engine, "publications", "aurora")["retraction_state"] == "retracted"
    take(engine, paper("1", title="Bad", retraction_state="none"), format="pubmed", name="two")
    told = document(engine, "publications", "aurora")
    assert told["retraction_state"] == "retracted"
    assert [(one["field"], one["rule"]) for one in told["conflicts"]] == [
        ("retraction_state", "worst-retraction-state")
    ]


def test_a_mention_of_what_nobody_has_is_of_no_matter(engine: Engine) -> None:
    mention = PartialUpdate("publications", "99", {"retraction_state": "retracted"})
    assert take(engine, paper("2", partial_updates=(mention,)), format="pubmed").units.applied == 1
    assert ids(engine, "publications") == {"pmid-2"}


def test_a_notice_may_come_long_before_what_it_retracts(engine: Engine) -> None:
    mention = PartialUpdate("publications", "9000", {"retraction_state": "retracted"})
    found = [paper("2", partial_updates=(mention,)), *(paper(str(1000 + n)) for n in range(300)), paper("9000")]
    assert take(engine, *found, format="pubmed").units.applied == 302
    assert document(engine, "publications", "pmid-9000")["retraction_state"] == "retracted"
    assert take(engine, *found, format="pubmed", name="two").revision is None


def test_pubmed_comes_first_for_bibliography_whoever_came_first(engine: Engine) -> None:
    other = paper("1", title="Paper one.", year=2011)
    pubmed = paper("1", title="Paper one", journal="Pain")
    source = other.candidates[0].data | {"id": "export", "url": "https://example.org/export.ris"}
    ris = SourceItem("1", (Candidate("sources", source), Candidate("publications", _citing(other, "export"))))
    take(engine, ris, format="ris")
    take(engine, pubmed, format="pubmed", name="two")
    told = document(engine, "publications", "pmid-1")
    assert (told["title"], told["journal"], told["year"]) == ("Paper one", "Pain", 2011)
    assert [(one["source"], one["current_source"], one["rule"]) for one in told["conflicts"]] == [
        ("export", "pubmed-1", "pubmed-for-bibliography")
    ]


def _citing(unit: SourceItem, source: str) -> Json:
    return unit.candidates[1].data | {"provenance": [{"source": source}]}


def test_a_source_is_found_by_its_address(engine: Engine) -> None:
    address = "https://clinicaltrials.gov/study/NCT00000001"
    ours: Json = {"id": "ours", "kind": "web-page", "tier": "primary", "title": "The registry", "url": address}
    assert change(engine, [("sources", ours)])
    take(engine, trial())
    assert ids(engine, "sources") == {"ours"}
    source = document(engine, "sources", "ours")
    assert (source["title"], source["kind"], source["retrieved_on"]) == ("The registry", "web-page", "2026-11-25")
    assert document(engine, "studies", "nct00000001")["provenance"][0]["source"] == "ours"


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
        source = unit.candidates[0].data["id"]
        offered = {"id": "pmid-1", "pmid": "1", "title": "A paper", "provenance": [{"source": source}], **more}
        return unit._replace(candidates=(unit.candidates[0], Candidate("publications", offered), unit.candidates[1]))

    report = take(engine, citing("NCT00000001"), citing("NCT00000002", year=2010))
    assert report.units.applied == 2
    told = document(engine, "publications", "pmid-1")
    assert [cited["source"] for cited in told["provenance"]] == ["ctgov-nct00000001", "ctgov-nct00000002"]
    assert told["year"] == 2010
    assert len(told["studies"]) == 2
    before = revision(engine)
    again = take(engine, citing("NCT00000001"), citing("NCT00000002", year=2010), name="two")
    assert (again.revision, again.units.unchanged, revision(engine)) == (None, 2, before)


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
    return SourceItem(doi, (paper("1").candidates[0], Candidate("publications", data)))


def test_words_that_make_one_id_of_two_dois_make_two_publications(engine: Engine) -> None:
    first, second = by_doi("10.1000/x.1"), by_doi("10.1000/x-1")
    take(engine, first, format="references")
    take(engine, second, format="references", name="two")
    assert len(ids(engine, "publications")) == 2
    again = take(engine, first, second, format="references", name="three")
    assert (again.revision, len(ids(engine, "publications"))) == (None, 2)


def test_indications_of_one_slug_and_two_names_are_two(engine: Engine) -> None:
    alpha, beta = (
        of_label(number, "indications", {"id": "thalassemia", "name": name})
        for number, name in (("NCT00000001", "α-Thalassemia"), ("NCT00000002", "β-Thalassemia"))
    )
    take(engine, alpha, format="label")
    take(engine, beta, format="label", name="two")
    assert len(ids(engine, "indications")) == 2
    assert take(engine, alpha, beta, format="label", name="three").revision is None


def test_what_a_batch_adds_to_a_record_finds_it_in_the_same_batch(engine: Engine) -> None:
    by_hand(engine, "publications", {"id": "aurora", "pmid": "1", "title": "A paper", **CITED})
    take(engine, paper("1", doi="10.1000/y"), by_doi("10.1000/y"), format="references")
    assert ids(engine, "publications") == {"aurora"}


@pytest.mark.parametrize("article_first", [True, False])
def test_a_report_that_the_registry_names_is_linked_whichever_comes_first(engine: Engine, article_first: bool) -> None:
    registered = trial(reported_pmids=["7"], publications=[{"publication": "pmid-7"}])
    steps = [("pubmed", paper("7")), ("ctgov", registered)]
    for number, (format, item) in enumerate(steps if article_first else reversed(steps)):
        take(engine, item, format=format, name=f"step-{number}")
    study = document(engine, "studies", "nct00000001")
    assert [report["id"] for report in study["publications"]] == ["pmid-7"]
    assert study["reported_pmids"] == ["7"]
