"""The change feed: every version of every record, tombstones included, in the order of their revisions.

Revision numbers are given under the writers' lock, and a revision becomes visible when its transaction commits. So a
revision is visible as a whole, and none with a smaller number can follow. A client that continues from the last change
that it has read therefore misses no change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, and_, select, tuple_
from sqlalchemy.orm import aliased

from app.auth.pseudonyms import Shown, shown_actors
from app.common.problems import Invalid, parameter_fault
from app.database.streaming import FEW, streamed
from app.query.as_of import newest_at, read_as_of
from app.query.keyset import next_url, read_cursor
from app.query.page_budget import converted, cut
from app.query.pages import DatabaseState
from app.query.parameters import TYPES, Parameters, read_limit, read_types
from app.records.vocabularies import RecordType
from app.settings import PublicActors
from app.store.documents import Change, Document, Revision

PATH = "/v1/changes"
DEFAULT_LIMIT = 100
LONGEST_WAIT = 60


class Position(NamedTuple):
    """A place in the feed: the last change that a client has read."""

    revision: int
    type: str | None = None
    """None where the client has read the whole revision."""
    id: str | None = None

    def __str__(self) -> str:
        return f"{self.revision}/{self.type}/{self.id}"


BEGINNING: Position | datetime = Position(0)


def position_of(text: str) -> Position:
    """Parse what `str` makes of a position, the form of event ids in the stream; raises `ValueError`."""
    revision, type, id = text.split("/")
    if not (revision.isascii() and revision.isdigit() and len(revision) < 10):
        raise ValueError(text)
    return Position(int(revision), type, id)


class Item(NamedTuple):
    """A change as the feed shows it."""

    revision: int
    at: datetime
    actor: str
    reason: str
    type: RecordType
    id: str
    version: int
    change: Change
    fields: list[str] | None
    """The fields of the document that differ from the version before; None where there is nothing to compare."""
    href: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The parsed query string of the feed."""

    after: Position | datetime
    """Where the page starts, from `cursor` or `since`; a moment stands for the newest revision then."""
    types: tuple[RecordType, ...]
    limit: int
    wait: int
    """The seconds to wait for a change where the page would be empty."""
    parameters: tuple[tuple[str, str], ...]
    """The parameters as they were given, without `cursor` and `since`."""

    @property
    def asked(self) -> str:
        """The text that a cursor is bound to."""
        return repr(("changes", self.types))

    def next_url(self, position: Position) -> str:
        """The URL of the page after a position."""
        return next_url(PATH, self.parameters, self.asked, tuple(position))


