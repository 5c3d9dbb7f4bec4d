"""`evidence load`: one transaction, every fault at once with its place, nothing changed if there is any."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, Select, func, select

from app.common.problems import Fault
from app.database.engine import open_engine, reading
from app.database.migrations import migrate
from app.records.base_models import Record
from app.releases.json_schemas import schema_files
from app.releases.load import InvalidContent, load
from app.store import integrity as maintaining
from app.store.documents import Document, State
from app.store.revision import changing
from tests.conftest import SEEDS, serving, settings_for

GOOD: dict[str, str] = {
    "sources.yaml": """
- id: article
  kind: article
  tier: other
  text_file: article.txt
- id: registry
  kind: registry-record
  tier: primary
  url: https://example.org/NCT1
""",
    "products.yaml": """
- id: ona
  name: onabotulinumtoxinA
  brand_names: [Botox]
  provenance:
  - source: article
    quote: Botox acts
""",
    "studies.yaml": """
- id: first
  title: The first study
  design: randomized-controlled-trial
  products: [ona]
  arms:
  - key: a
    name: A
    n: 10
  outcomes:
  - measure: Response
    kind: binary
    results:
    - {arm: a, n: 10, events: 4, percent: 40.0}
  provenance:
  - source: registry
""",
    "article.txt": "Botox acts on nerves. It is what it is.",
}


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """A directory of good files, some of them replaced."""

    def write(**changed: str | bytes) -> Path:
        named = {name.replace("_", "-").replace("-yaml", ".yaml"): text for name, text in changed.items()}
        for name, text in {**GOOD, **named}.items():
            (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path

    return write


def faults_of(engine: Engine, path: Path) -> list[Fault]:
    before = state(engine)
    with pytest.raises(InvalidContent) as caught:
        load(engine, path)
    assert state(engine) == before
    return caught.value.faults


def state(engine: Engine) -> tuple[Any, ...]:
    with reading(engine) as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (Record, Document)]
        return *counts, connection.scalar(select(State.revision)), connection.scalar(select(State.loaded))


def current(type: str, id: str) -> Select[bytes]:
    return select(Document.body).where(Document.type == type, Document.id == id, Document.until_revision.is_(None))


def test_the_seeds_load_and_load_again(seeded_url: str) -> None:
    engine = open_engine(seeded_url)
    before = state(engine)
    again = load(engine, SEEDS)
    assert (again.created, again.updated, again.refreshed) == (0, 0, 0)
    assert again.unchanged == before[0] >= 270
    assert state(engine) == before
    engine.dispose()


def test_good_files_load(engine: Engine, files: Callable[..., Path]) -> None:
    done = load(engine, files())
    assert (done.created, done.updated, done.unchanged) == (4, 0, 0)


def test_only_what_changed_is_updated_and_what_shows_it_is_rendered_again(
    engine: Engine, files: Callable[..., Path]
) -> None:
    load(engine, files())
    done = load(engine, files(products_yaml=GOOD["products.yaml"].replace("name: ona", "name: Ona")))
    assert (done.created, done.updated, done.unchanged, done.refreshed) == (0, 1, 3, 1)
    with reading(engine) as connection:
        rows = connection.execute(
            select(Document.version, Document.change, Document.body)
            .where(Document.type == "studies")
            .order_by(Document.version)
        ).all()
    assert [(row.version, row.change) for row in rows] == [(1, "created"), (2, "refreshed")]
    assert b'"name":"Onabotulinum' in rows[1].body
    assert b'"name":"onabotulinum' in rows[0].body


AGAIN = "the quote stands at 25 and at 36; say which by `start`"
NO_RECORD = "Input should be a valid dictionary or instance of StudyIn, not 'just text'"
ELSEWHERE = "../article.txt: it must be a plain name of a file beside this one"

FAULTS = [
    pytest.param(
        {"products_yaml": GOOD["products.yaml"].replace("Botox acts", "Botox act on")},
        ("products.yaml", 7, "ona", "/provenance/0/quote", "the quote is not in its source's text", "Botox acts on"),
        id="a quote that is not in its source",
    ),
    pytest.param(
        {"products_yaml": GOOD["products.yaml"].replace("quote: Botox acts", "quote: is")},
        (
            "products.yaml",
            7,
            "ona",
            "/provenance/0/quote",
            "the quote stands at 25 and at 36; say which by `start`",
            None,
        ),
        id="a quote that is there twice",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("source: registry", "source: registry\n    quote: x")},
        ("studies.yaml", 17, "first", "/provenance/0/quote", "the source has no stored text to quote from", None),
        id="a quote of a source without text",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("[ona]", "[onna]")},
        ("studies.yaml", 5, "first", "/products/0", "there is no 'onna' among the products", "ona"),
        id="a dangling reference",
    ),
    pytest.param(
        {"products_yaml": GOOD["products.yaml"] * 2},
        ("products.yaml", 9, "ona", "/id", "the id 'ona' is taken by another of the products", None),
        id="a duplicate id",
    ),
    pytest.param(
        {"products_yaml": GOOD["products.yaml"] + GOOD["products.yaml"].replace("id: ona", "id: two")},
        ("products.yaml", 9, "two", "", "the name 'onabotulinumtoxinA' is claimed by 'ona' too", None),
        id="an alias claimed twice",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("events: 4", "events: 14")},
        ("studies.yaml", 14, "first", "/outcomes/0/results/0/events", "14 events among 10", None),
        id="a broken domain rule",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("design:", "desing:")},
        ("studies.yaml", 4, "first", "/desing", "there is no field 'desing'", "design"),
        id="an unknown field",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("randomized", "randomised")},
        (
            "studies.yaml",
            4,
            "first",
            "/design",
            "'randomised-controlled-trial' is not one of the known values",
            "randomized-controlled-trial",
        ),
        id="an unknown value",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  title: The", "\ttitle: The")},
        ("studies.yaml", 3, "", "", "there is a tab; write spaces", None),
        id="a tab",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  title", "<<<<<<< HEAD\n  title")},
        ("studies.yaml", 3, "", "", "a merge conflict was left here: <<<<<<< HEAD", None),
        id="a merge conflict marker",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  title", "  id: again\n  title")},
        ("studies.yaml", 3, "", "", "the key 'id' stands here twice", None),
        id="a repeated key",
    ),
    pytest.param(
        {"studies_yaml": "- &a {id: x, title: T, comparators: [&b [x], *b]}\n"},
        ("studies.yaml", 1, "", "", "anchors and aliases are not read here", None),
        id="an alias",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("[ona]", "[ona")},
        ("studies.yaml", 6, "", "", "did not find expected ',' or ']'", None),
        id="broken YAML",
    ),
    pytest.param(
        {"studies_yaml": "id: x\n"},
        ("studies.yaml", 1, "", "", "the file is not a list of records", None),
        id="no list",
    ),
    pytest.param(
        {"studies_yaml": "- just text\n"},
        (
            "studies.yaml",
            1,
            "record 1",
            "",
            "Input should be a valid dictionary or instance of StudyIn, not 'just text'",
            None,
        ),
        id="no record",
    ),
    pytest.param(
        {"studies_yaml": b"- id: x\n  title: \xff\n"},
        ("studies.yaml", 2, "", "", "byte 17 is not UTF-8", None),
        id="not UTF-8",
    ),
    pytest.param(
        {"studdies_yaml": "- id: x\n"},
        ("studdies.yaml", 1, "", "", "the file's name begins with no record type: 'studdies'", "studies"),
        id="an unknown type",
    ),
    pytest.param(
        {"sources_yaml": GOOD["sources.yaml"].replace("article.txt", "../article.txt")},
        (
            "sources.yaml",
            5,
            "article",
            "/text_file",
            "../article.txt: it must be a plain name of a file beside this one",
            None,
        ),
        id="a text file elsewhere",
    ),
    pytest.param(
        {"sources_yaml": GOOD["sources.yaml"].replace("article.txt", "none.txt")},
        ("sources.yaml", 5, "article", "/text_file", "none.txt: No such file or directory", None),
        id="a text file that is missing",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  provenance:\n  - source: registry\n", "")},
        ("studies.yaml", 2, "first", "/provenance", "this field is required", None),
        id="no provenance",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"] + "  absent: {title: not-seen, yaer: not-seen}\n"},
        ("studies.yaml", 17, "first", "/absent/title", "title is not absent: it has a value", None),
        id="an absence of what is there",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("arm: a,", "arm: b,")},
        ("studies.yaml", 14, "first", "/outcomes/0/results/0/arm", "there is no arm 'b'", None),
        id="an arm that does not resolve",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("percent: 40.0", "percent: 43")},
        ("studies.yaml", 14, "first", "/outcomes/0/results/0/percent", "4/10 is 40.0 %, not 43 %", None),
        id="a percent that is not events / n",
    ),
]


UNREADABLE = [
    'conclusion: "a\\0b"',
    'conclusion: "\\ud800"',
    "conclusion: !!timestamp abc",
    "enrolled: !!int ''",
    "enrolled: !!bool maybe",
    "enrolled: true",
    "enrolled: '12'",
    "conclusion: ' '",
    f"follow_up_weeks: 1{'0' * 400}",
    "registry_ids: ['']",
    "conclusion: !!python/object:os.system x",
    "id: missing",
    "year: .nan",
]


@pytest.mark.parametrize("line", UNREADABLE)
def test_hostile_values_are_faults_and_no_crashes(engine: Engine, files: Callable[..., Path], line: str) -> None:
    text = GOOD["studies.yaml"].replace("- id: first", "- id: missing") if line == "id: missing" else None
    assert faults_of(engine, files(studies_yaml=text or f"{GOOD['studies.yaml']}  {line}\n"))


def test_text_of_a_source_is_given_once(engine: Engine, files: Callable[..., Path]) -> None:
    twice = GOOD["sources.yaml"].replace("  text_file", "  text: x\n  text_file")
    assert any("not both" in fault.detail for fault in faults_of(engine, files(sources_yaml=twice)))


def test_the_longest_title_of_any_script_is_kept(engine: Engine, files: Callable[..., Path]) -> None:
    title = "".join(chr(0x20000 + number) for number in range(600))
    load(engine, files(studies_yaml=GOOD["studies.yaml"].replace("The first study", title)))
    assert list(maintaining.check(engine)) == []


def test_numbers_are_kept_alike_on_both_databases(engine: Engine, files: Callable[..., Path]) -> None:
    means = ["1000000000000000.0", "0.1", "-0.0", "1e-7", "123456789.125", "40", "40.0"]
    results = "".join(f"    - {{arm: a, mean: {mean}}}\n" for mean in means)
    outcome = f"  outcomes:\n  - measure: M\n    kind: continuous\n    results:\n{results}"
    head, _, tail = GOOD["studies.yaml"].partition("  outcomes:")
    load(engine, files(studies_yaml=head + outcome + tail[tail.index("  provenance") :]))
    with reading(engine) as connection:
        body = orjson.loads(connection.scalars(current("studies", "first")).one())
    assert [repr(row["mean"]) for row in body["outcomes"][0]["results"]] == [
        "1000000000000000.0",
        "0.1",
        "0.0",
        "1e-07",
        "123456789.125",
        "40",
        "40.0",
    ]


@pytest.mark.parametrize(("changed", "expected"), FAULTS)
def test_each_fault_is_told_with_its_place(
    engine: Engine, files: Callable[..., Path], changed: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    file, line, record, pointer, detail, near = expected
    found = [f for f in faults_of(engine, files(**changed)) if Path(f.location.file).name == file]
    assert (found[0].location.line, found[0].location.record, found[0].pointer, found[0].detail) == (
        line,
        record,
        pointer,
        detail,
    )
    assert near is None or near in found[0].nearest
    assert f"{file}:{line}:" in str(found[0])


def test_all_faults_of_all_files_are_told_at_once(engine: Engine, files: Callable[..., Path]) -> None:
    path = files(
        products_yaml=GOOD["products.yaml"].replace("Botox acts", "nowhere to be found"),
        studies_yaml=GOOD["studies.yaml"].replace("[ona]", "[onna]").replace("events: 4", "events: 14"),
        indications_yaml="- id: x\n  nam: X\n",
        mechanisms_yaml="\t",
    )
    assert [(Path(fault.location.file).name, fault.pointer) for fault in faults_of(engine, path)] == [
        ("indications.yaml", "/name"),
        ("indications.yaml", "/provenance"),
        ("indications.yaml", "/nam"),
        ("mechanisms.yaml", ""),
        ("products.yaml", "/provenance/0/quote"),
        ("studies.yaml", "/products/0"),
        ("studies.yaml", "/outcomes/0/results/0/events"),
    ]


def test_an_alias_of_a_stored_record_is_taken(engine: Engine, files: Callable[..., Path]) -> None:
    load(engine, files())
    other = GOOD["products.yaml"].replace("id: ona", "id: two").replace("name: onabotulinumtoxinA", "name: two")
    path = files(products_yaml=other)
    assert [fault.detail for fault in faults_of(engine, path)] == ["the name 'Botox' is claimed by 'ona' too"]


def test_a_quote_that_moves_in_its_source_is_found_again(engine: Engine, files: Callable[..., Path]) -> None:
    load(engine, files())
    done = load(engine, files(**{"article.txt": "Lo: " + GOOD["article.txt"]}))
    assert done.updated == 2
    with reading(engine) as connection:
        body = connection.scalars(current("products", "ona")).one()
    assert b'"start":4,"end":14,"prefix":"Lo: "' in body
    assert list(maintaining.check(engine)) == []


def test_a_source_s_tier_decides_what_rests_on_it(engine: Engine, files: Callable[..., Path]) -> None:
    load(engine, files())
    done = load(engine, files(sources_yaml=GOOD["sources.yaml"].replace("tier: primary", "tier: other")))
    assert (done.updated, done.refreshed) == (1, 1)
    with reading(engine) as connection:
        body = connection.scalars(current("studies", "first")).one()
    assert b'"evidence_basis":"secondary"' in body


def test_a_study_takes_title_and_year_from_its_first_publication_and_gives_them_back(
    engine: Engine, files: Callable[..., Path]
) -> None:
    publication = "- id: p\n  title: The report\n  year: 2011\n  provenance:\n  - source: registry\n"
    study = GOOD["studies.yaml"].replace("  title: The first study\n", "  completion_date: 2009-05\n")
    load(engine, files(publications_yaml=publication, studies_yaml=study + "  publications:\n  - publication: p\n"))
    later = [b'"title":"The report"', b'"year":2011']
    with reading(engine) as connection:
        body = connection.scalars(current("studies", "first")).one()
    assert all(part in body for part in later)
    load(engine, files(publications_yaml=publication, studies_yaml=study + "  acronym: FIRST\n"))
    with reading(engine) as connection:
        body = connection.scalars(current("studies", "first")).one()
    assert all(part in body for part in (b'"title":null', b'"year":2009'))


def test_a_name_moves_from_one_record_to_another_in_one_load(engine: Engine, files: Callable[..., Path]) -> None:
    load(engine, files())
    first = GOOD["products.yaml"].replace("[Botox]", "[Vistabel]")
    other = GOOD["products.yaml"].replace("id: ona", "id: two").replace("name: onabotulinumtoxinA", "name: two")
    done = load(engine, files(products_yaml=first + other))
    assert (done.created, done.updated) == (1, 1)


def test_a_change_that_comes_back_to_a_written_record_is_one_version(
    engine: Engine, files: Callable[..., Path]
) -> None:
    """A mechanism shows a study's title, which is its publication's: all three change in one load."""
    report = "- id: p\n  title: Before\n  provenance:\n  - source: registry\n"
    study = GOOD["studies.yaml"].replace("  title: The first study\n", "  publications:\n  - publication: p\n")
    mechanism = "- id: m\n  title: M\n  summary: S\n  studies: [first]\n  provenance:\n  - source: registry\n"
    load(engine, files(publications_yaml=report, studies_yaml=study, mechanisms_yaml=mechanism))
    after = {"publications_yaml": report.replace("Before", "After"), "mechanisms_yaml": mechanism.replace("S\n", "T\n")}
    done = load(engine, files(studies_yaml=study, **after))
    assert (done.updated, done.refreshed) == (2, 1)
    with reading(engine) as connection:
        body = connection.scalars(current("mechanisms", "m")).one()
        versions = connection.scalars(select(Document.version).where(Document.id == "m")).all()
    assert b'"title":"After"' in body
    assert list(versions) == [1, 2]
    assert list(maintaining.check(engine)) == []


def test_identifiers_move_between_publications_in_one_load(engine: Engine, files: Callable[..., Path]) -> None:
    def two(first: str, second: str) -> str:
        rest = "  title: T\n  provenance:\n  - source: registry\n"
        return f"- id: a\n  pmid: '{first}'\n{rest}- id: b\n  pmid: '{second}'\n{rest}"

    load(engine, files(publications_yaml=two("1", "2")))
    assert load(engine, files(publications_yaml=two("2", "1"))).updated == 2


def test_an_id_stands_for_its_own_record_whatever_else_is_called_so(url: str, files: Callable[..., Path]) -> None:
    engine = open_engine(url)
    migrate(engine)
    other = GOOD["studies.yaml"].replace("id: first", "id: second").replace("  title", "  acronym: FIRST\n  title")
    load(engine, files(studies_yaml=GOOD["studies.yaml"] + other))
    engine.dispose()
    with serving(settings_for(url)) as client:
        found = [item["id"] for item in client.get("/v1/studies?ids=first").json()["items"]]
        assert found == ["first"]
        assert len(client.get("/v1/studies?ids=FIRST").json()["items"]) == 2


def test_an_empty_directory_is_a_fault(engine: Engine, tmp_path: Path) -> None:
    assert faults_of(engine, tmp_path)[0].detail == "there is no TYPE.yaml in this directory"


def test_two_loads_at_once_follow_each_other(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    done = []
    threads = [threading.Thread(target=lambda: done.append(load(engine, SEEDS))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(summary.created for summary in done)[0] == 0
    assert sum(summary.created for summary in done) == state(engine)[0]
    assert state(engine)[2] == 1
    engine.dispose()


def test_a_load_that_breaks_off_leaves_nothing(engine: Engine, files: Callable[..., Path]) -> None:
    class BreaksOff(Exception):
        pass

    def stop(_: int) -> None:
        raise BreaksOff

    before = state(engine)
    with pytest.raises(BreaksOff):
        load(engine, files(), progress=stop)
    assert state(engine) == before
    assert load(engine, files()).created == 4


def test_readers_go_on_while_a_load_holds_the_lock(engine: Engine, files: Callable[..., Path]) -> None:
    load(engine, files())
    with changing(engine):
        assert state(engine)[0] == 4


@pytest.mark.parametrize(("name", "content"), list(schema_files()), ids=lambda value: str(value)[:20])
def test_the_editors_schemas_are_those_of_the_models(name: str, content: bytes) -> None:
    assert (SEEDS / "schemas" / name).read_bytes() == content, "run `make schemas`"


def test_every_seed_file_names_its_schema() -> None:
    for file in SEEDS.glob("*.yaml"):
        schema = f"schemas/{file.name.split('.')[0]}.json"
        assert file.read_text().startswith(f"# yaml-language-server: $schema={schema}\n")
        assert (SEEDS / schema).is_file()
