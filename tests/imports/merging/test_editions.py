"""An older edition of a publisher's record never replaces a newer one, in whatever order the files come."""

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine

from app.imports.candidates import SourceItem
from app.imports.editions import Edition
from app.imports.report import Report
from tests.importing import paper, take, trial
from tests.imports.merging.stored import document

NEW, OLD = "2020-05-07", "2015-01-31"
FAR_APART = [trial(f"NCT1{number:07}") for number in range(300)]
"""Items that fill a batch, so that what comes before and after them is imported in different batches."""


def dated(item: SourceItem, date: str | None, version: int | None = None) -> SourceItem:
    """The item with an edition of its source."""
    source, *others = item.candidates
    stated = {"effective_date": date, "version": version}
    known = {name: value for name, value in stated.items() if value is not None}
    return item._replace(candidates=(source._replace(data=source.data | known), *others))


def newer(**fields: Any) -> SourceItem:
    return dated(trial(sha="a", status="completed", phase="3", **fields), NEW)


def older(**fields: Any) -> SourceItem:
    return dated(trial(sha="c", status="recruiting", keywords=["old"], **fields), OLD)


def state(engine: Engine) -> tuple[Any, ...]:
    study, source = document(engine, "studies", "nct00000001"), document(engine, "sources", "ctgov-nct00000001")
    return study["status"], study["phase"], study["keywords"], source["effective_date"]


IS_NEWER: tuple[Any, ...] = ("completed", "3", [], NEW)
IS_OLDER: tuple[Any, ...] = ("recruiting", None, ["old"], OLD)


def skips(report: Report) -> tuple[int, int, int, list[str]]:
    """The numbers of applied, unchanged and skipped items, and the texts about older ones."""
    units, known = report.units, report.warnings.get("older-than-stored")
    assert units.read == units.applied + units.unchanged + units.skipped + units.refused
    return units.applied, units.unchanged, units.skipped, known.texts if known else []


TEXT = f"NCT00000001: sources/ctgov-nct00000001: what came is of {OLD}; what stands is of {NEW}"


def test_an_older_record_is_skipped_and_named(engine: Engine) -> None:
    take(engine, newer())
    report = take(engine, older(), name="two")
    assert skips(report) == (0, 0, 1, [TEXT])
    assert (report.revision, state(engine)) == (None, IS_NEWER)


def test_a_newer_record_and_an_equally_old_one_are_imported(engine: Engine) -> None:
    take(engine, older())
    assert skips(take(engine, newer(), name="two")) == (1, 0, 0, [])
    assert state(engine) == IS_NEWER
    assert skips(take(engine, newer(), name="three")) == (0, 1, 0, [])
    again = dated(trial(sha="a", status="terminated", phase="3"), NEW)
    assert skips(take(engine, again, name="four")) == (1, 0, 0, [])
    assert state(engine)[0] == "terminated"


def test_an_older_record_is_imported_if_that_is_allowed(engine: Engine) -> None:
    take(engine, newer())
    assert skips(take(engine, older(), name="two", allow_older=True)) == (1, 0, 0, [])
    assert state(engine) == IS_OLDER


@pytest.mark.parametrize("between", [[], FAR_APART], ids=["one batch", "two batches"])
@pytest.mark.parametrize("allow_older", [False, True])
def test_the_order_in_a_run_does_not_matter(engine: Engine, between: list[SourceItem], allow_older: bool) -> None:
    for name, pair in (("old-first", (older(), newer())), ("new-first", (newer(), older()))):
        report = take(engine, pair[0], *between, pair[1], name=name, dry_run=True, allow_older=allow_older)
        assert skips(report) == (1 + len(between), 0, 1, [TEXT]), name
    take(engine, older(), *between, newer(), allow_older=allow_older)
    assert state(engine) == IS_NEWER
    assert skips(take(engine, newer(), *between, older(), name="two"))[:3] == (0, 1 + len(between), 1)


def test_of_three_editions_the_newest_stands(engine: Engine) -> None:
    middle = dated(trial(sha="d", status="suspended"), "2017-02")
    for number, editions in enumerate(permutations((older(), middle, newer()))):
        report = take(engine, *editions, name=f"order-{number}")
        assert (report.units.skipped, report.units.refused, state(engine)) == (2, 0, IS_NEWER)


def test_a_skipped_record_changes_nothing_at_all(engine: Engine) -> None:
    take(engine, newer(), format="ctgov")
    links = trial(sha="c", keywords=["old"], publications=[{"publication": "pmid-1"}])
    take(engine, paper("1"), format="pubmed", name="papers")
    report = take(engine, dated(links, OLD), name="two")
    assert report.revision is None
    assert document(engine, "studies", "nct00000001")["publications"] == []


def test_an_older_article_is_skipped(engine: Engine) -> None:
    take(engine, dated(paper(title="As corrected", journal="Pain"), "2024-03-01"), format="pubmed")
    report = take(engine, dated(paper(title="As first printed"), "2023-12-31"), format="references", name="two")
    assert skips(report)[2] == 1
    assert document(engine, "publications", "pmid-1")["title"] == "As corrected"


@pytest.mark.parametrize(
    ("mine", "theirs", "is_older"),
    [
        (Edition(2, "2024-01-01"), Edition(10, "2020-01-01"), True),
        (Edition(10, "2020-01-01"), Edition(2, "2024-01-01"), False),
        (Edition(3, "2020-01-01"), Edition(3, "2021-01-01"), True),
        (Edition(None, "2020-01-01"), Edition(3, "2021-01-01"), True),
        (Edition(None, "2020"), Edition(None, "2020-05-07"), False),
        (Edition(None, "2019"), Edition(None, "2020-05-07"), True),
        (Edition(), Edition(3, "2021-01-01"), False),
        (Edition(3, "2021-01-01"), Edition(), False),
        (Edition(3, "2021-01-01"), Edition(3, "2021-01-01"), False),
    ],
)
def test_which_edition_is_older(mine: Edition, theirs: Edition, is_older: bool) -> None:
    assert mine.is_older_than(theirs) is is_older


def test_a_batch_of_older_records_costs_a_fixed_number_of_statements(engine: Engine, statements: list[str]) -> None:
    def cost(many: int) -> int:
        numbers = [f"NCT{many}{number:05}" for number in range(many)]
        take(engine, *(dated(trial(number), NEW) for number in numbers), name=f"new-{many}")
        statements.clear()
        report = take(engine, *(dated(trial(number, phase="3"), OLD) for number in numbers), name=f"old-{many}")
        assert report.units.skipped == many
        return len(statements)

    assert cost(10) == cost(120)
