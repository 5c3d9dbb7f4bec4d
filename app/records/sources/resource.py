"""Sources in and out of their tables."""

import re
from collections.abc import Iterator
from hashlib import sha256

from app.records.resource import Found, Name, Part, Resource, Row, Rows, columns
from app.records.sources.models import Source
from app.records.sources.rules import RULES
from app.records.sources.schemas import SourceFilter, SourceIn, SourceOut

PUBLICATIONS = frozenset({"article", "bibliographic-record"})
"""Kinds of sources that may be a publication; a compilation, a registry or a page about one is not."""

_ADDRESSES = re.compile(
    r"https?://(?:pubmed\.ncbi\.nlm\.nih\.gov/|www\.ncbi\.nlm\.nih\.gov/pubmed/|(?:(?:dx|www)\.)?doi\.org/)(.*)"
)
"""Where a PMID or a DOI is the whole rest of the address."""


def identifier_of(source: SourceIn) -> str | None:
    """The PMID or DOI that its address consists of, folded as names are; nothing where it is no publication."""
    address = (source.url or "").lower().replace("%2f", "/").replace("?dopt=abstract", "")
    found = _ADDRESSES.fullmatch(address) if source.kind in PUBLICATIONS else None
    return found[1].rstrip("/") or None if found else None


def rows(source: SourceIn) -> Rows:
    text = source.text
    digest = None if text is None else sha256(text.encode()).hexdigest()
    length = None if text is None else len(text)
    derived = {"sha256": digest, "text_length": length, "identifier": identifier_of(source)}
    return {"sources": [columns(Source, source, **derived)]}


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
