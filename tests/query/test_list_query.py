"""A question of a list is a value: made from values, it is the same as made from a query string."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from app.common.problems import Problem
from app.database.engine import reading
from app.query import pages
from app.query.name_resolution import resolve
from app.query.record_queries import ListQuery, read_list_query
from app.records.registry import RESOURCES

STUDIES = RESOURCES["studies"]
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("filters", "options", "raw"),
    [
        ({}, {}, ""),
        ({"year": "2005..2015"}, {"limit": 3}, "year=2005..2015&limit=3"),
        ({"design": ["cohort", "case-series"]}, {"sort": "-year,title"}, "design=cohort,case-series&sort=-year,title"),
        ({"sponsor": ["A, B", 'C "D"']}, {}, "sponsor=%22A,+B%22,%22C+%22%22D%22%22%22"),
        ({"phase": "not:4"}, {"as_of": MOMENT}, "phase=not:4&as_of=2026-01-31T12:00:00%2B00:00"),
        (
            {},
            {"q": "pain -migraine", "expand": False, "facets": ["phase"]},
            "q=pain+-migraine&expand=false&facets=phase",
        ),
        (
            {},
            {"ids": ["preempt-1"], "include": None, "format": "csv", "raw": True},
            "ids=preempt-1&format=csv&raw=true",
        ),
    ],
)
def test_values_make_the_query_of_their_query_string(filters: Any, options: Any, raw: str) -> None:
    formats = ("json", "csv")
    made = ListQuery.of(STUDIES, filters, formats, **options)
    parsed = read_list_query("studies", raw, formats)
    names = ("tests", "ids", "limit", "position", "facets", "facet_limit", "asked", "as_of", "raw", "format", "include")
    assert [getattr(made, name) for name in names] == [getattr(parsed, name) for name in names]
    assert [(key.name, key.descending) for key in made.sort] == [(key.name, key.descending) for key in parsed.sort]
    assert dict(made.parameters) == dict(parsed.parameters)


def test_values_that_no_query_may_have_are_refused_by_name() -> None:
    with pytest.raises(Problem) as refused:
        ListQuery.of(STUDIES, {"yeer": "2005", "enrolled": "many"}, sort="titel")
    assert [fault.parameter for fault in refused.value.errors] == ["yeer", "enrolled", "sort"]


def test_a_page_of_a_query_made_from_values(seeded_engine: Engine) -> None:
    query = ListQuery.of(STUDIES, {"indication": "chronic-migraine"}, sort="-year", limit=3)
    with reading(seeded_engine) as connection:
        query = resolve(connection, STUDIES, query)
        page = pages.page(connection, STUDIES, query, pages.now(connection), pages.Totals(10), 10_000_000)
    assert len(page.documents) == 3
    assert page.total > 3
