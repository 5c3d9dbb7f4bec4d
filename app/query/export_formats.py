"""The formats: their media types, which record types they are for, and their file endings."""

from collections.abc import Mapping
from typing import NamedTuple

from app.records.fields import RecordType


class Format(NamedTuple):
    media_type: str
    ending: str
    cites: bool = False
    """Only for what is published."""


FORMATS: Mapping[str, Format] = {
    "json": Format("application/json", "json"),
    "ndjson": Format("application/x-ndjson", "ndjson"),
    "csv": Format("text/csv", "csv"),
    "ris": Format("application/x-research-info-systems", "ris", cites=True),
    "bibtex": Format("application/x-bibtex", "bib", cites=True),
    "csl-json": Format("application/vnd.citationstyles.csl+json", "json", cites=True),
}
CITED: frozenset[RecordType] = frozenset({"studies", "publications"})


def formats_of(type: RecordType) -> list[str]:
    return [name for name, format in FORMATS.items() if not format.cites or type in CITED]
