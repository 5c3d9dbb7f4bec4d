"""Proof of quotes: every stored quote is in its source's text, where its row says. Sources are read one by one."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, select

from app.database.engine import reading
from app.records.base_models import Provenance
from app.records.resource import Row
from app.records.sources.models import Source
from app.store.quotes.anchor import NotQuoted, locate, nearest_passage
from app.store.quotes.relocation import is_like


def _quotes(connection: Connection, *statuses: str) -> Iterator[tuple[Row, str]]:
    """The provenance rows with quotes of the given statuses, each with its source's text."""
    which = (Provenance.quote.is_not(None), Provenance.status.in_(statuses))
    sources = connection.scalars(select(Provenance.source_id).where(*which).distinct()).all()
    for id in sorted(sources):
        text = connection.scalars(select(Source.text).where(Source.id == id)).one() or ""
        of = (Provenance.record_type, Provenance.record_id, Provenance.position)
        query = select(Provenance).where(*which, Provenance.source_id == id).order_by(*of)
        yield from ((dict(row), text) for row in connection.execute(query).mappings())


def _name(row: Row) -> str:
    return f"{row['record_type']}/{row['record_id']}: {row['source_id']}"


def _near(detail: str, passage: str | None) -> str:
    return f"{detail}; the nearest passage: {passage!r}" if passage else detail


def _fault(row: Row, text: str) -> str | None:
    quote, start = row["quote"], row["start_offset"]
    if row["status"] == "gone":
        return _near(f"the quote {_short(quote)} is gone", nearest_passage(quote, text))
    if row["status"] == "moved":
        holds = is_like(quote, text[start : row["end_offset"]])
        return None if holds else _near(f"the quote has moved, but not to {start}", nearest_passage(quote, text))
    try:
        locate(quote, text, start)
    except NotQuoted as fault:
        return _near(fault.detail, fault.near)
    return None


def _short(quote: str) -> str:
    return repr(quote if len(quote) <= 80 else quote[:77] + "...")


def quote_faults(connection: Connection) -> Iterator[str]:
    """Faults of quotes that are not where their rows say, and of those that are gone from their sources."""
    for row, text in _quotes(connection, "ok", "moved", "gone"):
        fault = _fault(row, text)
        if fault:
            yield f"{_name(row)}: {fault}"


def moved_quotes(engine: Engine) -> Iterator[str]:
    """Describe the quotes that were found elsewhere after their source's text was replaced; they are no faults."""
    with reading(engine) as connection:
        for row, text in _quotes(connection, "moved"):
            passage = text[row["start_offset"] : row["end_offset"]]
            now = "" if passage == row["quote"] else f" and reads {_short(passage)}"
            yield f"{_name(row)}: the quote {_short(row['quote'])} has moved to {row['start_offset']}{now}"
