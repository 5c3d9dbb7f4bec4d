"""The declaration of the record type `sources`: its rows, names and rendering, filters and sort keys."""

import re
from collections.abc import Iterator
from hashlib import sha256

from app.records.resource import EmbeddedRecords, Name, Part, Resource, Row, Rows, row_of
from app.records.sources.models import Source
from app.records.sources.rules import RULES
from app.records.sources.schemas import SourceFilter, SourceIn, SourceOut

PUBLICATIONS = frozenset({"article", "bibliographic-record"})
"""The kinds of sources that can be a publication; a compilation, a registry record or a page about one cannot."""

_ADDRESSES = re.compile(
    r"https?://(?:pubmed\.ncbi\.nlm\.nih\.gov/|www\.ncbi\.nlm\.nih\.gov/pubmed/|(?:(?:dx|www)\.)?doi\.org/)(.*)"
)
"""Addresses of PubMed and of DOI resolvers; the group is the PMID or DOI."""


def identifier_of(source: SourceIn) -> str | None:
    """The PMID or DOI in the address of a source that is a publication, folded as names are, or nothing."""
    address = (source.url or "").lower().replace("%2f", "/").replace("?dopt=abstract", "")
    found = _ADDRESSES.fullmatch(address) if source.kind in PUBLICATIONS else None
    return found[1].rstrip("/") or None if found else None


def _rows(source: SourceIn) -> Rows:
    text = source.text
    digest = None if text is None else sha256(text.encode()).hexdigest()
    length = None if text is None else len(text)
    derived = {"sha256": digest, "text_length": length, "identifier": identifier_of(source)}
    return {"sources": [row_of(Source, source, **derived)]}


def _names(source: SourceIn) -> Iterator[Name]:
    if source.url:
        yield "url", source.url
    if source.set_id:
        yield "set-id", source.set_id


def _render(rows: Rows, _: EmbeddedRecords) -> Row:
    return rows["sources"][0]


def _embed(rows: Rows) -> Row:
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
    rows=_rows,
    names=_names,
    render=_render,
    embed=_embed,
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
