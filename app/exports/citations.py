"""Cited records in the formats of citation managers: RIS, BibTeX and CSL-JSON."""

from collections.abc import Iterable
from typing import Any

import orjson

from app.exports.bibtex import bibtex_of
from app.exports.citation_item import citation_of
from app.exports.citation_records import publications_of as publications_of
from app.exports.csl import csl_item
from app.exports.ris import ris_of

Json = Any


def ris(records: Iterable[Json]) -> str:
    """Return the citations of records as RIS."""
    return ris_of(map(citation_of, records))


def bibtex(records: Iterable[Json]) -> str:
    """Return the citations of records as BibTeX."""
    return bibtex_of(map(citation_of, records))


def csl(records: Iterable[Json]) -> list[dict[str, Any]]:
    """Return the citations of records as items of CSL-JSON."""
    return [csl_item(citation_of(record)) for record in records]


def csl_lines(records: Iterable[Json]) -> list[bytes]:
    """Return the citations of records as items of CSL-JSON, each as bytes."""
    return [orjson.dumps(item) for item in csl(records)]
