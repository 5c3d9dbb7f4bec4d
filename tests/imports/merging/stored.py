"""What is stored after an import, and records that a person entered before it."""

from typing import Any

import orjson
from sqlalchemy import Engine, func, select

from app.auth.audit import Who
from app.database.engine import reading
from app.editing.service import Change, patch
from app.imports.candidates import Candidate, SourceItem
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.documents import Document, State
from app.store.revision import changing
from tests.changing import CITED, SOURCE, Json, change
from tests.importing import trial

BY_HAND: Json = {"id": "our-trial", "title": "Our title", "registry_ids": ["NCT00000001"], "enrolled": 679, **CITED}


def document(engine: Engine, type: RecordType, id: str) -> Json:
    with reading(engine) as connection:
        of = (Document.type == type, Document.id == id, Document.until_revision.is_(None))
        body = connection.scalars(select(Document.body).where(*of)).one()
    said: Json = orjson.loads(body)
    return said


def ids(engine: Engine, type: RecordType) -> set[str]:
    with reading(engine) as connection:
        of = (Document.type == type, Document.until_revision.is_(None))
        return set(connection.scalars(select(Document.id).where(*of)))


def revision(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalars(select(State.revision)).one()


def count(engine: Engine, table: Any) -> int:
    with reading(engine) as connection:
        return connection.scalars(select(func.count()).select_from(table)).one()


def edit(engine: Engine, type: RecordType, id: str, **fields: Any) -> None:
    with changing(engine) as connection:
        patch(connection, RESOURCES[type], id, fields, Change(Who("editor"), "corrected"))


def by_hand(engine: Engine, type: RecordType = "studies", record: Json = BY_HAND) -> None:
    assert change(engine, [SOURCE, (type, record)])


def of_label(number: str, type: RecordType, data: Json) -> SourceItem:
    cited = {"provenance": [{"source": f"ctgov-{number.lower()}"}]}
    return SourceItem(number, (trial(number).candidates[0], Candidate(type, data | cited)))
