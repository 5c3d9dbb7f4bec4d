"""A source's text is replaced: what quotes it says in the same revision whether its quotes stand, moved or are gone."""

import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select

from app.database.engine import open_engine, reading
from app.query.record_queries import read_list_query
from app.query.sql_filters import conditions
from app.records.document_paths import values
from app.records.products.models import Product
from app.records.products.resource import PRODUCTS
from app.releases.load import InvalidContent, load
from app.store import integrity as maintaining
from app.store.documents import Document, State
from app.store.quotes.proof import moved_quotes
from tests.commands import run
from tests.conftest import SEEDS

TEXT = (
    "Botox acts on the endings of nerves. It lasts for some twelve weeks. None died of it. Yes, it is safe in children."
)
SOURCE = "- {id: article, kind: article, tier: other, text: "
PRODUCTS_FILE = """
- {id: stays, name: a, provenance: [{source: article, quote: Botox acts}]}
- {id: moves, name: b, provenance: [{source: other}, {source: article, quote: It lasts for some twelve weeks}]}
- {id: second, name: c, provenance: [{source: article, quote: it is safe, start: 91}]}
- {id: unquoted, name: d, provenance: [{source: article}]}
"""
OTHER = "- {id: other, kind: article, tier: other, url: 'https://example.org/'}\n"


def unsigned() -> str:
    """The seeds' article, less the hash of the text that it has there."""
    lines = (SEEDS / "sources.article.yaml").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if "sha256" not in line)


def write(path: Path, name: str, content: str) -> Path:
    path.mkdir(exist_ok=True)
    (path / f"{name}.yaml").write_text(content)
    return path


@pytest.fixture
def seeds(engine: Engine, tmp_path: Path) -> Path:
    path = write(tmp_path / "seeds", "products", PRODUCTS_FILE)
    load(engine, write(path, "sources", f"{SOURCE}'{TEXT}'}}\n{OTHER}"))
    return path


def replace(engine: Engine, tmp_path: Path, text: str) -> Any:
    return load(engine, write(tmp_path / "alone", "sources", f'{SOURCE}"{text}"}}\n'))


def cited(engine: Engine) -> dict[str, dict[str, Any]]:
    """The last thing that each product cites."""
    query = select(Document.id, Document.body).where(Document.type == "products", Document.until_revision.is_(None))
    with reading(engine) as connection:
        return {id: orjson.loads(body)["provenance"][-1] for id, body in connection.execute(query)}


def statuses(engine: Engine) -> dict[str, str]:
    return {id: row["status"] for id, row in cited(engine).items()}


OK = {"stays": "ok", "moves": "ok", "second": "ok", "unquoted": "unquoted"}


def test_a_new_text_is_searched_for_every_quote_of_it_in_one_revision(
    engine: Engine, seeds: Path, tmp_path: Path
) -> None:
    before = cited(engine)
    new = TEXT.replace("It lasts", "As is known, it seems: It lasts").replace(" Yes, it is safe in children.", "")
    done = replace(engine, tmp_path, new)
    assert (done.updated, done.refreshed) == (1, 3)
    after = cited(engine)
    assert statuses(engine) == {**OK, "moves": "moved", "second": "gone"}
    assert after["stays"]["checked_at"] > before["stays"]["checked_at"]
    row = after["moves"]
    assert (row["start"], new[row["start"] : row["end"]]) == (new.index("It lasts"), row["quote"])
    assert (row["prefix"], row["suffix"][:6]) == (new[row["start"] - 32 : row["start"]], ". None")
    assert after["second"] == before["second"] | {"status": "gone"}
    with reading(engine) as connection:
        revision = connection.scalars(select(State.revision)).one()
        changed = select(Document.id).where(Document.revision == revision)
        assert set(connection.scalars(changed)) == {"article", "stays", "moves", "second"}
    faults = list(maintaining.check(engine))
    assert len(faults) == 1
    assert faults[0].startswith("products/second: article: the quote 'it is safe' is gone")
    assert list(moved_quotes(engine)) == [
        f"products/moves: article: the quote 'It lasts for some twelve weeks' has moved to {row['start']}"
    ]


