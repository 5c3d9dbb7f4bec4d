"""The representations in which records, lists and searches can be sent.

All else follows from the one table of this module: what `format=` may name and `Accept` chooses from, how an answer is
written, and the media types in OpenAPI. A new representation is a row here and a writer function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from app.exports import writers
from app.exports.citation_records import embedded_for
from app.exports.content import Content, Writer
from app.exports.parquet import write_parquet
from app.exports.xlsx import write_xlsx
from app.records.resource import Resource
from app.records.vocabularies import RecordType

QuestionKind = Literal["record", "list", "search"]
"""The kinds of questions: one record, a list of one type, and a search across types or for similar records."""

RECORDS_AND_LISTS: frozenset[QuestionKind] = frozenset({"record", "list"})
EVERYTHING: frozenset[QuestionKind] = frozenset({"record", "list", "search"})


def _nothing(_: Resource) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, eq=False, slots=True)
class Representation:
    """A row of the table."""

    name: str
    """The value of `format=`."""
    media_type: str
    write: Writer
    kinds: frozenset[QuestionKind] = RECORDS_AND_LISTS
    """The kinds of questions that it can answer."""
    types: frozenset[RecordType] | None = None
    """The record types that it can show; None for all."""
    streams: bool = False
    """Whether a list is sent whole, as a stream from disk, and not in pages that link to each other."""
    ending: str | None = None
    """The extension of the file that browsers save it as, without the dot; None if they show it."""
    options: frozenset[str] = frozenset()
    """The parameters that belong to it and not to all representations."""
    embeds: Callable[[Resource], tuple[str, ...]] = _nothing
    """Gives the names for `include=` of what its writer needs in the documents of a record type."""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    """Its schema in OpenAPI; that of JSON depends on the record type."""

    def answers(self, kind: QuestionKind, type: RecordType | None) -> bool:
        """Return whether it can answer a kind of question about a record type, or about all types (None)."""
        return kind in self.kinds and (self.types is None or type in self.types)

    def disposition(self, name: str) -> dict[str, str]:
        """Return the header with which browsers save a response as a file (RFC 6266), if they should."""
        return {"content-disposition": f'attachment; filename="{name}.{self.ending}"'} if self.ending else {}

    def written(self, content: Content) -> bytes:
        """Return a content, written as a whole."""
        return b"".join(self.write(content))


JSON = Representation("json", "application/json", writers.write_json, EVERYTHING)
_TABLE = (
    JSON,
    Representation("ndjson", "application/x-ndjson", writers.write_ndjson, streams=True, ending="ndjson"),
    Representation("csv", "text/csv", writers.write_csv, streams=True, ending="csv", options=frozenset({"raw", "bom"})),
    Representation(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        write_xlsx,
        streams=True,
        ending="xlsx",
    ),
    Representation("parquet", "application/vnd.apache.parquet", write_parquet, streams=True, ending="parquet"),
    Representation(
        "ris",
        "application/x-research-info-systems",
        writers.write_ris,
        streams=True,
        ending="ris",
        embeds=embedded_for,
    ),
    Representation(
        "bibtex", "application/x-bibtex", writers.write_bibtex, streams=True, ending="bib", embeds=embedded_for
    ),
    Representation(
        "csl-json",
        "application/vnd.citationstyles.csl+json",
        writers.write_csl,
        streams=True,
        ending="json",
        embeds=embedded_for,
        schema={"type": "array", "items": {"type": "object"}},
    ),
)
"""Among those that a client accepts equally, the first is sent."""

REPRESENTATIONS = {one.name: one for one in _TABLE}
"""The table by the names that `format=` has for its rows."""


@cache
def names_of(kind: QuestionKind, type: RecordType | None) -> tuple[str, ...]:
    """Return the values that `format=` may have in a kind of question about a record type, or about all types."""
    return tuple(one.name for one in REPRESENTATIONS.values() if one.answers(kind, type))


def representations_of(kind: QuestionKind, type: RecordType | None) -> list[Representation]:
    """Return the rows that can answer a kind of question about a record type, or about all types."""
    return [REPRESENTATIONS[name] for name in names_of(kind, type)]
