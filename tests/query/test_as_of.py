"""Reading as of a moment answers as the service would have then: what it did answer then is asked for again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from app.database.engine import open_engine, reading
from app.database.migrations import migrate
from app.query import name_resolution as naming
from app.query.as_of_lists import PastList, in_order, order
from app.query.document_filters import holds
from app.query.record_queries import read_list_query
from app.query.statements import shape_of
from app.records.document_paths import values
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.store.documents import Document
from tests.changing import CITED, SOURCE, Typed, change
from tests.conftest import serving, settings_for

PRODUCTS, INDICATIONS, STUDIES, APPROVALS = ("p1", "p2"), ("i1", "i2"), tuple(f"st{n}" for n in range(7)), ("a1", "a2")

EVERY_TYPE: tuple[RecordType, ...] = ("sources", "products", "indications", "studies", "approvals")
QUERIES = (
    *(f"/v1/{type}?limit=2" for type in EVERY_TYPE),
    "/v1/studies?sort=-year,title&limit=3",
    "/v1/studies?sort=title,-enrolled&limit=2",
    "/v1/studies?sort=-id&limit=1",
    "/v1/studies?sort=phase,-follow_up_weeks,acronym&limit=2",
    "/v1/studies?product=p1&sort=-enrolled&limit=2",
    "/v1/studies?product=not:p1&indication=i1,i2",
    "/v1/studies?indication=missing&sort=-start_date",
    "/v1/studies?enrolled=10..20&year=missing",
    "/v1/studies?enrolled=1,20,not:30",
    "/v1/studies?start_date=2010..2011-06&sort=start_date,id&limit=2",
    "/v1/studies?start_date=not:2010&sort=-completion_date",
    "/v1/studies?title=present&comparator=PLACEBO",
    "/v1/studies?title=A%20Title,%C3%9Cber&phase=not:3",
    "/v1/studies?absent=phase",
    "/v1/studies?absence_reason=not-reported&source_tier=primary",
    "/v1/studies?evidence_basis=secondary&needs_primary_source=true",
    "/v1/studies?limit=0&design=present",
    "/v1/studies?fields=id,title,products.name&limit=3",
    "/v1/studies?include=products,provenance&limit=3",
    "/v1/approvals?sort=product,-date&limit=1&include=product",
    "/v1/approvals?product=p2&date=..2012",
    "/v1/indications?approved_product=p1&sort=-name",
    "/v1/indications?product=p1,p2&sort=name",
    "/v1/indications?include=regulatory_status",
    "/v1/products?brand_name=missing&sort=manufacturer",
    "/v1/studies?format=csv&sort=-enrolled",
    "/v1/studies?format=ndjson&product=present",
    "/v1/studies?format=ndjson&include=products&sort=title",
)
RECORDS = [
    f"/v1/{type}/{id}{query}"
    for type, ids in (
        ("products", PRODUCTS),
        ("indications", INDICATIONS),
        ("studies", STUDIES),
        ("approvals", APPROVALS),
    )
    for id in ids
    for query in ("", "?fields=id,note")
]
RECORDS += ["/v1/studies/st0?include=products,provenance", "/v1/studies/st1?format=csv"]


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


DATES = st.sampled_from(["2010", "2010-07", "2010-07-30", "2011-01-01", "2011", "2012-06"])
TITLES = st.sampled_from(["A title", "a title", "B", "Über", "ü", "\U0001f600 z", "Zz"])


def some(ids: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(ids), unique=True, max_size=len(ids))


study = st.fixed_dictionaries(
    {
        "id": st.sampled_from(STUDIES),
        "title": TITLES,
        "enrolled": optional(st.sampled_from([1, 10, 20, 30])),
        "follow_up_weeks": optional(st.sampled_from([4, 4.0, 12, 2.5])),
        "phase": optional(st.sampled_from(["2", "2-3", "3", "4"])),
        "design": optional(st.sampled_from(["cohort", "randomized-controlled-trial"])),
        "start_date": optional(DATES),
        "completion_date": optional(st.sampled_from(["2013", "2013-05"])),
        "comparators": st.lists(st.sampled_from(["placebo", "Placebo", "sham"]), unique=True, max_size=2),
        "products": some(PRODUCTS),
        "indications": some(INDICATIONS),
        "needs_primary_source": st.booleans(),
    }
).map(lambda record: ("studies", record | CITED | ({} if record["phase"] else {"absent": {"phase": "not-reported"}})))
product = st.builds(
    lambda id, name, brand: ("products", {"id": id, "name": f"{name} {id}", "brand_names": brand, **CITED}),
    st.sampled_from(PRODUCTS),
    TITLES,
    st.sampled_from([[], ["Brand"]]),
)
indication = st.builds(
    lambda id, name: ("indications", {"id": id, "name": f"{name} {id}", "category": "therapeutic", **CITED}),
    st.sampled_from(INDICATIONS),
    TITLES,
)
approval = st.fixed_dictionaries(
    {
        "id": st.sampled_from(APPROVALS),
        "regulator": st.sampled_from(["FDA", "EMA"]),
        "date": optional(DATES),
        "product": st.sampled_from(PRODUCTS),
        "indication": st.sampled_from(INDICATIONS),
    }
).map(lambda record: ("approvals", record | CITED))
keys = st.one_of(
    st.tuples(st.just("studies"), st.sampled_from(STUDIES)),
    st.tuples(st.just("approvals"), st.sampled_from(APPROVALS)),
    st.tuples(st.just("products"), st.sampled_from(PRODUCTS)),
)
source = st.builds(lambda title: ("sources", SOURCE[1] | {"title": title}), TITLES)
record = st.one_of(study, study, study, product, indication, approval, source)
step = st.tuples(st.lists(record, max_size=3), st.lists(keys, max_size=2, unique=True))


def _start() -> list[Typed]:
    """What every example starts from, whatever the one before it left."""
    products: list[Typed] = [("products", {"id": id, "name": f"Name {id}", **CITED}) for id in PRODUCTS]
    indications: list[Typed] = [
        ("indications", {"id": id, "name": f"Name {id}", "category": "therapeutic", **CITED}) for id in INDICATIONS
    ]
    studies: list[Typed] = [("studies", {"id": id, "title": "T", "products": ["p1"], **CITED}) for id in STUDIES[:3]]
    return [SOURCE, *products, *indications, *studies]


def apply(engine: Engine, edits: list[Typed], gone: list[tuple[RecordType, str]]) -> None:
    mine = {(type, record["id"]): (type, record) for type, record in edits}
    there = _there(engine)
    change(engine, mine.values(), [key for key in gone if key in there and key not in mine])


def _there(engine: Engine) -> set[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(select(Document.type, Document.id).where(Document.until_revision.is_(None)))
        return {(row.type, row.id) for row in rows}


def shown(api: httpx.Client, path: str, as_of: str | None = None) -> list[tuple[int, bytes]]:
    """A whole list, page by page, or a record; of problems only which they are."""
    sign = "&" if "?" in path else "?"
    following: str | None = f"{path}{sign}as_of={as_of}" if as_of else path
    found: list[tuple[int, bytes]] = []
    while following:
        assert len(found) < 50, "a page comes again and again"
        answer = api.get(following)
        is_page = b'"next":' in answer.content and answer.headers["content-type"] == "application/json"
        body = answer.content if answer.status_code == 200 else b""
        found.append((answer.status_code, body[: body.rindex(b',"next":')] if is_page and body else body))
        following = answer.json()["next"] if is_page and body else None
    return found


class World:
    def __init__(self, engine: Engine, api: httpx.Client) -> None:
        self.engine, self.api = engine, api


@pytest.fixture(scope="module")
def world(backend: str, new_database: Any) -> Iterator[World]:
    url = new_database(backend)
    engine = open_engine(url)
    migrate(engine)
    with serving(settings_for(url)) as api:
        yield World(engine, api)
    engine.dispose()


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@given(steps=st.lists(step, min_size=1, max_size=5))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_past_is_answered_as_it_was(world: World, steps: list[Any]) -> None:
    """Byte for byte: single records, pages of every query, totals and exports."""
    apply(world.engine, _start(), [])
    remembered = []
    for edits, gone in steps:
        apply(world.engine, edits, gone)
        answers = {path: shown(world.api, path) for path in (*QUERIES, *RECORDS)}
        remembered.append((now(), answers))
    apply(world.engine, _start(), [("studies", id) for id in STUDIES[3:]])
    for moment, answers in remembered:
        for path, before in answers.items():
            assert shown(world.api, path, moment) == before, (path, moment)


def _documents(connection: Connection, type: RecordType) -> list[Any]:
    query = select(Document.body).where(Document.type == type, Document.until_revision.is_(None))
    return [orjson.loads(body) for body in connection.scalars(query)]


def _asked(resource: Resource, documents: list[Any]) -> Iterator[tuple[str, str]]:
    """Each filter with values that there are, and with none."""
    for name, kind in resource.kinds.items():
        known = dict.fromkeys(str(v) for doc in documents for v in values(resource.type, doc).get(name, ()) if v != "")
        some = [value if "," not in value else f'"{value}"' for value in [*known][:3] if '"' not in value]
        if kind.name == "boolean":
            some = ["true", "false"]
        yield from ((name, raw) for raw in ("missing", "present"))
        yield from ((name, raw) for value in some for raw in (value, f"not:{value}"))
        if kind.ranged and len(some) > 1:
            yield from ((name, raw) for raw in (f"{some[0]}..", f"..{some[1]}"))


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
def test_filters_find_the_same_in_documents_as_in_tables(seeded_engine: Engine, resource: Resource) -> None:
    with reading(seeded_engine) as connection:
        documents = _documents(connection, resource.type)
        for name, raw in _asked(resource, documents):
            query = naming.resolve(connection, resource, read_list_query(resource.type, urlencode([(name, raw)])))
            found = set(connection.scalars(shape_of(resource, query).records()))
            assert {doc["id"] for doc in documents if holds(resource, query.tests, doc)} == found, (name, raw)


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
def test_positions_are_the_same_in_documents_as_in_tables(seeded_engine: Engine, resource: Resource) -> None:
    with reading(seeded_engine) as connection:
        documents = {doc["id"]: doc for doc in _documents(connection, resource.type)}
        for sort in (sign + name for name in resource.sorts for sign in ("", "-")):
            query = replace(read_list_query(resource.type, urlencode({"sort": sort})), revision=10**6)
            past = PastList(connection, resource, query)
            rows = [entry.position for entry in past.entries([], many=False, size=50)]
            positions = [past.position(documents[str(position[-1])]) for position in rows]
            assert positions == rows, sort
            assert sorted(positions, key=order(query.sort)) == rows, sort
            assert in_order([*reversed(positions)], query.sort) == rows, sort