def test_the_text_put_back_puts_the_quotes_back(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    before = cited(engine)
    for back in (lambda: replace(engine, tmp_path, TEXT), lambda: load(engine, seeds)):
        replace(engine, tmp_path, "Lo. " + TEXT.replace("It lasts", "It lasted"))
        assert statuses(engine) == {**OK, "stays": "moved", "moves": "moved", "second": "moved"}
        assert list(maintaining.check(engine)) == []
        assert back().updated == 1
        assert statuses(engine) == OK
        for id, row in cited(engine).items():
            assert row | {"checked_at": None} == before[id] | {"checked_at": None}
        assert load(engine, seeds).revision is None
    assert list(maintaining.check(engine)) == []


def test_what_is_gone_comes_back(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    replace(engine, tmp_path, "Nothing of it.")
    assert statuses(engine) == {**OK, "stays": "gone", "moves": "gone", "second": "gone"}
    replace(engine, tmp_path, "As ever, Botox acts.")
    assert statuses(engine) == {**OK, "stays": "moved", "moves": "gone", "second": "gone"}
    load(engine, seeds)
    assert statuses(engine) == OK


def test_a_reworded_quote_is_shown_where_it_is_and_as_it_was(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    new = TEXT.replace("It lasts", "It lasted")
    replace(engine, tmp_path, new)
    row = cited(engine)["moves"]
    assert (row["status"], row["quote"]) == ("moved", "It lasts for some twelve weeks")
    assert new[row["start"] : row["end"]] == "It lasted for some twelve weeks"
    assert list(maintaining.check(engine)) == []
    assert "and reads 'It lasted for some twelve weeks'" in next(moved_quotes(engine))


def test_a_record_entered_again_as_it_was_stays_as_it_is(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    """Its quote has moved or gone since: that is the source's doing, so nothing fails and nothing is undone."""
    records = write(tmp_path / "records", "products", PRODUCTS_FILE)
    replace(engine, tmp_path, "Lo. " + TEXT.replace(" Yes, it is safe in children.", ""))
    before = cited(engine)
    assert statuses(engine) == {**OK, "stays": "moved", "moves": "moved", "second": "gone"}
    done = load(engine, records)
    assert (done.revision, done.unchanged) == (None, 4)
    assert cited(engine) == before
    changed = write(tmp_path / "records", "products", PRODUCTS_FILE.replace("name: b", "name: bb"))
    assert load(engine, changed).updated == 1
    assert statuses(engine)["moves"] == "ok"
    lost = write(tmp_path / "records", "products", PRODUCTS_FILE.replace("name: c", "name: cc"))
    with pytest.raises(InvalidContent, match="1 faults"):
        load(engine, lost)


def test_a_batch_of_text_and_records_is_to_hold_together(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    new = TEXT.replace("Botox acts", "It acts")
    with pytest.raises(InvalidContent):
        load(engine, write(seeds, "sources", f"{SOURCE}'{new}'}}\n{OTHER}"))
    assert statuses(engine) == OK
    replace(engine, tmp_path, new)
    with pytest.raises(InvalidContent):
        load(engine, seeds)


def test_a_text_taken_away_takes_its_quotes(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    source = "- {id: article, kind: article, tier: other, url: 'https://example.org/article'}\n"
    load(engine, write(tmp_path / "alone", "sources", source))
    assert statuses(engine) == {**OK, "stays": "gone", "moves": "gone", "second": "gone"}


def test_what_became_of_quotes_can_be_asked_for(engine: Engine, seeds: Path, tmp_path: Path) -> None:
    replace(engine, tmp_path, "Lo. " + TEXT.replace(" Yes, it is safe in children.", ""))
    asked = {"moved": {"stays", "moves"}, "gone,ok": {"second"}, "not:moved,gone": {"unquoted"}, "missing": set()}
    for wanted, ids in asked.items():
        tests = read_list_query("products", f"quote_status={wanted}").tests
        with reading(engine) as connection:
            assert set(connection.scalars(select(Product.id).where(*conditions(PRODUCTS, tests)))) == ids, wanted
    query = select(Document.body).where(Document.type == "products", Document.until_revision.is_(None))
    with reading(engine) as connection:
        found = [orjson.loads(body) for body in connection.scalars(query)]
    assert {d["id"] for d in found if "moved" in values("products", d)["quote_status"]} == asked["moved"]


def test_the_seeds_go_and_come_back(engine: Engine, tmp_path: Path) -> None:
    load(engine, SEEDS)
    text = (SEEDS / "article.txt").read_text().replace("Botox", "BOTOX", 1)
    entry = unsigned()
    (tmp_path / "article.txt").write_text("A new first line.\n" + text)
    (tmp_path / "sources.article.yaml").write_text(entry)
    done = load(engine, tmp_path)
    assert done.updated == 1
    assert done.refreshed > 10
    assert len(list(moved_quotes(engine))) > 10
    assert list(maintaining.check(engine)) == []
    assert (load(engine, SEEDS).updated, list(moved_quotes(engine)), list(maintaining.check(engine))) == (1, [], [])
    assert load(engine, SEEDS).revision is None


def test_check_tells_what_moved_and_faults_what_is_gone(sqlite_copy: Path, tmp_path: Path) -> None:
    text = (SEEDS / "article.txt").read_text()
    entry = unsigned()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "sources.yaml").write_text(entry)
    (tmp_path / "new" / "article.txt").write_text("Lo. " + text)
    assert run(sqlite_copy, "load", str(tmp_path / "new")).returncode == 0
    told = run(sqlite_copy, "check")
    assert (told.returncode, " has moved to " in told.stdout) == (0, True)
    (tmp_path / "new" / "article.txt").write_text("Nothing.")
    assert run(sqlite_copy, "load", str(tmp_path / "new")).returncode == 0
    gone = run(sqlite_copy, "check")
    assert (gone.returncode, " is gone" in gone.stdout) == (1, True)


def test_check_sees_a_moved_quote_whose_offsets_do_not_hold(sqlite_copy: Path) -> None:
    with sqlite3.connect(sqlite_copy) as connection:
        connection.execute(
            "UPDATE provenance SET status = 'moved', start_offset = 0, end_offset = 3 "
            "WHERE record_id = 'botox-high-safety-profile'"
        )
    connection.close()
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    assert any("has moved, but not to 0" in fault for fault in maintaining.check(engine))
    engine.dispose()