class FeedEntry(NamedTuple):
    """A change as JSON, with its position in the feed."""

    body: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the feed."""

    items: Sequence[FeedEntry]
    next: Position | None
    """The position of the last item; None where no change follows it."""


def _read_since(value: str) -> Position | datetime:
    """Parse `since=`: a revision number, or a moment as `as_of=` accepts it; raises `Invalid`."""
    if not (value.isascii() and value.isdigit()):
        return read_as_of(value)
    if len(value) > 9:
        raise Invalid(f"{value!r} is no revision, a whole number from 0, nor a date or a moment")
    return Position(int(value))


def _read_wait(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 3 and int(value) <= LONGEST_WAIT):
        raise Invalid(f"{value!r} is no number of seconds from 0 to {LONGEST_WAIT}")
    return int(value)


def _read_cursor(asked: str, cursor: str) -> Position | datetime:
    found = read_cursor(asked, cursor)
    kinds = [type(part) for part in found]
    if kinds != [int, str, str]:
        raise Invalid("was not made here")
    return Position(*found)


@lru_cache(maxsize=256)
def read_query(raw: str) -> Asked:
    """Parse a raw query string; raises a `Problem` that lists every fault. A cursor overrides `since=`."""
    given = Parameters(raw, ["since", "type", "limit", "wait", "cursor", "format"])
    types = given.read_several("type", read_types, TYPES)
    start, wait = given.read("since", _read_since, BEGINNING), given.read("wait", _read_wait, 0)
    limit = given.read("limit", read_limit, DEFAULT_LIMIT)
    given.read_format()
    if limit == 0:
        given.faults.append(parameter_fault("limit", "limit: a page of the feed has at least one change."))
    given.end()
    bare = Asked(start, types, limit, wait, ())
    after = given.read("cursor", partial(_read_cursor, bare.asked), start)
    given.end()
    return Asked(after, types, limit, wait, given.without("cursor", "since"))


_PREVIOUS = aliased(Document)
_KEY = (Document.revision, Document.type, Document.id)
_CHANGES = (
    select(
        *_KEY,
        Document.version,
        Document.change,
        Document.body,
        Revision.committed_at,
        Revision.actor,
        Revision.reason,
        _PREVIOUS.body.label("before"),
    )
    .join(Revision, Revision.revision == Document.revision)
    .outerjoin(
        _PREVIOUS,
        and_(_PREVIOUS.type == Document.type, _PREVIOUS.id == Document.id, _PREVIOUS.version == Document.version - 1),
    )
    .order_by(*_KEY)
)


def position(connection: Connection, after: Position | datetime) -> Position:
    """The position to start after; a moment becomes the newest revision at that moment."""
    return after if isinstance(after, Position) else Position(newest_at(connection, after).revision)


def page(
    connection: Connection,
    after: Position,
    types: Sequence[RecordType],
    limit: int,
    most_bytes: int,
    actors: PublicActors = "names",
) -> Page:
    """The first changes after a position, of some types: at most `limit`, and at most `most_bytes` of JSON.

    `actors` is the setting that decides whether the public sees the names of actors or pseudonyms.
    """
    wanted = _CHANGES.where(Document.revision > after.revision)
    if after.type is not None:
        wanted = _CHANGES.where(Document.revision >= after.revision, tuple_(*_KEY) > tuple(after))
    if len(types) < len(TYPES):
        wanted = wanted.where(Document.type.in_(types))
    shown = shown_actors(connection, actors)
    rows = streamed(connection, wanted.limit(limit + 1), by_cursor=limit > FEW)
    found = cut(converted(rows, limit, partial(_entry, shown=shown)), limit, most_bytes)
    items = [FeedEntry(*row) for row in found.rows]
    return Page(items, items[-1].position if found.is_more else None)


def _entry(row: Any, shown: Shown) -> FeedEntry:
    item = _item(row, shown)
    return FeedEntry(orjson.dumps(item._asdict(), option=orjson.OPT_UTC_Z), Position(item.revision, item.type, item.id))


def _item(row: Any, shown: Shown) -> Item:
    fields = _changed_fields(row.before, row.body) if row.change in ("updated", "refreshed") and row.before else None
    href = f"/v1/{row.type}/{row.id}/versions/{row.version}"
    revision = (row.revision, row.committed_at, shown(row.actor), row.reason)
    return Item(*revision, row.type, row.id, row.version, row.change, fields, href)


def _without_check_times(body: bytes) -> dict[str, Any]:
    """A parsed document without the times at which its quotes were last checked, which are no change of content."""
    document: dict[str, Any] = orjson.loads(body)
    for cited in document.get("provenance", ()):
        cited.pop("checked_at", None)
    return document


def _changed_fields(before: bytes, after: bytes) -> list[str]:
    """The top-level fields in which two documents differ."""
    old, new = _without_check_times(before), _without_check_times(after)
    return [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]


def body_of(shown: Page, asked: Asked, at: DatabaseState) -> bytes:
    """A page as JSON, with the newest revision of the database."""
    following = asked.next_url(shown.next) if shown.next else None
    items = b",".join(item.body for item in shown.items)
    return b'{"items":[%b],"next":%b,"revision":%d}' % (items, orjson.dumps(following), at.revision)
