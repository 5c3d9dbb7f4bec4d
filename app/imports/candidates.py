"""What an importer makes of somebody's file: records in the shapes that everybody enters them in, a unit at a time.

Whoever reads a file says what it holds; what becomes of it is decided elsewhere, alike for all formats.
"""

from typing import Any, NamedTuple

import orjson

from app.records.fields import RecordType
from app.store.entry import Ready

Json = dict[str, Any]


class PrebuiltCandidate(NamedTuple):
    """What is offered without its links to publications, ready to be written should nobody have it."""

    ready: Ready
    digest: str
    json: bytes
    """All of the offer, as JSON."""


class Offer(NamedTuple):
    """A record as a file has it, as the type's `In` model takes it; its id is a proposal, should nobody have it yet."""

    type: RecordType
    data: Json
    entered: bytes | None = None
    """As it would be kept, where it is known that its shape and its own rules are right."""
    prepared: PrebuiltCandidate | None = None
    """Then `data` is only what the record is found by."""

    @property
    def full_data(self) -> Json:
        return self.data if self.prepared is None else orjson.loads(self.prepared.json)


class Mention(NamedTuple):
    """What a file says of a record that it does not hold itself; of no matter where nobody has that record."""

    type: RecordType
    name: str
    """Any name that finds it: an id, a PMID, a registration."""
    data: Json
    """Some of its fields."""


class Withdrawal(NamedTuple):
    """A record that its publisher has taken back."""

    type: RecordType
    name: str


class Remark(NamedTuple):
    """Something that was seen and could not be mapped; counted in the report by its kind."""

    kind: str
    """Words joined by hyphens, such as `condition-kept-as-text`."""
    text: str


class Descriptor(NamedTuple):
    """A MeSH descriptor: a heading, its entry terms, and where it stands in the trees. It is no record."""

    id: str
    heading: str
    terms: tuple[str, ...]
    tree_numbers: tuple[str, ...]


class Unit(NamedTuple):
    """What belongs together in a file, such as one registry record: taken as a whole or not at all."""

    place: str
    """What the report calls it: `NCT00156910`, `PMID 20647170`, `line 12`."""
    offers: tuple[Offer, ...]
    """Each after those that it refers to; the source that they cite comes first."""
    mentions: tuple[Mention, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    remarks: tuple[Remark, ...] = ()
    descriptor: Descriptor | None = None


class Refusal(NamedTuple):
    """A part of a file that is no record, or none that can be read."""

    place: str
    pointer: str
    """RFC 6901 into the record, or empty."""
    detail: str


Found = Unit | Refusal


class Unreadable(Exception):
    """The file as a whole cannot be read, or not any further; says why."""
