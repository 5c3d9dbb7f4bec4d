"""Parsing of `as_of=`: a moment of the past, and the revision that was the newest one then.

The time of a revision is the time from which readers could see it, and later revisions have later times. Therefore an
answer as of a moment before the newest revision can never change.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.common.problems import Invalid
from app.store.documents import Revision

_MOMENT = re.compile(r"([0-9-]{10})[Tt]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)([Zz]|[-+ ][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EXAMPLES = ("2026-01-31", "2026-01-31T12:00:00Z")


def _moment(value: str) -> datetime:
    # A `+` that the client did not percent-encode arrives as a space, so a space is accepted before the offset.
    found = _MOMENT.fullmatch(value)
    if found is None:
        raise Invalid(f"{value!r} is neither a date nor a date and time with its offset from UTC", EXAMPLES)
    offset = "+00:00" if found[3] in "Zz" else found[3].replace(" ", "+")
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"there is no moment {value!r}", EXAMPLES) from None


def _end_of(day: str, now: datetime) -> datetime:
    try:
        start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    except ValueError:
        raise Invalid(f"there is no day {day!r}", EXAMPLES) from None
    if start <= now < start + timedelta(days=1):
        raise Invalid(f"{day} is not over, so that it has no end yet; give a moment", (f"{now:%Y-%m-%dT%H:%M:%SZ}",))
    return start + timedelta(days=1, microseconds=-1) if start.year < 9999 else start


def read_as_of(value: str) -> datetime:
    """Parse a moment. A date means the last microsecond of that day in UTC; raises `Invalid` for one in the future."""
    now = datetime.now(UTC)
    moment = _end_of(value, now) if _DAY.fullmatch(value) else _moment(value)
    if moment > now:
        raise Invalid(f"{value} is in the future", (f"{now:%Y-%m-%dT%H:%M:%SZ}",))
    return moment


class RevisionAt(NamedTuple):
    """The revision that was the newest one at some moment."""

    revision: int
    """0 before the first revision."""
    since: datetime
    """When the revision was committed; the requested moment itself before the first revision."""


def newest_at(connection: Connection, moment: datetime) -> RevisionAt:
    """Find the newest revision at a moment.

    The query walks back from the newest revision. That is no longer way than the caller goes anyway, who then reads
    everything that has changed since.
    """
    query = select(Revision.revision, Revision.committed_at).where(Revision.committed_at <= moment)
    found = connection.execute(query.order_by(Revision.revision.desc()).limit(1)).one_or_none()
    return RevisionAt(*found) if found else RevisionAt(0, moment)
