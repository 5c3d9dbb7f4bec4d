"""The declaration of the record type `sources`: its tables, names, filters, sort keys and texts for search."""

import re
from hashlib import sha256

from app.records.filter_declarations import coded, number, text, when, word
from app.records.link_tables import Part
from app.records.resource import Resource, Row, Rows
from app.records.sources.models import Source
from app.records.sources.rules import RULES
from app.records.sources.schemas import SET_ID, URL, SourceIn, SourceOut

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


def _columns(source: SourceIn) -> Row:
    text = source.text
    return {
        "sha256": None if text is None else sha256(text.encode()).hexdigest(),
        "text_length": None if text is None else len(text),
        "identifier": identifier_of(source),
    }


def _embed(rows: Rows) -> Row:
    source = rows["sources"][0]
    return {"source": source["id"], "tier": source["tier"], "url": source["url"]}


SOURCES = Resource(
    type="sources",
    singular="source",
    entered=SourceIn,
    out=SourceOut,
    rules=RULES,
    main=Part(Source, "id"),
    named_by={"url": "url", "set_id": "set-id"},
    more_columns=_columns,
    embed=_embed,
    filters={
        "kind": word(Source.kind),
        "tier": word(Source.tier, "How near the source is to the fact."),
        "title": text(Source.title, "present", "Exact title."),
        "url": coded(Source.url, URL, "https://pubmed.ncbi.nlm.nih.gov/20647170/", "Address."),
        "publisher": text(Source.publisher, "NLM", "Publisher."),
        "set_id": coded(Source.set_id, SET_ID, "485d9b71-6881-42c5-a620-a4360c7192ab"),
        "version": number(Source.version, "34", "Version, as its publisher counts."),
        "effective_date": when(Source.effective_date, "2020.."),
        "text": number(
            Source.text_length, "present", "Length of the stored text; `present` or `missing`.", path="text_length"
        ),
    },
    sorted_by=("kind", "tier", "title", "publisher", "url", "retrieved_on", "effective_date"),
    texts={"title": ("title",), "name": ("publisher",), "address": ("url",), "note": ("note",)},
    example="article",
)
