"""The records that a list cites: publications, registry records of studies without one, and sources.

Record types      cite
  studies           their publications; without one, the study is cited as its registration
  publications,
  sources           themselves
  all others        the sources in their provenance

`embedded_for` names what must be embedded in a document so that the cited records stand whole in it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from app.records.resource import Resource

Json = Any


def embedded_for(resource: Resource) -> tuple[str, ...]:
    """Return the names for `include=` that put all that a record type's documents cite into them."""
    if resource.type == "studies":
        return ("publications",)
    cites_sources = resource.type not in ("publications", "sources") and "provenance" in resource.out.model_fields
    return ("provenance",) if cites_sources else ()


def publications_of(document: Json) -> list[Json]:
    """Return a publication itself, or the publications of a study, the main one first."""
    return [document] if document["type"] == "publications" else document["publications"]


def cited_records(document: Json) -> list[Json]:
    """Return the documents that a document cites, of which those from `embedded_for` are embedded in it."""
    if document["type"] == "studies":
        return publications_of(document) or [document]
    if document["type"] in ("publications", "sources"):
        return [document]
    return [item["source_record"] for item in document["provenance"]]


def distinct_records(batches: Iterable[Iterable[bytes]]) -> Iterator[list[Json]]:
    """Yield the cited records of each batch that no earlier batch has cited.

    Each has a `key` that no other one has: its id, or where a record of another type has that, its type and id.
    """
    seen: dict[str, str] = {}
    for batch in batches:
        new = []
        for record in (cited for body in batch for cited in cited_records(orjson.loads(body))):
            key = record["id"] if seen.get(record["id"], record["type"]) == record["type"] else _typed_key(record)
            if key not in seen:
                seen[key] = record["type"]
                new.append(record | {"key": key})
        yield new


def _typed_key(record: Json) -> str:
    return f"{record['type']}-{record['id']}"
