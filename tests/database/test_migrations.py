"""Migrations go up and down with the data in place, and build exactly what the models say."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from alembic import command
from sqlalchemy import Connection, Engine, func, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

import app.records.registry
from app.database.engine import Base, open_engine, reading
from app.database.migrations import _config, current, head, migrate
from app.editing.service import entered
from app.jobs.models import ImportRun
from app.records.base_models import Record, RecordName
from app.records.registry import RESOURCES
from app.records.sources.models import Source
from app.releases.load import load
from app.store import integrity as maintaining
from app.store.documents import Document
from app.store.revision import changing, write
from app.store.submission import Submission
from app.store.validation import check
from app.store.versions import Key
from migrations.checks import record_types
from tests.changing import CITED, SOURCE, change
from tests.conftest import SEEDS, NewDatabase
from tests.importing import take, trial

WITHIN, NOTHING = b'"intervention_model":"within-person"', b'"intervention_model":null'
"""What the first versions cannot hold is nothing there, and stays so on the way up."""
FIRST_TYPES = {
    "sources",
    "products",
    "indications",
    "publications",
    "studies",
    "mechanisms",
    "safety-notes",
    "approvals",
    "dosing",
    "directions",
}
"""The record types of the first version."""


def test_up_and_down_with_data_in_place(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    load(engine, SEEDS)
    bodies = current_bodies(engine)
    assert maintaining.count(engine) == len(bodies)
    migrate(engine, "0001")
    bodies = of_types_then(engine, bodies)
    records = len(bodies)
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.scalar(select(func.count()).select_from(Record)) == records
        assert not inspect(connection).has_table("documents")
        assert not inspect(connection).has_table("deletions")
    migrate(engine)
    assert maintaining.rebuild(engine, actor="test") == records
    assert current_bodies(engine) == {key: body.replace(WITHIN, NOTHING) for key, body in bodies.items()}
    assert list(maintaining.check(engine)) == []
    migrate(engine, "base")
    with engine.connect().execution_options(reads=True) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    migrate(engine)
    engine.dispose()


def test_down_and_up_with_deleted_and_restored_records(url: str) -> None:
    """Before deletions were known, deleted records are not there at all, and restored ones are as any other."""
    engine = open_engine(url)
    migrate(engine)
    load(engine, SEEDS)
    with reading(engine) as connection:
        some = connection.scalars(select(Document.id).where(Document.type == "directions").limit(2)).all()
    keys: list[Key] = [("directions", id) for id in some]
    with changing(engine) as connection:
        write(connection, [], gone=keys, actor="test", reason="gone")
    with changing(engine) as connection:
        back = entered(connection, RESOURCES["directions"], some[0])
        entries, faults = check(connection, [Submission(0, "directions", back)])
        assert not faults
        assert write(connection, entries, actor="test", reason="back").restored == 1
    assert list(maintaining.check(engine)) == []
    bodies = current_bodies(engine)
    assert keys[0] in bodies
    assert keys[1] not in bodies
    for target in ("0004", "0003"):
        migrate(engine, target)
        with engine.connect().execution_options(reads=True) as connection:
            ids = connection.scalars(select(Record.id).where(Record.type == "directions")).all()
            assert some[0] in ids
            assert some[1] not in ids
    bodies = of_types_then(engine, bodies)
    migrate(engine)
    assert current_bodies(engine) == {key: body.replace(WITHIN, NOTHING) for key, body in bodies.items()}
    assert list(maintaining.check(engine)) == []
    engine.dispose()


def of_types_then(engine: Engine, bodies: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], bytes]:
    """The documents of those types that a database knew at its present version, and the first ten are among these."""
    with engine.connect().execution_options(reads=True) as connection:
        types = record_types(connection)
    assert {*types} >= FIRST_TYPES
    return {key: body for key, body in bodies.items() if key[0] in types}


def current_bodies(engine: Engine) -> dict[tuple[str, str], bytes]:
    query = select(Document.type, Document.id, Document.body).where(Document.until_revision.is_(None))
    with reading(engine) as connection:
        return {(row.type, row.id): row.body for row in connection.execute(query)}


def test_head_is_the_newest_migration(engine: Engine) -> None:
    with engine.connect().execution_options(reads=True) as connection:
        assert current(connection) == head()


def test_nothing_is_left_to_generate(engine: Engine) -> None:
    with engine.begin() as connection:
        command.check(_config(connection))


def definitions(connection: Connection) -> set[str]:
    """Every table, column, constraint and index of a database, in its own words."""
    if connection.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
        statements = [str(row[0]) for row in connection.execute(text(query))]
        return {line for sql in statements for line in _lines(sql)}
    constraints = (
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'"
    )
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    columns = (
        "SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || "
        "coalesce(character_maximum_length::text, '') || ' ' || coalesce(collation_name, '') "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    return {str(row[0]) for query in (constraints, indexes, columns) for row in connection.execute(text(query))}


ADDED = re.compile(r", (?=\w+ [A-Z]{3,})")
"""Before a column that was added to a table that was there: SQLite writes it behind the last one, in the same line."""


def _lines(sql: str) -> list[str]:
    first, *rest = [line.strip().rstrip(",") for line in ADDED.sub(",\n", sql).splitlines()]
    return [f"{first} {line}" for line in rest] or [first]


def test_migrations_build_what_the_models_say(backend: str, new_database: NewDatabase) -> None:
    """Alembic's own check sees neither CHECKs nor partial indexes; the databases' own words do."""
    migrated, modelled = (open_engine(new_database(backend)) for _ in range(2))
    migrate(migrated)
    Base.metadata.create_all(modelled)
    with migrated.connect() as one, modelled.connect() as other:
        built, said = definitions(one), definitions(other)
    assert built == said
    assert len([line for line in built if "CHECK" in line]) > 80
    migrated.dispose()
    modelled.dispose()


def test_every_constraint_is_named() -> None:
    for table in Base.metadata.tables.values():
        assert table.primary_key.name
        for constraint in table.constraints:
            assert constraint.name, f"{table.name}: {constraint}"
            assert len(str(constraint.name)) <= 63, constraint.name


def test_the_database_refuses_what_the_models_refuse(engine: Engine) -> None:
    load(engine, SEEDS)
    wrong = [
        "UPDATE studies SET design = 'randomised' WHERE id = 'preempt-1'",
        "UPDATE studies SET enrolled = -1 WHERE id = 'preempt-1'",
        "UPDATE study_arm_results SET events = n + 1 WHERE n IS NOT NULL",
        "UPDATE study_products SET product_id = 'none' WHERE study_id = 'preempt-1'",
        "UPDATE provenance SET start_offset = NULL WHERE quote IS NOT NULL",
        "UPDATE safety_notes SET kind = 'danger'",
        "UPDATE names SET exclusive = true, key = 'same' WHERE record_type = 'products'",
        "UPDATE documents SET version = 0 WHERE id = 'preempt-1'",
        "UPDATE database_state SET id = 2",
        "DELETE FROM products WHERE id = 'onabotulinumtoxina'",
    ]
    for statement in wrong:
        refused = pytest.raises(IntegrityError, match=re.compile("constraint|violates", re.IGNORECASE))
        with refused, engine.begin() as connection:
            connection.execute(text(statement))


def test_a_failing_migration_changes_nothing(backend: str, new_database: NewDatabase) -> None:
    engine = open_engine(new_database(backend))
    migrate(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE documents (x INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        migrate(engine)
    with engine.connect().execution_options(reads=True) as connection:
        assert current(connection) == "0001"
        assert not inspect(connection).has_table("revisions")
    engine.dispose()


def test_migrations_are_dated_and_numbered() -> None:
    folder = Path(app.__file__).parents[1] / "migrations/versions"
    for file in folder.glob("[!_]*.py"):
        assert re.fullmatch(r"\d{8}_\w+\.py", file.name)


def test_sources_say_which_publication_they_are(url: str) -> None:
    """The migration finds what is written with a source today."""
    engine = open_engine(url)
    migrate(engine)
    load(engine, SEEDS)
    query = select(Source.id, Source.identifier).order_by(Source.id)
    with reading(engine) as connection:
        written = connection.execute(query).all()
    assert sum(identifier is not None for _, identifier in written) > 100
    migrate(engine, "0010")
    migrate(engine)
    with reading(engine) as connection:
        assert connection.execute(query).all() == written
    engine.dispose()


def test_names_get_the_keys_of_today(url: str) -> None:
    """What was written by the version before is found as if it were written today; the way back finds it as before."""
    engine = open_engine(url)
    migrate(engine)
    title = {"title": "Randomised trial of TNF-\u03b1 in oedema of children", "year": 2011}
    bare = {"id": "ours", **title} | CITED
    assert change(engine, [SOURCE, ("publications", bare), ("publications", bare | {"id": "other", "pmid": "123"})])
    query = select(RecordName.record_id, RecordName.position, RecordName.kind, RecordName.name, RecordName.key)
    query = query.order_by(RecordName.record_id, RecordName.position)
    with reading(engine) as connection:
        written = connection.execute(query).all()
    migrate(engine, "0013")
    with reading(engine) as connection:
        before = connection.execute(query).all()
    assert [row[:3] for row in before] == [row[:3] for row in written]
    assert {row.key for row in before if row.kind == "title-key"} == {
        "randomisedtrialoftnf\u03b1inoedemaofchildren 2011"
    }
    migrate(engine)
    with reading(engine) as connection:
        assert connection.execute(query).all() == written
    assert list(maintaining.check(engine)) == []
    engine.dispose()


RUN = {"id": "r", "place": "p", "attempt": 1, "state": "done", "format": "ctgov", "on_error": "stop", "dry_run": False}
UNITS = {"read": 1, "applied": 1, "unchanged": 0, "skipped": 0, "refused": 0}
REPORT = {"format": "ctgov", "units": UNITS, "warnings": {"cut-short": {"count": 1, "texts": ["taken, kept"]}}}


def test_public_names_are_renamed_in_all_versions(engine: Engine) -> None:
    """Documents differ in nothing but the names of their conflicts: no version and no entry in the feed comes of it."""
    ours = {"id": "ours", "title": 'It says "kept": 1 and "offered": 2', "enrolled": 679, "registry_ids": ["NCT1234"]}
    assert change(engine, [SOURCE, ("studies", ours | CITED)])
    take(engine, trial("NCT1234", title="Theirs", enrolled=700))
    assert change(engine, [("studies", ours | CITED | {"enrolled": 680})])
    with engine.begin() as connection:
        run = {**RUN, "created_at": datetime.now(UTC), "created_by": "test"}
        connection.execute(insert(ImportRun).values(**run, report=REPORT, progress={"units": 1, "applied": 1}))
    today = everything(engine)
    migrate(engine, "0013")
    renaming = everything(engine)
    migrate(engine, "0012")
    before = everything(engine)
    assert [row[:4] for row in before.documents] == [row[:4] for row in today.documents]
    pairs = [(old.body, new.body) for old, new in zip(before.documents, renaming.documents, strict=True)]
    renamed = [(old, new) for old, new in pairs if old != new]
    assert [renamed_conflicts(orjson.loads(old)) for old, _ in renamed] == [orjson.loads(new) for _, new in renamed]
    assert len(renamed) == 2
    assert before.report["remarks"] == REPORT["warnings"]
    assert before.report["units"] == {"read": 1, "taken": 1, "unchanged": 0, "set_aside": 0, "refused": 0}
    assert before.progress == {"units": 1, "taken": 1}
    migrate(engine)
    assert everything(engine) == today
    assert list(maintaining.check(engine)) == []


def renamed_conflicts(document: dict[str, Any]) -> dict[str, Any]:
    names = {"kept": "current", "kept_from": "current_source", "offered": "proposed"}
    conflicts = [{names.get(name, name): value for name, value in each.items()} for each in document["conflicts"]]
    return {**document, "conflicts": conflicts}


class Everything(NamedTuple):
    """All versions of all documents, and the report and progress of the one import."""

    documents: list[Any]
    report: dict[str, Any]
    progress: dict[str, Any]


def everything(engine: Engine) -> Everything:
    columns = Document.type, Document.id, Document.version, Document.revision, Document.etag, Document.body
    with engine.connect().execution_options(reads=True) as connection:
        rows = connection.execute(select(*columns).order_by(Document.type, Document.id, Document.version)).all()
        report, progress = connection.execute(select(ImportRun.report, ImportRun.progress)).one()
    return Everything(list(rows), report, progress)
