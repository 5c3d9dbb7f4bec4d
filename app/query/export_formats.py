"""The formats that records can be sent in: their media types, file name extensions and record types."""

from collections.abc import Mapping
from typing import NamedTuple

from app.records.fields import RecordType


class Format(NamedTuple):
    """A value of `format=`."""

    media_type: str
    ending: str
    """The file name extension, without the dot."""
    cites: bool = False
    """Whether it is a citation format, which only the types in `CITED` have."""


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
    """The names of the formats that a record type can be sent in."""
    return [name for name, format in FORMATS.items() if not format.cites or type in CITED]
