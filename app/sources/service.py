"""Sources in and out of their tables."""

from collections.abc import Iterator
from hashlib import sha256

from app.resources import Found, Name, Part, Resource, Row, Rows, columns
from app.sources.models import Source
from app.sources.rules import RULES
from app.sources.schemas import SourceFilter, SourceIn, SourceOut


def rows(source: SourceIn) -> Rows:
    text = source.text
    digest = None if text is None else sha256(text.encode()).hexdigest()
    length = None if text is None else len(text)
    return {"sources": [columns(Source, source, sha256=digest, text_length=length)]}


def names(source: SourceIn) -> Iterator[Name]:
    if source.url:
        yield "url", source.url
    if source.set_id:
        yield "set-id", source.set_id


def render(rows: Rows, _: Found) -> Row:
    return rows["sources"][0]


def embed(rows: Rows) -> Row:
    source = rows["sources"][0]
    return {"source": source["id"], "tier": source["tier"], "url": source["url"]}


SOURCES = Resource(
    type="sources",
    singular="source",
    entered=SourceIn,
    out=SourceOut,
    filter=SourceFilter,
    rules=RULES,
    main=Part(Source, "id"),
    rows=rows,
    names=names,
    render=render,
    embed=embed,
    filters={
        "kind": Source.kind,
        "tier": Source.tier,
        "title": Source.title,
        "url": Source.url,
        "publisher": Source.publisher,
        "set_id": Source.set_id,
        "version": Source.version,
        "effective_date": Source.effective_date,
        "text": Source.text_length,
    },
    sorts={
        "id": Source.id,
        "kind": Source.kind,
        "tier": Source.tier,
        "title": Source.title,
        "publisher": Source.publisher,
        "url": Source.url,
        "retrieved_on": Source.retrieved_on,
        "effective_date": Source.effective_date,
    },
    example="article",
)
