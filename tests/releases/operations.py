"""Releases as tests make, preview and revert them, and what is stored then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select

from app.auth.audit import Who
from app.database.engine import Base, reading
from app.releases.archive_reader import open_content
from app.releases.load import InvalidContent
from app.releases.service import ReleaseRequest, apply
from app.releases.staging import staged
from app.store.documents import Document

WHO = Who("tester")


Json = dict[str, Any]


Lines = Callable[..., Path]


def source(id: str, **more: Any) -> Json:
    record = {"id": id, "kind": "web-page", "tier": "other", "url": f"https://example.org/{id}", **more}
    return {"type": "sources", "record": record}


def product(id: str, cites: str, **more: Any) -> Json:
    return {"type": "products", "record": {"id": id, "name": id, "provenance": [{"source": cites}], **more}}


def gone(type: str, id: str) -> Json:
    return {"type": type, "id": id, "deleted": True}


def made(engine: Engine, name: str, path: Path) -> Json:
    with open_content(path) as content, staged(content) as read:
        return apply(engine, read, ReleaseRequest(name, f"release {name}", WHO))


def faults_of(engine: Engine, path: Path) -> list[str]:
    before = everything(engine)
    with pytest.raises(InvalidContent) as caught:
        made(engine, "faulty", path)
    assert everything(engine) == before
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    with reading(engine) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)))) for table in Base.metadata.sorted_tables
        }


def documents(engine: Engine) -> dict[tuple[str, str], bytes]:
    """What readers get."""
    with reading(engine) as connection:
        query = select(Document.type, Document.id, Document.body).where(Document.until_revision.is_(None))
        return {(type, id): body for type, id, body in connection.execute(query)}


FIRST = (source("a"), source("b"), product("p", "a"), product("q", "b"))


SECOND = (
    source("a", publisher="Somebody"),
    source("c"),
    product("p", "c", brand_names=["Pe"], manufacturer="Maker"),
    gone("products", "q"),
    gone("sources", "b"),
    product("r", "a"),
)


SOURCES = "- {id: z, kind: web-page, tier: other, url: 'https://example.org/z'}\n"


def body(*items: Json) -> bytes:
    return b"".join(orjson.dumps(item) + b"\n" for item in items)
