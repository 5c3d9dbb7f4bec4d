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

from app.records.fields import RecordType
from app.store.entry import PrebuiltRecord

Json = dict[str, Any]


class PrebuiltCandidate(NamedTuple):
    """A candidate whose rows and document the reader process has built, without its links to publications."""

    record: PrebuiltRecord
    """The prebuilt rows and document. They are written as they are if the record turns out to be new."""
    digest: str
    """The digest of the candidate's data without those links."""
    json: bytes
    """The candidate's whole data as JSON with sorted keys, links included."""


class Candidate(NamedTuple):
    """A candidate: one record as a file states it, in the shape of its type's `In` model.

    Its id is a proposal: it is used only if no stored record matches the candidate.
    """

    type: RecordType
    data: Json
    entered: bytes | None = None
    """The record as it would be stored, if its shape and the rules of its own type were found right before."""
    prebuilt: PrebuiltCandidate | None = None
    """If this is set, `data` holds only the fields that record linkage needs."""

    @property
    def full_data(self) -> Json:
        """The whole data of the candidate, whether it is prebuilt or not."""
        return self.data if self.prebuilt is None else orjson.loads(self.prebuilt.json)


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


class Rejection(NamedTuple):
    """A rejection: a part of a file that is not a record, or that cannot be read."""

    place: str
    pointer: str
    """A JSON pointer (RFC 6901) into the record, or an empty string for the whole of it."""
    detail: str


Found = SourceItem | Rejection


class Unreadable(Exception):
    """A file cannot be read, either as a whole or from some point on. The message says why."""
