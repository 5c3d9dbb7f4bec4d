"""What a reader finds in a file, in the same types for all formats.

    Found = SourceItem | Rejection
    SourceItem        what a file says of one thing: it is imported as a whole or not at all
      Candidate       one record that the file holds
      PartialUpdate   some fields of a record that the file does not hold
      Withdrawal      a record that its publisher has withdrawn
      ImportWarning   something that could not be mapped
      Descriptor      a MeSH descriptor, which is not a record
    Rejection         a part of the file that cannot be read as a source item

A reader only says what the file holds. Record linkage, merging and writing are the same for all formats.
"""

from typing import Any, NamedTuple

import orjson

from app.records.vocabularies import RecordType
from app.store.entry import PrebuiltRecord

Json = dict[str, Any]


class PrebuiltCandidate(NamedTuple):
    """What the reader process made of a candidate that is valid by itself, so that the writer need not."""

    entered: bytes | None
    """The record as it would be stored, if it was serialized."""
    record: PrebuiltRecord | None = None
    """The rows and the document without links to publications. They are written as they are if the record is new."""
    digest: str = ""
    """The digest of the candidate's data without those links, if `record` is there."""
    json: bytes = b""
    """The candidate's whole data as JSON with sorted keys, links included, if `record` is there."""


class Candidate(NamedTuple):
    """A candidate: one record as a file states it, in the shape of its type's `In` model.

    Its id is a proposal: it is used only if no stored record matches the candidate.
    """

    type: RecordType
    data: Json
    prebuilt: PrebuiltCandidate | None = None
    """If this is set with a record, `data` holds only the fields that record linkage needs."""

    @property
    def full_data(self) -> Json:
        """The whole data of the candidate, whether its record is prebuilt or not."""
        return orjson.loads(self.prebuilt.json) if self.prebuilt and self.prebuilt.record else self.data


class PartialUpdate(NamedTuple):
    """A partial update: what a file states about a record that it does not hold itself.

    It has no effect if that record is not stored.
    """

    type: RecordType
    name: str
    """Any name that identifies the record: an id, a PMID, a registration number."""
    data: Json
    """Some of the record's fields."""


class Withdrawal(NamedTuple):
    """A record that its publisher has withdrawn."""

    type: RecordType
    name: str


class ImportWarning(NamedTuple):
    """A warning: something that was read and could not be mapped. The report counts warnings by their kind."""

    kind: str
    """Words joined by hyphens, such as `condition-kept-as-text`."""
    text: str


class Descriptor(NamedTuple):
    """A MeSH descriptor: its heading, its entry terms and its places in the MeSH trees. It is not a record."""

    id: str
    heading: str
    terms: tuple[str, ...]
    tree_numbers: tuple[str, ...]


class SourceItem(NamedTuple):
    """A source item, such as one registry record: its parts are imported together or not at all."""

    place: str
    """The name of the item in the report: `NCT00156910`, `PMID 20647170`, `line 12`."""
    candidates: tuple[Candidate, ...]
    """Candidates in order of reference: each comes after those that it refers to, the source that they cite first."""
    partial_updates: tuple[PartialUpdate, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    warnings: tuple[ImportWarning, ...] = ()
    descriptor: Descriptor | None = None
    exported: str | None = None
    """The id of the publication of this service that the item was exported from."""


class Rejection(NamedTuple):
    """A rejection: a part of a file that is not a record, or that cannot be read."""

    place: str
    pointer: str
    """A JSON pointer (RFC 6901) into the record, or an empty string for the whole of it."""
    detail: str


Found = SourceItem | Rejection


class Unreadable(Exception):
    """A file cannot be read, either as a whole or from some point on. The message says why."""
