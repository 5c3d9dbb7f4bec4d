"""The value grammar, and any filter's answer against the documents themselves."""

from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from app.common.problems import Invalid
from app.database.engine import reading
from app.query import name_resolution as naming
from app.query.record_queries import read_list_query
from app.query.sql_filters import conditions
from app.records.filters import AnyOf, Between, Kind, Missing, NoneOf, Present, read_test
from app.records.studies.models import Study
from app.records.studies.resource import STUDIES
from app.records.vocabularies import Phase

WORD, NUMBER, WHEN, TEXT = Kind.word(get_args(Phase)), Kind.number(""), Kind.when(""), Kind.text("")
BOOLEAN = Kind.boolean()

READ = [
    (WORD, "3", AnyOf(("3",))),
    (WORD, "2,3", AnyOf(("2", "3"))),
    (WORD, "not:4", NoneOf(("4",))),
    (WORD, "missing", Missing()),
    (WORD, "present", Present()),
    (NUMBER, "100..", Between(100, None)),
    (NUMBER, "..0.5", Between(None, 0.5)),
    (NUMBER, "-2..5", Between(-2, 5)),
    (NUMBER, "40.0", AnyOf((40,))),
    (WHEN, "2010-07..2011", Between("2010-07", "2011")),
    (WHEN, "2010..2010-06", Between("2010", "2010-06")),
    (WHEN, "2018-06..2018", Between("2018-06", "2018")),
    (WHEN, "2019-01-01..", Between("2019", None)),
    (WHEN, "2019-01", AnyOf(("2019-01",))),
    (BOOLEAN, "true", AnyOf((True,))),
    (TEXT, '"a, b",c', AnyOf(("a, b", "c"))),
    (TEXT, '"he said ""no"""', AnyOf(('he said "no"',))),
    (TEXT, "not:a", NoneOf(("a",))),
    (TEXT, "1..2", AnyOf(("1..2",))),
    (Kind.identifier("pmid", ""), "PMID:020647170,1", AnyOf(("20647170", "1"))),
    (Kind.identifier("doi", ""), "not:https://doi.org/10.1234/X", NoneOf(("10.1234/X",))),
    (Kind.identifier("registration", ""), "nct 01234567", AnyOf(("NCT01234567",))),
    (Kind.coded("[A-Z][0-9]", "A1"), "m0", AnyOf(("m0",))),
]


@pytest.mark.parametrize(("kind", "raw", "expected"), READ)
def test_values_are_read(kind: Any, raw: str, expected: Any) -> None:
    assert read_test(kind, raw) == expected


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (WORD, ""),
        (WORD, "5"),
        (WORD, "3,"),
        (WORD, "not:"),
        (WORD, "not:missing"),
        (NUMBER, ".."),
        (NUMBER, "5..1"),
        (NUMBER, "1...2"),
        (NUMBER, "inf"),
        (NUMBER, "0x10"),
        (NUMBER, "٣"),
        (WHEN, "2010-7"),
        (WHEN, "2010-02-30"),
        (WHEN, "2011..2010-06"),
        (WHEN, "20100101"),
        (BOOLEAN, "yes"),
        (TEXT, "a,,b"),
        (TEXT, "Lancet, Neurology"),
        (TEXT, "Lancet "),
        (Kind.identifier("pmid", ""), "10.1177/0333102410364676"),
        (Kind.identifier("doi", ""), "20647170"),
        (Kind.identifier("issn", ""), "0333-1025"),
        (Kind.coded("[A-Z][0-9]", "A1"), "00"),
    ],
)
def test_what_cannot_be_read_is_refused(kind: Any, raw: str) -> None:
    with pytest.raises(Invalid):
        read_test(kind, raw)


Studies = list[dict[str, Any]]
Oracle = Callable[[dict[str, Any], str], bool]


@pytest.fixture(scope="session")
def studies(api: httpx.Client) -> Studies:
    return api.get("/v1/studies?limit=1000").json()["items"]  # type: ignore[no-any-return]


VALUES: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "phase": lambda s: [s["phase"]],
    "design": lambda s: [s["design"]],
    "masking": lambda s: [s["masking"]],
    "year": lambda s: [s["year"]],
    "enrolled": lambda s: [s["enrolled"]],
    "evidence_level": lambda s: [s["evidence_level"]],
    "evidence_basis": lambda s: [s["evidence_basis"]],
    "product": lambda s: [product["id"] for product in s["products"]],
    "indication": lambda s: [indication["id"] for indication in s["indications"]],
    "comparator": lambda s: s["comparators"],
    "adverse_event": lambda s: [event["event"] for event in s["adverse_events"]],
    "outcome_kind": lambda s: [outcome["kind"] for outcome in s["outcomes"]],
    "source_tier": lambda s: [entry["tier"] for entry in s["provenance"]],
    "registry_id": lambda s: s["registry_ids"],
}
"""A filter's values in a document: the oracle that SQL is held against."""


