"""Documents follow from rows; `check` sees whatever does not, `rebuild` mends it."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine, select, text

from app.database.engine import open_engine, reading
from app.store import integrity as maintaining
from app.store.documents import Document


def test_every_stored_document_is_a_fresh_rendering(seeded_engine: Engine) -> None:
    assert list(maintaining.check(seeded_engine)) == []


@pytest.fixture
def copy(sqlite_copy: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    yield engine
    engine.dispose()


SPOILT = [
    ("UPDATE products SET name = 'x' WHERE id = 'botulinum-toxin'", "products/botulinum-toxin: the document is not"),
    ("UPDATE documents SET body = x'7b7d' WHERE id = 'preempt-1'", "studies/preempt-1: the document is not"),
    ("UPDATE documents SET etag = 'x' WHERE id = 'preempt-1'", "studies/preempt-1: the document's hash is wrong"),
    ("DELETE FROM documents WHERE id = 'preempt-1'", "studies/preempt-1: there is no document"),
    ("UPDATE sources SET text = replace(text, 'Botox', 'Bot0x')", "article: the quote is not at"),
    ("UPDATE database_state SET revision = 0", "later than the database's own"),
    ("DELETE FROM records WHERE id = 'preempt-1'", "studies/preempt-1: a document of no record"),
    ("DELETE FROM sources WHERE id = 'article'", "a row of provenance refers to nothing in sources"),
]


@pytest.mark.parametrize(("statement", "expected"), SPOILT)
def test_check_sees_what_was_spoilt(copy: Engine, statement: str, expected: str) -> None:
    with copy.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute(statement)
    assert any(expected in fault for fault in maintaining.check(copy))


def test_rebuild_mends_documents_as_new_versions(copy: Engine) -> None:
    with copy.begin() as connection:
        connection.execute(text("UPDATE products SET name = 'renamed' WHERE id = 'onabotulinumtoxina'"))
    changed = maintaining.rebuild(copy, actor="test")
    assert changed > 100
    assert list(maintaining.check(copy)) == []
    with reading(copy) as connection:
        product = Document.type == "products", Document.id == "onabotulinumtoxina"
        versions = connection.execute(select(Document.version, Document.until_revision).where(*product)).all()
        assert [tuple(row) for row in versions] == [(1, 2), (2, None)]
    assert maintaining.rebuild(copy, actor="test") == 0


def test_what_was_entered_is_kept_packed_and_read_whole_however_it_was_stored(seeded_engine: Engine) -> None:
    raw = text("SELECT entered FROM documents WHERE type = 'studies' AND id = 'preempt-1'")
    query = select(Document.entered).where(Document.type == "studies", Document.id == "preempt-1")
    plain = text("UPDATE documents SET entered = :plain WHERE type = 'studies' AND id = 'preempt-1'")
    with seeded_engine.connect() as connection:
        packed, entered = bytes(connection.execute(raw).scalar_one()), connection.scalars(query).one()
        assert entered is not None
        assert len(packed) < len(entered) / 2
        assert orjson.loads(entered)["id"] == "preempt-1"
        connection.execute(plain, {"plain": entered})
        assert connection.scalars(query).one() == entered
