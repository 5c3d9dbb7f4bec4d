"""`evidence load`: one transaction, every fault at once with its place, nothing changed if there is any."""

import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine, Select, select, update

from app.database.engine import open_engine, reading, table_of
from app.database.migrations import migrate
from app.records.base_models import Provenance, Record
from app.releases.json_schemas import schema_files
from app.releases.load import load
from app.store import integrity as maintaining
from app.store.documents import Document
from app.store.quotes.reanchor import digest_of
from app.store.revision import changing
from tests.changing import change
from tests.conftest import SEEDS, serving, settings_for
from tests.releases.yaml_files import GOOD, faults_of, state


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


def test_what_an_older_version_stored_in_other_bytes_is_unchanged(engine: Engine, files: Callable[..., Path]) -> None:
    """A field that did not exist then is missing in what was entered, and what was entered decides on the digest."""
    load(engine, files())
    before = state(engine)
    with engine.begin() as connection:
        for type, id, entered in connection.execute(select(Document.type, Document.id, Document.entered)).all():
            without = orjson.dumps(
                {name: value for name, value in orjson.loads(entered or b"{}").items() if name != "note"}
            )
            assert without != entered
            own = (Provenance.record_type == type, Provenance.record_id == id)
            columns = (table_of(Provenance).c[name] for name in ("start_offset", "prefix", "suffix"))
            cited = connection.execute(select(*columns).where(*own).order_by(Provenance.position)).mappings().all()
            this = (Document.type == type, Document.id == id)
            connection.execute(update(Document).where(*this).values(entered=without))
            digest = digest_of(without, [dict(row) for row in cited])
            connection.execute(update(Record).where(Record.type == type, Record.id == id).values(digest=digest))
    assert load(engine, files()).unchanged == 4
    assert state(engine) == before
    changed = load(engine, files(products_yaml=GOOD["products.yaml"].replace("name: ona", "name: Ona")))
    assert (changed.updated, changed.unchanged) == (1, 3)


def test_a_record_that_left_the_files_is_named_and_kept(engine: Engine, files: Callable[..., Path]) -> None:
    def missing(folder: Path) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        load(engine, folder, missing=found.extend)
        return found

    whole = files()
    assert missing(whole) == []
    without = GOOD["sources.yaml"].partition("- id: registry")[0]
    assert change(engine, [("sources", {"id": "elsewhere", "kind": "web-page", "tier": "other", "url": "https://a.b"})])
    study = files(studies_yaml=GOOD["studies.yaml"].replace("source: registry", "source: article"))
    assert missing(study) == []
    fewer = files(sources_yaml=without, studies_yaml=(study / "studies.yaml").read_text())
    assert missing(fewer) == missing(fewer) == [("sources", "registry")]
    with reading(engine) as connection:
        assert connection.scalars(current("sources", "registry")).one_or_none() is not None


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