def quoted(value: Any) -> str:
    shown = str(value)
    return f'"{shown}"' if "," in shown else shown


@st.composite
def one_test(draw: st.DrawFn, studies: Studies) -> tuple[str, str, Callable[[list[Any]], bool]]:
    name = draw(st.sampled_from(sorted(VALUES)))
    known = sorted({v for s in studies for v in VALUES[name](s) if v is not None}, key=str)
    some = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    numeric = isinstance(known[0], int)
    kind = draw(st.sampled_from(["any", "none", "missing", "present", *(["range", "open"] if numeric else [])]))
    listed = ",".join(map(quoted, some))
    if kind == "any":
        return name, listed, lambda values: any(v in some for v in values)
    if kind == "none":
        return name, f"not:{listed}", lambda values: not any(v in some for v in values)
    if kind in ("missing", "present"):
        return name, kind, lambda values: any(v is not None for v in values) == (kind == "present")
    low, high = min(some), max(some)
    raw = f"{low}..{high}" if kind == "range" else f"{low}.."
    return name, raw, lambda values: any(v is not None and low <= v and (v <= high or kind == "open") for v in values)


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_filters_find_what_the_documents_say(api: httpx.Client, studies: Studies, data: st.DataObject) -> None:
    tests = data.draw(st.lists(one_test(studies), min_size=1, max_size=3))
    sort = data.draw(st.sampled_from(["id", "-year", "title,-enrolled", "-phase"]))
    parameters = [(name, raw) for name, raw, _ in tests]
    answer = api.get("/v1/studies", params=[*parameters, ("limit", "1000"), ("sort", sort)]).json()
    expected = {s["id"] for s in studies if all(holds(VALUES[name](s)) for name, _, holds in tests)}
    assert {item["id"] for item in answer["items"]} == expected, parameters
    assert answer["total"] == len(expected)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_either_way_to_ask_for_linked_values_finds_the_same(
    seeded_engine: Engine, studies: Studies, data: st.DataObject
) -> None:
    tests = data.draw(st.lists(one_test(studies), min_size=1, max_size=3))
    query = read_list_query("studies", urlencode([(name, raw) for name, raw, _ in tests]))
    with reading(seeded_engine) as connection:
        resolved = naming.resolve(connection, STUDIES, query)
        one, other = (
            set(connection.scalars(select(Study.id).where(*conditions(STUDIES, resolved.tests, many=many))))
            for many in (False, True)
        )
    assert one == other


def test_numbers_of_both_kinds_are_compared_as_numbers(api: httpx.Client) -> None:
    """PostgreSQL took its type from the first value of a list, and 1.5 became 2."""
    percents = {
        note["id"]: [row["percent"] for row in note["frequencies"]]
        for note in api.get("/v1/safety-notes?limit=1000").json()["items"]
    }
    for raw in ("1,1.5", "7,7.5", "1.5,1"):
        wanted = {float(value) for value in raw.split(",")}
        found = api.get("/v1/safety-notes", params={"event_percent": raw, "limit": "0"}).json()["total"]
        assert found == sum(bool(wanted.intersection(values)) for values in percents.values())
    assert api.get("/v1/studies?enrolled=1,2147483648&limit=0").json()["total"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        *("doi=https://doi.org/10.1177/0333102410364676", "doi=doi:10.1177/0333102410364676", "pmid=PMID:20647170"),
        *("doi=10.1177%252F0333102410364676", "pmid=020647170", "pmid=https://pubmed.ncbi.nlm.nih.gov/20647170/"),
        "ids=https://doi.org/10.1177/0333102410364676",
    ],
)
def test_an_identifier_is_found_however_it_is_written(api: httpx.Client, asked: str) -> None:
    answer = api.get(f"/v1/publications?{asked}")
    assert [item["id"] for item in answer.json()["items"]] == ["pmid-20647170"]


@pytest.mark.parametrize(
    "name", ["PMID: 020647170", "https://dx.doi.org/10.1177%2F0333102410364676", "info:doi/10.1177/0333102410364676."]
)
def test_a_record_is_found_by_any_spelling_of_its_identifier(api: httpx.Client, name: str) -> None:
    answer = api.get(f"/v1/publications/{quote(name, safe='')}", follow_redirects=True)
    assert answer.json()["id"] == "pmid-20647170"


def test_a_value_that_can_never_match_is_refused(api: httpx.Client) -> None:
    for asked, expected in (
        ("publications?pmid=10.1177/0333102410364676", "is not a PubMed id of one to eight digits such as 20647170"),
        ("publications?journal=Lancet,%20Neurology", "a name with a comma is written in double quotes"),
        ("products?atc_code=Botox", "is not an ATC code such as M03AX01"),
        ("sources?url=pubmed", "is not an address"),
    ):
        answer = api.get(f"/v1/{asked}")
        assert answer.status_code == 422
        assert expected in answer.json()["detail"]
